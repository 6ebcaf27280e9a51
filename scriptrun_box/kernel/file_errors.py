"""Why the file cannot be used: each with one sentence for the owner and the exit status of `serve`.

CannotUse              status  when
├── AlreadyRunning     75      another process serves or restores this folder
├── DiskFailed         75      the disk answered with an error
├── NoBox              78      nothing was ever set up in this folder
├── NoRights           78      the folder or a file in it cannot be read or written
├── NetworkFolder      78      the live file would lie on a network file system
├── NewerFile          78      a newer version of this program wrote the file
├── WrongKey           78      no key, an unusable one, or one that does not fit
├── NoRoom             78      too little room for the copy that must be taken first
└── Damaged            79      the file is damaged, emptied or gone
"""


class CannotUse(Exception):
    """`sentence` is for the person, `status` for whoever started the process."""

    status = 78

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class AlreadyRunning(CannotUse):
    status = 75


class DiskFailed(CannotUse):
    status = 75  # it may pass: worth another try

    def __init__(self) -> None:
        super().__init__(
            "The disk of the data folder answered with an error: see what the system's log says."
        )


class NoBox(CannotUse):
    pass


class NoRights(CannotUse):
    pass


class NetworkFolder(CannotUse):
    pass


class NewerFile(CannotUse):
    pass


class WrongKey(CannotUse):
    pass


class NoRoom(CannotUse):
    pass


class Damaged(CannotUse):
    status = 79
