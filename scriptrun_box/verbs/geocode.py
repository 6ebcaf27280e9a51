"""geocode: load a file of address points into the box, and see how addresses stand."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from scriptrun_box.geocoding import actions, loading, store
from scriptrun_box.geocoding.actions import Standing
from scriptrun_box.geocoding.loading import NotPoints, Progress
from scriptrun_box.kernel.clock import iso_or_none

from .common import Failure, Shelf, as_json, say, show_json, verb

FORGOTTEN_AT_ONCE = 10_000  # points in one transaction


@click.group()
def geocode() -> None:
    """Addresses: load points, status."""


@geocode.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--add", is_flag=True, help="keep the files that were loaded before")
@as_json
@verb
def load(box: Shelf, file: Path, add: bool, as_json: bool) -> None:
    """Load FILE, a CSV of address points from OpenAddresses or a county, in place of earlier."""
    _forget_unused(box)
    progress = Progress()
    file_id = box.write(store.begin_file, file.name)
    try:
        with loading.open_points(file) as text, _bar(file, not as_json) as bar:
            for portion in loading.portions(text, progress):
                box.write(store.add_points, file_id, portion)
                bar.update(text.buffer.tell() - bar.pos)
    except NotPoints as error:
        _forget_unused(box)
        raise Failure(str(error)) from None
    if progress.rows == progress.bad_rows:
        _forget_unused(box)
        raise Failure("There is no address point in this file; what was loaded before stays.")
    points, due = box.write(_finish, file_id, progress.bad_rows, add)
    _forget_unused(box)
    result = {
        "file": file.name,
        "rows": progress.rows,
        "points": points,
        "bad_rows": progress.bad_rows,
        "bad": dict(progress.bad),
        "looked_for_again": due,
    }
    say(result, _told(result, progress), as_json)


@geocode.command()
@as_json
@verb
def status(box: Shelf, as_json: bool) -> None:
    """Which files are loaded, and how many addresses are placed, wait, or are to check."""
    found: Standing = box.read(actions.standing)
    places = {name: getattr(found, name) for name in ("located", "waiting", "to_check")}
    if as_json:
        files = [
            {
                "name": each.name,
                "points": each.points,
                "bad_rows": each.bad_rows,
                "loaded_at": iso_or_none(each.loaded_at),
            }
            for each in found.files
        ]
        show_json({"files": files, "places": places, "next_at": iso_or_none(found.next_at)})
        return
    for each in found.files:
        click.echo(f"{each.name}: {each.points:,} points, loaded {iso_or_none(each.loaded_at)}")
    if not found.files:
        click.echo("No address points are loaded: scriptrun-box geocode load FILE.")
    click.echo(
        f"Addresses: {found.located:,} placed, {found.waiting:,} waiting,"
        f" {found.to_check:,} to check."
    )
    provider = box.settings.geocoding.provider
    click.echo(f"Geocoder: {provider or 'none, no address leaves this box'}.")


def _finish(w: Any, file_id: int, bad_rows: int, add: bool) -> tuple[int, int]:
    """The load is used from now on, and what was not found before is looked for again."""
    points = store.finish_file(w, file_id, bad_rows)
    if not add:
        store.withdraw_others(w, file_id)
    return points, store.look_again(w)


def _forget_unused(box: Shelf) -> None:
    for file_id in box.read(store.unused_files):
        while box.write(store.forget_points, file_id, FORGOTTEN_AT_ONCE) == FORGOTTEN_AT_ONCE:
            pass


@contextmanager
def _bar(file: Path, shown: bool) -> Iterator[Any]:
    """A bar over the bytes of the file, where people look."""
    size = max(1, file.stat().st_size)
    with click.progressbar(length=size, label=file.name, hidden=not shown) as bar:
        yield bar


def _told(result: dict[str, Any], progress: Progress) -> str:
    lines = [f"{result['points']:,} address points from {progress.rows:,} rows."]
    for why, count in progress.bad.most_common():
        first = progress.first_bad[why]
        lines.append(f"  {count:,} rows were left out: {why} (first in line {first:,}).")
    if result["looked_for_again"]:
        lines.append(f"{result['looked_for_again']:,} addresses are looked for again.")
    return "\n".join(lines)
