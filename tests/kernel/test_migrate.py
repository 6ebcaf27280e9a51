"""The schema's steps: each whole or not at all, a copy first, and no way back."""

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from scriptrun_box.kernel import migrate
from scriptrun_box.kernel.connection import connect_writer
from scriptrun_box.kernel.migrate import Migration, NewerSchema, migrations, statements, version

FIRST = migrations()
NEXT = len(FIRST) + 1
GOOD = Migration(NEXT, "good", "CREATE TABLE added (a TEXT) STRICT; INSERT INTO added VALUES ('x')")
BAD = Migration(
    NEXT + 1, "bad", "CREATE TABLE half (a TEXT) STRICT; INSERT INTO nowhere VALUES (1)"
)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Any]:
    """A connection to a file that has taken every step there is."""
    with closing(connect_writer(tmp_path / "box.db")) as connection:
        migrate.migrate(connection)
        yield connection


def tables(connection: Any) -> set[str]:
    rows = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    return {row["name"] for row in rows}


def ahead(monkeypatch: pytest.MonkeyPatch, *steps: Migration) -> None:
    """A program that knows further steps."""
    monkeypatch.setattr(migrate, "migrations", lambda: [*FIRST, *steps])


def test_a_new_file_takes_every_step_and_is_marked_as_ours(tmp_path: Path) -> None:
    with closing(connect_writer(tmp_path / "box.db")) as connection:
        assert version(connection) == 0
        copies: list[int] = []
        taken = migrate.migrate(connection, lambda: copies.append(1))
        assert taken == [step.name for step in FIRST]
        assert copies == []  # there was nothing to copy
        assert version(connection) == FIRST[-1].number
        marked = connection.execute("PRAGMA application_id").fetchone()[0]
        assert marked == migrate.LIVE_APPLICATION_ID
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert migrate.migrate(connection) == []


def test_each_file_has_secrets_of_its_own(tmp_path: Path) -> None:
    facts = []
    for name in ("one.db", "two.db"):
        with closing(connect_writer(tmp_path / name)) as connection:
            migrate.migrate(connection)
            rows = connection.execute("SELECT key, value FROM meta").fetchall()
            facts.append({row["key"]: row["value"] for row in rows})
    assert set(facts[0]) == {"instance", "link_secret", "created_at"}
    for key in ("instance", "link_secret"):
        assert facts[0][key] != facts[1][key]
        assert len(facts[0][key]) >= 43


def test_every_table_is_strict(file: Any) -> None:
    loose = [
        row["name"]
        for row in file.execute("PRAGMA table_list").fetchall()
        if row["type"] == "table" and not row["strict"] and not row["name"].startswith("sqlite_")
    ]
    assert loose == []


def test_the_steps_are_numbered_without_a_gap_and_hold_what_can_be_split() -> None:
    assert [step.number for step in FIRST] == list(range(1, len(FIRST) + 1))
    for step in FIRST:
        assert not re.search(r"CREATE\s+TRIGGER", step.sql, re.IGNORECASE)
        assert not re.search(r"'[^'\n]*(;|--)[^'\n]*'", step.sql)
        assert not re.search(r"\bDROP\b", step.sql)


def test_comments_and_empty_statements_are_no_statements() -> None:
    sql = "-- a; b\nSELECT 1; -- c\n\n;SELECT\n2\n"
    assert statements(sql) == ["SELECT 1", "SELECT\n2"]


def test_before_the_first_new_step_of_a_file_with_data_it_is_copied_once(
    file: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead(monkeypatch, GOOD, Migration(NEXT + 1, "more", "CREATE TABLE more (a TEXT) STRICT"))
    seen: list[tuple[int, bool]] = []
    taken = migrate.migrate(file, lambda: seen.append((version(file), "added" in tables(file))))
    assert taken == ["good", "more"]
    assert seen == [(NEXT - 1, False)]
    assert version(file) == NEXT + 1
    assert file.execute("SELECT a FROM added").fetchone()["a"] == "x"


def test_where_the_copy_fails_no_step_is_taken(file: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ahead(monkeypatch, GOOD)

    def no_room() -> None:
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        migrate.migrate(file, no_room)
    assert version(file) == NEXT - 1
    assert "added" not in tables(file)


def test_a_step_that_fails_leaves_nothing_and_the_steps_before_it_stand(
    file: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead(monkeypatch, GOOD, BAD)
    for _ in range(2):  # and again at the next start
        with pytest.raises(Exception, match="nowhere"):
            migrate.migrate(file)
        assert version(file) == NEXT
        assert "added" in tables(file)
        assert "half" not in tables(file)
        assert not file.in_transaction


def test_a_file_of_a_newer_program_is_left_alone(file: Any) -> None:
    file.execute(f"PRAGMA user_version = {NEXT}")
    before = tables(file)
    with pytest.raises(NewerSchema, match=str(NEXT)):
        migrate.migrate(file, lambda: pytest.fail("nothing to copy"))
    assert (version(file), tables(file)) == (NEXT, before)
