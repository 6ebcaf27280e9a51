"""doctor: what is wrong with this box, and what to type about it."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path

import click
from sqlcipher3 import dbapi2

from scriptrun_box.accounts import store
from scriptrun_box.kernel import clock, copies, tls
from scriptrun_box.kernel.config import LOOPBACK_HOSTS, Settings
from scriptrun_box.kernel.db import read_once
from scriptrun_box.kernel.disk import Disk
from scriptrun_box.kernel.file_errors import NoBox
from scriptrun_box.kernel.folder import DataFolder, read_key

from .common import Failure, Shelf, as_json, show_json, verb

SAFE_SQLITE = (3, 51, 3)  # older ones can corrupt a file when two connections check-point at once
OLD_COPY_MS = 24 * clock.HOUR_MS


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: `grave` ones make the box unhealthy, the others are risks to know."""

    name: str
    ok: bool
    words: str
    grave: bool = True


@click.command()
@as_json
@verb
def doctor(shelf: Shelf, as_json: bool) -> None:
    """Look the box over and say what to do."""
    findings = examine(shelf.settings)
    healthy = all(finding.ok or not finding.grave for finding in findings)
    if as_json:
        rows = [
            {"name": each.name, "ok": each.ok, "grave": each.grave, "message": each.words}
            for each in findings
        ]
        show_json({"ok": healthy, "checks": rows})
    else:
        for each in findings:
            mark = "ok  " if each.ok else ("BAD " if each.grave else "risk")
            click.echo(f"{mark}  {each.name}: {each.words}")
    if not healthy:
        raise Failure("Something needs attention; see above.")


def examine(settings: Settings) -> list[Finding]:
    """Every finding, the file's first."""
    path = DataFolder(settings.storage.folder.absolute()).file
    if not path.exists():
        raise NoBox(f"There is no box in {settings.storage.folder} yet: type scriptrun-box init.")
    key = read_key(settings)
    checks = copies.verify_file(path, key)
    broken = [check.name for check in checks if not check.ok]
    tenants = 0 if broken else len(read_once(path, key, store.tenants))
    return [
        Finding("file", not broken, f"damaged: {', '.join(broken)}" if broken else "whole"),
        Finding(
            "set up",
            bool(tenants),
            f"{tenants} tenant(s)" if tenants else "type scriptrun-box init",
        ),
        _copy(settings),
        _disk(settings),
        _sqlite(),
        Finding(
            "encryption",
            key is not None,
            "the file is encrypted" if key else "the file is plain: set storage.key_file",
            grave=False,
        ),
        _listening(settings),
    ]


def _copy(settings: Settings) -> Finding:
    folder = DataFolder(settings.storage.folder.absolute())
    facts = copies.describe(folder.published, read_key(settings))
    if facts is None or facts.published_at is None:
        return Finding("copy", False, "there is no published copy yet: start the box once", False)
    age = clock.now_ms() - facts.published_at
    words = f"made {clock.iso(facts.published_at)}"
    if age > OLD_COPY_MS:
        return Finding("copy", False, f"{words}: older than a day; is the box running?", False)
    return Finding("copy", True, words)


def _disk(settings: Settings) -> Finding:
    disk = Disk(settings.storage.folder.absolute(), settings.storage.min_free_mb)
    return Finding("disk", not disk.is_low(), f"{disk.free_mb():,} MB free")


def _sqlite() -> Finding:
    version = tuple(int(part) for part in dbapi2.sqlite_version.split("."))
    words = f"SQLite {dbapi2.sqlite_version} (Python's own: {sqlite3.sqlite_version}, not used)"
    return Finding("engine", version >= SAFE_SQLITE, words)


def _certificate(file: Path) -> Finding:
    """How long it is good for, where it is the box's own: another one is its maker's business."""
    status = tls.status(file.parent)
    if status is None or status.days_left >= tls.RENEW_DAYS:
        return Finding("network", True, "the local network, encrypted")
    days = max(status.days_left, 0)
    words = f"the certificate is good for {days} more days: type scriptrun-box tls init"
    return Finding("network", False, words, grave=not days)


def _listening(settings: Settings) -> Finding:
    server = settings.server
    if server.host in LOOPBACK_HOSTS:
        return Finding("network", True, "this machine only")
    if server.tls_cert:
        return _certificate(server.tls_cert)
    return Finding(
        "network", False, "plain HTTP on the network: anyone on it can read patient data", False
    )
