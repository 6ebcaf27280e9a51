"""What drivers tell the desk: unread until somebody has read it, and nobody else's."""

import json

import httpx
import pytest

from scriptrun_box.drivers import notes, store
from scriptrun_box.kernel.errors import Invalid, NotFound
from scriptrun_box.kernel.scope import CLI, Actor, Scope
from tests.world import World

from .people import audited, hire, parcel

pytestmark = pytest.mark.anyio
READER, LATER = Actor.user("usr_first"), Actor.user("usr_second")


async def test_a_note_is_unread_until_the_first_who_reads_it(
    client: httpx.AsyncClient, world: World
) -> None:
    driver = await hire(client, world.live)
    package_id = await parcel(client, world.live)
    words = "Nobody opens. Leave it with 4B?"
    made = await world.db.write(
        notes.send, world.scope, CLI, driver["id"], package_id, f" {words}\u200b"
    )
    assert await world.db.read(store.count_unread, world.scope) == 1
    (unread,) = await world.db.read(store.unread_notes, world.scope, 10)
    assert (unread.text, unread.package_id, unread.read_at) == (words, package_id, None)
    for reader in (READER, LATER):
        await world.db.write(notes.mark_read, world.scope, reader, made.id)
    assert await world.db.read(store.count_unread, world.scope) == 0
    (read,) = await world.db.read(store.notes_about, world.scope, package_id)
    assert read.read_by == READER.id and read.read_at is not None
    told = await world.db.read(audited, made.id)
    assert [(act, actor) for act, actor, _ in told] == [
        ("driver.note_sent", "cli"),
        ("driver.note_read", READER.id),
    ]
    assert words not in json.dumps(told)


@pytest.mark.parametrize("text", ["", "  \u200b ", "x" * 501, "a\x00b"])
async def test_words_that_cannot_be_meant_are_refused(
    client: httpx.AsyncClient, world: World, text: str
) -> None:
    driver = await hire(client, world.live)
    with pytest.raises(Invalid):
        await world.db.write(notes.send, world.scope, CLI, driver["id"], None, text)


async def test_a_strangers_driver_package_and_note_are_unknown(
    client: httpx.AsyncClient, world: World
) -> None:
    driver = await hire(client, world.live)
    made = await world.db.write(notes.send, world.scope, CLI, driver["id"], None, "Late by 10 min")
    theirs = await parcel(client, world.stranger)
    with pytest.raises(NotFound):
        await world.db.write(notes.send, world.scope, CLI, driver["id"], theirs, "Hm")
    for scope in (Scope(world.elsewhere.tenant.id), world.sandbox_scope):
        with pytest.raises(NotFound):
            await world.db.write(notes.mark_read, scope, READER, made.id)
        with pytest.raises(NotFound):
            await world.db.write(notes.send, scope, CLI, driver["id"], None, "Hm")
        assert await world.db.read(store.count_unread, scope) == 0
