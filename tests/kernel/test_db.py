"""The writer with its group commit, and the readers: what stands, what is undone, who is told."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from scriptrun_box.kernel import connection, outbox
from scriptrun_box.kernel.connection import connect, connect_writer
from scriptrun_box.kernel.db import Database, Reader, Signal, Writer, read_once, run_once
from scriptrun_box.kernel.errors import DiskFull, Invalid, Unavailable
from scriptrun_box.kernel.opening import open_folder
from scriptrun_box.kernel.rows import INSERT_SIZES
from tests.boxes import python, settings_for

pytestmark = pytest.mark.anyio


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Database]:
    """An open file of our schema."""
    opened = open_folder(settings_for(tmp_path / "data"))
    made = await Database.open(opened.path, opened.key)
    yield made
    await made.close()
    opened.close()


def put(w: Writer, name: str, seq: int = 1) -> str:
    """One row that any other connection can see once it is committed."""
    outbox.move_cursor(w, name, seq)
    w.after_commit(Signal("put", ids=(name,)))
    return name


def fail(w: Writer, name: str, error: BaseException) -> None:
    """A row, a hook and a signal, and then the end of it."""
    put(w, name)
    w.before_commit(gather, name)
    raise error


def names(r: Reader) -> list[str]:
    rows = r.all("SELECT consumer FROM cursors WHERE consumer != 'webhooks' ORDER BY consumer")
    return [row["consumer"] for row in rows]


gathered: list[list[str]] = []


def gather(w: Writer, items: list[str]) -> None:
    """A hook: the items of one commit."""
    gathered.append(items)
    for item in items:
        outbox.move_cursor(w, f"hook {item}", 1)


def put_with_hook(w: Writer, name: str) -> None:
    put(w, name)
    w.before_commit(gather, name)


@contextmanager
def on_another_connection(box: Database) -> Iterator[Reader]:
    with closing(connect(box.path, box.key, read_only=True)) as other:
        yield Reader(other)


# Together in one commit -------------------------------------------------------------------------


async def test_a_write_is_on_disk_when_it_returns(box: Database) -> None:
    assert await box.write(put, "one") == "one"
    assert read_once(box.path, box.key, names) == ["one"]


async def test_writes_that_wait_share_a_commit(box: Database) -> None:
    before = box.commits
    await asyncio.gather(*(box.write(put, f"{number:03}") for number in range(300)))
    assert len(await box.read(names)) == 300
    assert box.commits - before <= 300 / 10


async def test_a_hook_runs_once_a_commit_with_everything_that_was_collected(box: Database) -> None:
    gathered.clear()
    before = box.commits
    await asyncio.gather(*(box.write(put_with_hook, str(number)) for number in range(50)))
    assert sorted(item for items in gathered for item in items) == sorted(map(str, range(50)))
    assert len(gathered) == box.commits - before < 50
    assert len([name for name in await box.read(names) if name.startswith("hook")]) == 50


async def test_writes_happen_in_the_order_they_were_asked_for(box: Database) -> None:
    await asyncio.gather(*(box.write(put, "last", number) for number in range(200)))
    assert await box.read(outbox.cursor, "last") == 199


@pytest.mark.parametrize("error", [Invalid(), ValueError("x"), KeyError(), AssertionError()])
async def test_one_failing_action_does_not_hurt_its_neighbours(
    box: Database, error: Exception
) -> None:
    gathered.clear()
    told: list[Signal] = []
    box.listen(told.extend)
    outcomes = await asyncio.gather(
        *(box.write(put_with_hook, f"good {number}") for number in range(10)),
        box.write(fail, "bad", error),
        *(box.write(put_with_hook, f"late {number}") for number in range(10)),
        return_exceptions=True,
    )
    assert outcomes[10] is error
    assert all(outcome is None for place, outcome in enumerate(outcomes) if place != 10)
    stored = await box.read(names)
    assert len(stored) == 40
    assert not [name for name in stored if "bad" in name]
    assert "bad" not in [name for signal in told for name in signal.ids]
    assert len(told) == 20


async def test_a_hook_that_fails_undoes_its_whole_commit_and_nothing_later(box: Database) -> None:
    def broken(w: Writer, items: list[str]) -> None:
        raise RuntimeError("no")

    def with_broken(w: Writer, name: str) -> None:
        put(w, name)
        w.before_commit(broken, name)

    told: list[Signal] = []
    box.listen(told.extend)
    outcomes = await asyncio.gather(
        box.write(with_broken, "a"), box.write(with_broken, "b"), return_exceptions=True
    )
    assert all(isinstance(outcome, RuntimeError) for outcome in outcomes)
    assert (await box.read(names), told) == ([], [])
    await box.write(put, "c")
    assert await box.read(names) == ["c"]


async def test_even_an_iterator_that_ran_out_answers_everybody(box: Database) -> None:
    def run_out(w: Writer) -> str:
        return next(iter(()))

    outcomes = await asyncio.wait_for(
        asyncio.gather(box.write(put, "a"), box.write(run_out), return_exceptions=True), 5
    )
    assert outcomes[0] == "a"
    assert isinstance(outcomes[1], RuntimeError)
    assert await asyncio.wait_for(box.write(put, "b"), 5) == "b"


# Many items, one call ---------------------------------------------------------------------------


def put_each(w: Writer, items: list[str]) -> list[str | Invalid]:
    """One row an item; those that say so are refused, or bring the call down."""
    calls.append(items)
    if "explode" in items:
        raise RuntimeError("boom")
    outcomes: list[str | Invalid] = []
    for item in items:
        outcomes.append(Invalid(item) if item.startswith("no") else put(w, item))
    return outcomes


calls: list[list[str]] = []


async def test_what_waits_for_the_same_action_shares_one_call_of_it(box: Database) -> None:
    calls.clear()
    wanted = [f"{number:02}" for number in range(60)] + ["no 1", "no 2"]
    outcomes = await asyncio.gather(
        *(box.write_each(put_each, item) for item in wanted), return_exceptions=True
    )
    assert outcomes[:60] == wanted[:60]
    assert [str(each.sentence) for each in outcomes[60:]] == ["no 1", "no 2"]  # type: ignore[union-attr]
    assert await box.read(names) == wanted[:60]
    assert len(calls) <= 4


async def test_a_call_that_fails_is_tried_again_item_by_item(box: Database) -> None:
    outcomes = await asyncio.gather(
        *(box.write_each(put_each, item) for item in ("a", "no", "explode", "b")),
        box.write(put, "c"),
        return_exceptions=True,
    )
    assert outcomes[0] == "a"
    assert isinstance(outcomes[1], Invalid)
    assert isinstance(outcomes[2], RuntimeError)
    assert outcomes[3:] == ["b", "c"]
    assert await box.read(names) == ["a", "b", "c"]


async def test_an_outcome_of_an_attempt_that_was_undone_is_not_told(box: Database) -> None:
    """Together the second item is refused; alone, after a neighbour failed, it is not."""

    def only_first(w: Writer, items: list[str]) -> list[str | Invalid]:
        put(w, items[0])
        return [items[0], *(Invalid("not first") for _ in items[1:])]

    outcomes = await asyncio.gather(
        box.write_each(only_first, "x"),
        box.write_each(only_first, "y"),
        box.write(fail, "bad", ValueError()),
        return_exceptions=True,
    )
    stored = await box.read(names)
    assert stored == [outcome for outcome in outcomes if isinstance(outcome, str)]


# Who hears of it --------------------------------------------------------------------------------


async def test_listeners_hear_of_a_write_only_once_others_can_see_it(box: Database) -> None:
    seen: list[tuple[str, list[str]]] = []

    def listener(signals: list[Signal]) -> None:
        with on_another_connection(box) as r:
            seen.extend((signal.ids[0], names(r)) for signal in signals)

    box.listen(listener)
    await asyncio.gather(*(box.write(put, f"{number}") for number in range(9)))
    await asyncio.sleep(0)
    assert [name for name, _ in seen] == [str(number) for number in range(9)]
    assert all(name in stored for name, stored in seen)


async def test_a_caller_who_went_away_leaves_the_write_standing(box: Database) -> None:
    tasks = [asyncio.create_task(box.write(put, f"{number}")) for number in range(5)]
    await asyncio.sleep(0)
    tasks[2].cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(outcomes[2], asyncio.CancelledError)
    assert await box.write(put, "after") == "after"
    assert await box.read(names) == ["0", "1", "2", "3", "4", "after"]


async def test_closing_finishes_what_waits(tmp_path: Path) -> None:
    opened = open_folder(settings_for(tmp_path / "data"))
    box = await Database.open(opened.path, opened.key)
    waiting = [asyncio.create_task(box.write(put, f"{number:03}")) for number in range(300)]
    await asyncio.sleep(0)
    await box.close()
    assert all([await each for each in waiting])
    assert not opened.path.with_name(opened.path.name + "-wal").exists()
    assert len(read_once(opened.path, opened.key, names)) == 300
    opened.close()


# Reading ----------------------------------------------------------------------------------------


async def test_a_query_sees_one_moment_of_the_file(box: Database) -> None:
    loop = asyncio.get_running_loop()

    def twice(r: Reader) -> tuple[list[str], list[str]]:
        first = names(r)
        asyncio.run_coroutine_threadsafe(box.write(put, "meanwhile"), loop).result(5)
        return first, names(r)

    assert await box.read(twice) == ([], [])
    assert await box.read(names) == ["meanwhile"]


async def test_a_reader_cannot_write(box: Database) -> None:
    def write(r: Reader) -> None:
        r.one("DELETE FROM meta")

    with pytest.raises(connection.DatabaseError):
        await box.read(write)
    with pytest.raises(connection.DatabaseError):
        box.peek(write)
    assert await box.read(lambda r: r.value("SELECT count(*) FROM meta")) > 0


async def test_a_failing_query_leaves_its_reader_usable(box: Database) -> None:
    for _ in range(5):
        with pytest.raises(ZeroDivisionError):
            await box.read(lambda r: 1 // 0)
    assert await box.read(names) == []


# Beside other processes -------------------------------------------------------------------------


async def test_what_another_process_writes_is_seen_at_once(box: Database) -> None:
    assert box.peek(names) == []
    code = (
        "import sys; from pathlib import Path; from scriptrun_box.kernel import db, outbox;"
        "db.run_once(Path(sys.argv[1]), None, outbox.move_cursor, 'theirs', 1)"
    )
    with python(code, box.path) as process:
        assert process.wait(20) == 0
    assert box.peek(names) == ["theirs"]
    assert await box.read(names) == ["theirs"]
    epoch = box.epoch
    assert await box.write(lambda w: w.epoch) == epoch + 1 == box.epoch
    assert await box.write(lambda w: w.epoch) == box.epoch == epoch + 1


async def test_a_short_write_beside_the_box_keeps_the_same_rules(box: Database) -> None:
    gathered.clear()
    run_once(box.path, box.key, put_with_hook, "beside")
    with pytest.raises(Invalid):
        run_once(box.path, box.key, fail, "bad", Invalid())
    assert gathered == [["beside"]]
    assert await box.read(names) == ["beside", "hook beside"]


async def test_while_another_process_holds_the_file_a_write_is_told_to_come_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "BUSY_TIMEOUT_MS", 50)
    opened = open_folder(settings_for(tmp_path / "data"))
    box = await Database.open(opened.path, opened.key)
    with closing(connect(opened.path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable) as refused:
            await box.write(put, "a")
        assert refused.value.headers["Retry-After"] == "1"
        with pytest.raises(Unavailable):
            run_once(box.path, box.key, put, "beside")
        other.execute("ROLLBACK")
    assert await box.write(put, "b") == "b"
    assert await box.read(names) == ["b"]
    await box.close()
    opened.close()


async def test_a_short_write_finds_the_moment_in_which_a_busy_process_lets_go(
    box: Database,
) -> None:
    done = threading.Event()

    def keep_busy() -> None:
        with closing(connect(box.path)) as other:
            while not done.is_set():
                other.execute("BEGIN IMMEDIATE")
                time.sleep(0.2)
                other.execute("ROLLBACK")
                time.sleep(0.002)

    busy = threading.Thread(target=keep_busy)
    busy.start()
    try:
        for n in range(5):
            await asyncio.to_thread(run_once, box.path, box.key, put, f"beside {n}")
    finally:
        done.set()
        busy.join()
    assert len(await box.read(names)) == 5


async def test_a_full_file_takes_nothing_and_goes_on_when_there_is_room(box: Database) -> None:
    def limit(w: Writer, pages: int) -> None:
        w.connection.execute(f"PRAGMA max_page_count = {pages}").fetchall()

    def big(w: Writer, name: str) -> None:
        put(w, name)
        w.run("INSERT INTO meta (key, value) VALUES (?, ?)", (name, "x" * 4_000_000))

    pages = await box.read(lambda r: r.value("PRAGMA page_count"))
    await box.write(limit, pages + 10)
    outcomes = await asyncio.gather(
        box.write(put, "small"), box.write(big, "big"), return_exceptions=True
    )
    assert isinstance(outcomes[1], DiskFull)
    assert outcomes[1].headers["Retry-After"] == "60"
    assert "big" not in await box.read(names)
    await box.write(limit, pages + 100_000)
    await box.write(big, "room")
    assert "room" in await box.read(names)


async def test_many_rows_go_in_whole(box: Database) -> None:
    rows = [(f"{number:04}", number) for number in range(2 * sum(INSERT_SIZES) + 3)]
    await box.write(lambda w: w.insert("cursors (consumer, seq)", rows))
    found = await box.read(lambda r: r.all("SELECT consumer, seq FROM cursors WHERE seq < 10000"))
    assert [tuple(row) for row in found if row["consumer"] != "webhooks"] == rows
    await box.write(lambda w: w.insert("cursors (consumer, seq)", []))


async def test_a_log_that_cannot_be_folded_at_the_end_leaves_no_thread_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = set(threading.enumerate())
    connect_writer(tmp_path / "box.db").close()
    db = await Database.open(tmp_path / "box.db")

    async def fail() -> None:
        raise OSError("the disk is gone")

    monkeypatch.setattr(db, "checkpoint", fail)
    with pytest.raises(OSError, match="gone"):
        await db.close()
    for thread in set(threading.enumerate()) - before:
        thread.join(5)  # it has been told to end, and may be about to
        assert not thread.is_alive()
