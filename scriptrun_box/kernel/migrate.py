"""Bring a file to the newest schema: numbered SQL files, one transaction each, after a copy."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from . import clock, ids
from .connection import begin_to_write

FILE_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
LIVE_APPLICATION_ID = 0x53524258  # "SRBX": a live file of this product
COPY_APPLICATION_ID = 0x53524243  # "SRBC": a published copy of one


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema: its number and its SQL."""

    number: int
    name: str
    sql: str


class NewerSchema(Exception):
    """The file was written by a newer version of this program."""


def migrations() -> list[Migration]:
    """Every step there is, in order."""
    steps = []
    for entry in files("scriptrun_box").joinpath("migrations").iterdir():
        match = FILE_NAME.fullmatch(entry.name)
        if match:
            steps.append(Migration(int(match[1]), entry.name, entry.read_text("utf-8")))
    return sorted(steps, key=lambda step: step.number)


def version(connection: Any) -> int:
    """The number of the last step the file has taken; 0 for an empty file."""
    number: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return number


def migrate(connection: Any, copy_first: Callable[[], None] = lambda: None) -> list[str]:
    """Take the missing steps, each in a transaction of its own; the names of those taken.

    `copy_first` makes the verified copy; it is called once, before the first step of a file that
    already holds data. Raises NewerSchema when the file is ahead of this program.
    """
    steps = migrations()
    have = version(connection)
    if have > steps[-1].number:
        raise NewerSchema(f"schema {have}, this program knows {steps[-1].number}")
    missing = [step for step in steps if step.number > have]
    if missing and have:
        copy_first()
    for step in missing:
        _take(connection, step)
    return [step.name for step in missing]


def _take(connection: Any, step: Migration) -> None:
    begin_to_write(connection)
    try:
        for statement in statements(step.sql):
            connection.execute(statement)
        if step.number == 1:
            connection.execute(f"PRAGMA application_id = {LIVE_APPLICATION_ID}")
            connection.executemany(
                "INSERT INTO meta (key, value) VALUES (?, ?)",
                [
                    ("instance", ids.token()),
                    ("link_secret", ids.token()),
                    ("created_at", clock.iso(clock.now_ms())),
                ],
            )
        connection.execute(f"PRAGMA user_version = {step.number}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def statements(sql: str) -> list[str]:
    """The single statements of a migration (which holds no triggers and no quoted semicolons)."""
    bare = re.sub(r"--[^\n]*", "", sql)
    return [statement for part in bare.split(";") if (statement := part.strip())]
