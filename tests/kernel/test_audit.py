"""The audit's chain: whole however it was written, and it names the row that was touched."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scriptrun_box.kernel import audit
from scriptrun_box.kernel.audit import Looks
from scriptrun_box.kernel.db import Database, Reader, Writer, run_once
from scriptrun_box.kernel.errors import Invalid
from scriptrun_box.kernel.opening import open_folder
from scriptrun_box.kernel.scope import BOX, CLI, Actor
from tests.boxes import settings_for

pytestmark = pytest.mark.anyio
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    """An open file of our schema."""
    opened = open_folder(settings_for(tmp_path / "data"))
    made = await Database.open(opened.path, opened.key)
    yield made
    await made.close()
    opened.close()


def act(w: Writer, *names: str) -> None:
    for name in names:
        audit.record(w, "ten_1", CLI, name, f"sub_{name}", number=len(name))


def refuse(w: Writer, name: str) -> None:
    act(w, name)
    raise Invalid()


def rows(r: Reader) -> list[dict[str, Any]]:
    return [dict(row) for row in r.all("SELECT * FROM audit ORDER BY seq")]


def run(w: Writer, sql: str, *values: Any) -> None:
    w.run(sql, values)


async def test_an_act_is_one_row_with_who_what_and_when(db: Database) -> None:
    await db.write(act, "one", "three")
    first, second = await db.read(rows)
    assert (first["seq"], first["tenant_id"], first["actor"]) == (1, "ten_1", "cli")
    assert (first["act"], first["subject"], first["detail"]) == ("one", "sub_one", '{"number":3}')
    assert second["seq"] == 2
    assert first["hash"] != second["hash"]
    assert await db.read(audit.verify) is None


async def test_an_empty_chain_is_whole(db: Database) -> None:
    assert await db.read(audit.verify) is None


async def test_an_act_that_was_undone_is_not_in_the_audit(db: Database) -> None:
    outcomes = await asyncio.gather(
        db.write(act, "a"), db.write(refuse, "b"), db.write(act, "c"), return_exceptions=True
    )
    assert isinstance(outcomes[1], Invalid)
    assert [row["act"] for row in await db.read(rows)] == ["a", "c"]
    assert await db.read(audit.verify) is None


async def test_acts_of_many_writers_and_processes_make_one_chain(db: Database) -> None:
    async def beside(name: str) -> None:
        await asyncio.to_thread(run_once, db.path, db.key, act, name, name)

    await asyncio.gather(
        *(db.write(act, f"w{number}") for number in range(60)),
        *(beside(f"p{number}") for number in range(4)),
    )
    found = await db.read(rows)
    assert [row["seq"] for row in found] == list(range(1, 69))
    assert await db.read(audit.verify) is None


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("at", 1),
        ("tenant_id", "ten_2"),
        ("tenant_id", None),
        ("actor", "box"),
        ("act", "other"),
        ("subject", None),
        ("detail", "{}"),
        ("hash", "0" * 64),
    ],
)
async def test_a_changed_row_is_named(db: Database, column: str, value: Any) -> None:
    await db.write(act, "a", "b", "c", "d")
    await db.write(run, f"UPDATE audit SET {column} = ? WHERE seq = 3", value)
    assert await db.read(audit.verify) == 3


async def test_a_row_that_was_taken_out_or_put_in_is_noticed(db: Database) -> None:
    await db.write(act, "a", "b", "c", "d", "e")
    await db.write(run, "DELETE FROM audit WHERE seq = 2")
    assert await db.read(audit.verify) == 3
    await db.write(
        run, "INSERT INTO audit SELECT 2, at, tenant_id, actor, act, subject, detail, hash"
        " FROM audit WHERE seq = 1",
    )  # fmt: skip
    assert await db.read(audit.verify) == 2


async def test_who_rewrites_a_row_with_its_hash_breaks_the_next_one(db: Database) -> None:
    await db.write(act, "a", "b", "c")
    first, second, _ = await db.read(rows)
    forged = audit.Entry("ten_1", "cli", "forged", "sub_b", "{}", second["at"])
    digest = audit.chain(first["hash"], 2, forged)
    sql = "UPDATE audit SET act = 'forged', detail = '{}', hash = ? WHERE seq = 2"
    await db.write(run, sql, digest)
    assert await db.read(audit.verify) == 3


async def test_looks_are_chained_later_and_none_is_written_twice(db: Database) -> None:
    looks = Looks()
    for number in range(5):
        looks.add("ten_1", Actor.user("usr_1"), "package.read", f"p{number}", count=number)
    waiting = looks.take()
    assert looks.take() == []
    await asyncio.gather(db.write(act, "x"), db.write(audit.write_looks, waiting))
    found = await db.read(rows)
    assert [row["subject"] for row in found if row["act"] == "package.read"] == [
        "p0", "p1", "p2", "p3", "p4",
    ]  # fmt: skip
    assert {row["actor"] for row in found} == {"cli", "user:usr_1"}
    assert await db.read(audit.verify) is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    tenant=st.none() | texts,
    name=texts,
    subject=st.none() | texts,
    detail=st.dictionaries(texts.map("d".__add__), texts | st.integers(-9, 9) | st.booleans()),
)
async def test_any_words_make_a_whole_chain(
    db: Database, tenant: str | None, name: str, subject: str | None, detail: dict[str, Any]
) -> None:
    await db.write(lambda w: audit.record(w, tenant, BOX, name, subject, **detail))
    assert await db.read(audit.verify) is None
