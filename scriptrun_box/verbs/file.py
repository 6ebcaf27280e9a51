"""backup, restore, verify and audit: the file as an owner looks after it."""

import csv
import sys
from pathlib import Path

import click

from scriptrun_box.kernel import audit, copies
from scriptrun_box.kernel.clock import iso, iso_or_none
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.folder import DataFolder, read_key
from scriptrun_box.kernel.opening import at_hand
from scriptrun_box.kernel.restoring import restore as restore_copy

from .common import Failure, Shelf, as_json, show_json, verb

AUDIT_COLUMNS = ("seq", "at", "tenant_id", "actor", "act", "subject", "detail", "hash")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@as_json
@verb
def backup(shelf: Shelf, file: Path, as_json: bool) -> None:
    """Write a checked copy of this moment to FILE."""
    with at_hand(shelf.settings) as (path, key):
        facts = copies.backup_to(path, key, file)
    if as_json:
        show_json({"file": str(file), "size_bytes": facts.size_bytes, "events": facts.event_seq})
    else:
        click.echo(f"{file}: {facts.size_bytes:,} bytes, checked, everything up to now.")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@as_json
@verb
def restore(shelf: Shelf, file: Path, as_json: bool) -> None:
    """Put the copy FILE in the place of the box's file, keeping the old one aside."""
    settings = shelf.settings
    folder = DataFolder(settings.storage.folder.absolute())
    done = restore_copy(folder, file, read_key(settings), settings.storage.min_free_mb)
    kept = str(done.kept_aside) if done.kept_aside else None
    if as_json:
        copied_at = iso_or_none(done.copied_at)
        show_json({"copied_at": copied_at, "kept_aside": kept, "counts": done.counts})
        return
    click.echo(
        f"Restored from {file}, copied {iso_or_none(done.copied_at) or 'at an unknown time'}."
    )
    for table, rows in done.counts.items():
        click.echo(f"  {rows:>10,} {table}")
    if kept:
        click.echo(f"The file before is kept as {kept}.")
    click.echo("Events it still had to send are held: an owner decides under Settings, System.")


@click.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@as_json
@verb
def verify(shelf: Shelf, file: Path | None, as_json: bool) -> None:
    """Check FILE, or the box's own file, through and through."""
    # Looked at as it lies there: opening it as a box would migrate it, or refuse a damaged one.
    live = DataFolder(shelf.settings.storage.folder.absolute()).file
    checks = copies.verify_file(file or live, read_key(shelf.settings))
    ok = all(check.ok for check in checks)
    if as_json:
        rows = [{"name": each.name, "ok": each.ok, "detail": each.detail} for each in checks]
        show_json({"ok": ok, "checks": rows})
    else:
        for each in checks:
            click.echo(f"{'ok    ' if each.ok else 'FAILED'}  {each.name}  {each.detail}".rstrip())
    if not ok:
        raise Failure("The file is not whole.")


@click.group("audit")
def audit_verbs() -> None:
    """The audit: verify, export."""


@audit_verbs.command("verify")
@as_json
@verb
def audit_verify(shelf: Shelf, as_json: bool) -> None:
    """Check that no row of the audit was changed or removed."""
    broken = shelf.read(audit.verify)
    if as_json:
        show_json({"ok": broken is None, "broken_at": broken})
    if broken is not None:
        raise Failure(f"The chain is broken at row {broken}: it or the one before was changed.")
    if not as_json:
        click.echo("The chain is whole.")


@audit_verbs.command("export")
@verb
def audit_export(shelf: Shelf) -> None:
    """Write the whole audit to stdout as CSV."""
    shelf.read(_write_audit)


def _write_audit(r: Reader) -> None:
    out = csv.writer(sys.stdout)
    out.writerow(AUDIT_COLUMNS)
    for row in audit.rows(r):
        out.writerow([iso(row["at"]) if name == "at" else row[name] for name in AUDIT_COLUMNS])
