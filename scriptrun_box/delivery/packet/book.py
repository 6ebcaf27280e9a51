"""Writes the ZIP of a packet, file by file, and its manifest last. For a helper thread."""

import hashlib
import json
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from scriptrun_box.kernel import strict_json

from . import summary, verify
from .drawing import SIGNATURE_BYTES_MAX, SIGNATURES_BYTES_MAX
from .model import Cover, Line, Sheet
from .sealed import Sealed

README = """\
This packet answers an auditor. It was made by the pharmacy's own ScriptRun box.

summary.html   the delivery log, with the signatures; summary.pdf is the same on paper
records/       everything that is kept of each package, as JSON
pictures/      signatures and photos; each is named by its SHA-256
audit.jsonl    who did and who looked at what: the rows of the box's audit about these packages
manifest.json  the SHA-256 of every file
verify.py      checks all of it: python3 -I -S verify.py

Each row of audit.jsonl has the hash of the row before it in the box's audit, and its own: SHA-256
over [previous, seq, at, tenant_id, actor, act, subject, detail] as compact JSON. Rows about other
packages are left out; "chain" in manifest.json is the last row there was.

The digest that verify.py prints stands for the whole packet. The box keeps it in its own audit and
shows it beside the packet: that of a packet somebody made up is another one.
"""


class Book:
    """The ZIP while it is written."""

    def __init__(self, sealed: Sealed) -> None:
        self._file = sealed.create()
        self._zip = zipfile.ZipFile(self._file, "w", zipfile.ZIP_DEFLATED, compresslevel=5)
        self._files: dict[str, dict[str, str]] = {}
        self._acts: dict[int, bytes] = {}  # lines of the audit, by number
        self._room = SIGNATURES_BYTES_MAX
        self.lines: list[Line] = []
        self.signatures: dict[str, bytes] = {}  # small ones, for the PDF

    def add(self, sheets: Sequence[Sheet]) -> None:
        """The files of these packages."""
        for sheet in sheets:
            about = f"package {sheet.package_id}"
            if sheet.line.rx:
                about += f", Rx {sheet.line.rx}"
            self._add(sheet.line.record, _json(sheet.record), f"the record of {about}")
            for name, body in sheet.pictures.items():
                if name not in self._files:
                    self._add(name, body, f"a picture of {about}", zipfile.ZIP_STORED)
            self._acts |= {each["seq"]: strict_json.dumps(each) + b"\n" for each in sheet.acts}
            self.lines.append(sheet.line)
            self._keep_signature(sheet)

    def finish(self, cover: Cover, chain: tuple[int, str], pdf: bytes | None) -> str:
        """What is for people, the audit, the manifest; the digest of the whole."""
        self._add("summary.html", summary.html(cover, self.lines), "the delivery log")
        if pdf is not None:
            self._add("summary.pdf", pdf, "the delivery log on paper", zipfile.ZIP_STORED)
        rows = [row for _, row in sorted(self._acts.items())]
        self._add(verify.AUDIT, b"".join(rows), "the part of the box's audit about these packages")
        program = Path(verify.__file__).read_bytes()
        self._add("verify.py", program, "the program that checks the packet")
        self._add("README.txt", README.encode(), "the explanation of the packet")
        manifest = {
            "packet": cover.packet,
            "pharmacy": cover.pharmacy,
            "made_at": cover.made_at,
            "made_by": cover.made_by,
            "sandbox": cover.sandbox,
            "packages": len(self.lines),
            "chain": {"seq": chain[0], "hash": chain[1]},
            "files": self._files,
        }
        self._zip.writestr(verify.MANIFEST, verify.written(manifest))
        self._zip.close()
        self._file.close()  # raises where the disk is full
        return verify.digest_of(manifest)

    def drop(self) -> None:
        """Nothing more is written, whether it is finished or not."""
        with suppress(OSError, ValueError):
            self._zip.close()
        with suppress(OSError):
            self._file.close()

    def _add(self, name: str, body: bytes, about: str, how: int = zipfile.ZIP_DEFLATED) -> None:
        self._zip.writestr(name, body, how)
        self._files[name] = {"sha256": hashlib.sha256(body).hexdigest(), "about": about}

    def _keep_signature(self, sheet: Sheet) -> None:
        body = sheet.pictures.get(sheet.line.signature, b"")
        if 0 < len(body) <= min(SIGNATURE_BYTES_MAX, self._room):
            self._room -= len(body)
            self.signatures[sheet.line.signature] = body


def _json(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()
