"""`serve` with one protection taken away: `python -m tests.faults.weak_serve WITHOUT serve`."""

import sys
from typing import Any

from scriptrun_box.cli import main
from scriptrun_box.kernel import connection, db

connect_durably = connection.connect_writer


def connect_normally(*args: Any) -> Any:
    """A writer whose commits wait in the operating system's memory."""
    made = connect_durably(*args)
    made.execute("PRAGMA synchronous = NORMAL")
    return made


if __name__ == "__main__":
    if sys.argv.pop(1) == "durability":
        db.connect_writer = connect_normally
    main()
