"""R14: kill -9 inside a migration and inside publishing; the old state or the new one, no third."""

import random
import time
from pathlib import Path

from scriptrun_box.kernel import copies, migrate
from scriptrun_box.kernel.db import read_once
from tests.boxes import noted, python
from tests.kernel.test_opening import MIGRATING, NUMBERS, Made, make, rows_added, schema
from tests.kernel.test_publisher import PUBLISHING

from .figures import Figure, all_of, none_of
from .load import is_whole

MIGRATION_LASTS = (0.0, 0.4)  # seconds from its beginning to the kill
PUBLISHING_LASTS = (0.0, 0.2)
CROSS_JOINS = 8  # rows the migration adds: so many times the events squared


def run(work: Path, count: int) -> list[Figure]:
    """Kill so many migrations and so many publications."""
    return [*_migrations(work, count), *_publications(work / "published", count)]


def _migrations(work: Path, count: int) -> list[Figure]:
    between, old, new = 0, 0, 0
    for number in range(count):
        made = make(work / f"migrated-{number}", work)
        newest = migrate.migrations()[-1].number
        child = python(MIGRATING, made.folder)
        assert child.stdout is not None and child.stdout.readline() == "go\n"
        time.sleep(random.uniform(*MIGRATION_LASTS))
        child.kill()
        child.communicate()
        is_new = read_once(made.live, None, schema) > newest
        new, old = new + is_new, old + (not is_new)
        between += not _is_sound(made, is_new)
    ran = f"{count} kills: {old} left the old file, {new} the new one"
    return [none_of("R14", "a killed migration left something between", between, ran)]


def _is_sound(made: Made, is_new: bool) -> bool:
    rows = read_once(made.live, None, rows_added) if is_new else 0
    whole = all(check.ok for check in copies.verify_file(made.live, None) if check.name != "schema")
    return whole and noted(made.live) == NUMBERS and rows in (0, CROSS_JOINS * len(NUMBERS) ** 2)


def _publications(folder: Path, count: int) -> list[Figure]:
    broken, behind, missing = 0, 0, 0
    folder.mkdir()
    for _ in range(count):
        child = python(PUBLISHING, folder)
        assert child.stdout is not None
        first = child.stdout.readline()
        time.sleep(random.uniform(*PUBLISHING_LASTS))
        child.kill()
        rest, _ = child.communicate()
        said = [line.split() for line in (first + rest).splitlines() if line.count(" ")]
        published = max(int(number) for word, number in said if word == "published")
        acknowledged = max(int(number) for _, number in said)
        copy = folder / "scriptrun-box.sqlite"
        broken += not copies.is_whole(copy, None)
        behind += len(noted(copy)) < published
        missing += len(noted(folder / "live" / "box.db")) < acknowledged
    ran = f"{count} kills"
    return [
        none_of("R14", "a killed publication left a broken or older copy", broken + behind, ran),
        none_of("R14", "acknowledged writes missing after it", missing, ran),
        all_of("R14", "the live file checks afterwards", int(is_whole(folder)), 1, ran),
    ]
