"""Checks a packet of delivery records: whether every part is as the pharmacy's box wrote it.

    python3 -I -S verify.py             in the folder the packet was unpacked to
    python3 -I -S verify.py PACKET.zip  without unpacking it

It needs nothing but Python. It names what was changed and ends with 1; where nothing was, it prints
the digest of the packet and ends with 0. The box keeps the same digest in its own audit: ask the
pharmacy for it, and somebody who made up a whole packet, this program included, is found out, too.
"""

import hashlib
import json
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

MANIFEST, AUDIT = "manifest.json", "audit.jsonl"
FIELDS = ("previous", "seq", "at", "tenant_id", "actor", "act", "subject", "detail")
Files = dict[str, Callable[[], bytes]]


def main(arguments: list[str]) -> int:
    """Print what is wrong with the packet, or its digest."""
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    source = Path(arguments[0]) if arguments else Path(__file__).resolve().parent
    try:
        files = _zipped(source) if source.is_file() else _unpacked(source)
    except (OSError, ValueError, zipfile.BadZipFile):
        print(f"{source.name}: this is no packet, or its outer shell was changed.")
        return 1
    wrong = list(problems(files))
    for sentence in wrong:
        print(sentence)
    if wrong:
        return 1
    whole = manifest_of(files[MANIFEST]())
    print(f"Nothing was changed: {len(files)} files are as the box wrote them.")
    print(f"Digest {digest_of(whole)}")
    return 0


def problems(files: Files) -> Iterator[str]:
    """A sentence for each part that was changed, is missing or was added."""
    try:
        listed = manifest_of(files[MANIFEST]())["files"]
    except Exception:
        yield f"{MANIFEST}: changed or missing. It is the list of all files; nothing else is sure."
        return
    for name, told in listed.items():
        if name not in files:
            yield f"{name}: missing. It is {told['about']}."
        elif _digest(files[name]) != told["sha256"]:
            yield f"{name}: changed. It is {told['about']}."
            if name == AUDIT:
                yield from _acts(files[name])
    for name in files:
        if name not in listed and name != MANIFEST:
            yield f"{name}: added. The box did not write it."


def manifest_of(raw: bytes) -> dict[str, dict[str, dict[str, str]]]:
    """What a manifest says; raises ValueError unless it is as it was written, to the byte."""
    whole = json.loads(raw)
    said = whole["manifest"]
    if written(said) != raw:
        raise ValueError("changed")
    result: dict[str, dict[str, dict[str, str]]] = said
    return result


def written(manifest: object) -> bytes:
    """A manifest with its own digest, as it stands in its file."""
    whole = {"digest": digest_of(manifest), "manifest": manifest}
    return (json.dumps(whole, ensure_ascii=False, indent=1) + "\n").encode()


def digest_of(manifest: object) -> str:
    """The SHA-256 of a manifest as compact JSON: it stands for the whole packet."""
    return hashlib.sha256(_compact(manifest)).hexdigest()


def _acts(read: Callable[[], bytes]) -> Iterator[str]:
    """Which rows of the audit were changed: the hash of each covers the row before it."""
    try:
        lines = read().splitlines()
    except Exception:
        return
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            whole = _compact([row[name] for name in FIELDS])
            if hashlib.sha256(whole).hexdigest() != row["hash"]:
                yield f"{AUDIT}: row {row['seq']} (line {number}) was changed."
        except (ValueError, TypeError, KeyError):
            yield f"{AUDIT}: line {number} cannot be read any more."


def _compact(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _digest(read: Callable[[], bytes]) -> str:
    try:
        return hashlib.sha256(read()).hexdigest()
    except Exception:  # whatever a ZIP that was changed makes of it
        return "unreadable"


def _unpacked(folder: Path) -> Files:
    found = sorted(path for path in folder.rglob("*") if not path.is_dir())
    return {path.relative_to(folder).as_posix(): path.read_bytes for path in found}


def _zipped(path: Path) -> Files:
    packed = zipfile.ZipFile(path)
    names = packed.namelist()
    if len(set(names)) < len(names):
        raise ValueError("a name stands in it twice")
    return {name: lambda name=name: packed.read(name) for name in names}  # type: ignore[misc]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
