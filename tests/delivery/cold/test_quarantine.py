"""From too warm to the pharmacist's decision: found at once, in force at the door, decided once."""

import random
from dataclasses import replace

import httpx
import pytest

from scriptrun_box.delivery.cold import bags, packing, quarantine, readings, story
from scriptrun_box.delivery.cold.model import Rule, Story
from scriptrun_box.delivery.recall import recall
from scriptrun_box.kernel import clock
from scriptrun_box.kernel.clock import MINUTE_MS
from scriptrun_box.kernel.errors import Conflict, Invalid
from scriptrun_box.packages import actions as packages
from scriptrun_box.packages import store as stored
from scriptrun_box.packages.model import Package
from tests.drivers.people import audited, parcel
from tests.routes.people import ANA, BO, step
from tests.world import World

from .people import PACKED, bag, long_ago, out, packed, read_in, recording

pytestmark = pytest.mark.anyio
WARM = [5.0, 9, 9, 9, 9, 9, 9, 9, 9, 5]


async def told(world: World, package_id: str) -> Story:
    return await world.db.read(story.read, world.scope, package_id, clock.now_ms())


async def standing(world: World, package_id: str) -> Package:
    return await world.db.write(packages.find, world.scope, package_id)


async def warmed(client: httpx.AsyncClient, world: World) -> Package:
    """A package that is out, and whose logger says that it was warm for too long."""
    package = await out(client, world)
    await world.db.write(long_ago, package.id, 120)
    began = package.packed_at - 120 * MINUTE_MS if package.packed_at else 0
    await world.db.write(read_in, world.scope, package.id, recording(WARM, began))
    return await standing(world, package.id)


async def decide(world: World, package_id: str, disposition: str, words: str = "Seen") -> Package:
    waiting = (await told(world, package_id)).waiting
    assert waiting is not None
    return await world.db.write(
        quarantine.dispose, world.scope, BO, package_id, waiting.id, disposition, words
    )


async def test_a_loggers_excursion_puts_a_package_in_quarantine_and_it_is_not_delivered(
    client: httpx.AsyncClient, world: World
) -> None:
    package = await warmed(client, world)
    assert package.quarantined_at is not None
    known = await told(world, package.id)
    (found,) = known.findings
    assert (found.kind, found.worst) == ("warm", 9)
    assert known.waiting is not None and known.waiting.findings == (found,)
    assert known.mean_kinetic is not None and 5 < known.mean_kinetic < 9
    with pytest.raises(Conflict) as refusal:
        await world.db.write(packages.move_on, world.scope, ANA, package.id, "deliver", signed=True)
    assert refusal.value.code == "quarantined"
    acts = [act for act, _, _ in await world.db.read(audited, package.id)]
    assert acts.count("package.quarantine") == 1


async def test_what_was_handed_over_before_anybody_knew_stays_delivered(
    client: httpx.AsyncClient, world: World
) -> None:
    package = await warmed(client, world)
    assert package.quarantined_at is not None
    before = package.quarantined_at - MINUTE_MS
    delivered = await world.db.write(
        lambda w: packages.move_on(
            w, world.scope, ANA, package.id, "deliver", signed=True, acted_at=before,
            delivered_at=before,
        )
    )  # fmt: skip
    assert (delivered.status, delivered.quarantined_at) == ("delivered", package.quarantined_at)
    assert quarantine.choices(delivered) == ("release", "destroy")


async def test_the_same_file_again_adds_nothing_and_finds_nothing_new(
    client: httpx.AsyncClient, world: World
) -> None:
    package = await warmed(client, world)
    released = await decide(world, package.id, "release")
    assert (released.status, released.quarantined_at) == ("out_for_delivery", None)
    assert released.packed_at is not None
    text = recording(WARM, released.packed_at)
    file, waiting = await world.db.write(read_in, world.scope, package.id, text)
    assert (file.added, file.readings, waiting) == (0, len(WARM), None)
    colder = recording([1.0], released.packed_at + 100 * MINUTE_MS)
    _, waiting = await world.db.write(read_in, world.scope, package.id, colder)
    assert waiting is not None and {each.kind for each in waiting.findings} == {"cold"}


async def test_what_a_file_shows_does_not_depend_on_how_it_was_cut(
    client: httpx.AsyncClient, world: World
) -> None:
    dice = random.Random(7)
    for _ in range(4):
        celsius = [round(dice.uniform(4, 11), 1) for _ in range(30)]
        seen = []
        for parts in (1, dice.randint(2, 6)):
            package = await packed(client, world, 600)
            await world.db.write(long_ago, package.id, 400)
            packed_at = (await standing(world, package.id)).packed_at or 0
            began = packed_at // 1_000 * 1_000 + 1_000  # whole seconds, as files have them
            heading, *lines = recording(celsius, began).splitlines()
            cut = sorted(dice.sample(range(1, len(lines)), parts - 1))
            pieces = [lines[a:b] for a, b in zip([0, *cut], [*cut, None], strict=True)]
            dice.shuffle(pieces)
            for piece in pieces:
                text = "\n".join([heading, *piece])
                await world.db.write(read_in, world.scope, package.id, text)
            known = await told(world, package.id)
            found = [
                (f.kind, f.began_at - began, (f.ended_at or 0) - began, f.worst)
                for f in known.findings
            ]
            seen.append((found, known.mean_kinetic, known.waiting is not None))
        (whole, mean, held), (cut_up, mean_cut_up, held_cut_up) = seen
        assert cut_up == whole
        assert mean_cut_up == pytest.approx(mean, abs=0.001)
        assert held_cut_up or not held


async def test_a_bag_whose_time_is_over_on_the_way_is_found_and_decided_about_once(
    client: httpx.AsyncClient, world: World
) -> None:
    package = await out(client, world, 60)
    await quarantine.watch(world.db)
    assert (await standing(world, package.id)).quarantined_at is None
    await world.db.write(long_ago, package.id, 61)
    await quarantine.watch(world.db)
    late = await standing(world, package.id)
    assert late.quarantined_at == late.hold_until is not None
    released = await decide(world, package.id, "release")
    assert (released.quarantined_at, released.hold_until) == (None, None)
    await quarantine.watch(world.db)
    delivered = await world.db.write(step, world.scope, package.id, "deliver")
    assert delivered is None
    assert (await standing(world, package.id)).status == "delivered"


async def test_a_reading_at_the_door_counts_once_from_when_it_was_taken(
    client: httpx.AsyncClient, world: World
) -> None:
    package = await out(client, world)
    at = clock.now_ms() - 5 * MINUTE_MS
    await world.db.write(long_ago, package.id, 30)
    for _ in range(2):
        waiting = await world.db.write(
            readings.reading_at_door, world.scope, ANA, package.id, at, 5.0, "changed"
        )
        assert waiting is not None and [each.kind for each in waiting.findings] == ["indicator"]
    known = await told(world, package.id)
    assert [each.place for each in known.readings] == ["pack", "door"]
    assert known.package.quarantined_at == at
    assert len(known.quarantines) == 1
    with pytest.raises(Invalid):
        await world.db.write(
            readings.reading_at_door, world.scope, ANA, package.id, at + 1, None, None
        )


async def test_what_need_not_be_cold_is_never_too_warm(
    client: httpx.AsyncClient, world: World
) -> None:
    package_id = await parcel(client, world.live)
    now = clock.now_ms()
    door = (readings.reading_at_door, world.scope, ANA, package_id, now, 30.0, "changed")
    assert await world.db.write(*door) is None
    with pytest.raises(Conflict) as refusal:
        await world.db.write(readings.add, world.scope, ANA, package_id, None, 5.0, None)
    assert refusal.value.code == "not_cold"


async def test_what_a_logger_says_before_packing_and_after_coming_back_does_not_count(
    client: httpx.AsyncClient, world: World
) -> None:
    package = await out(client, world)
    packed_at = package.packed_at or 0
    counter = recording([22.0] * 12, packed_at - 200 * MINUTE_MS)
    _, waiting = await world.db.write(read_in, world.scope, package.id, counter)
    assert waiting is None
    await world.db.write(step, world.scope, package.id, "fail", "no_answer")
    await world.db.write(packages.redeliver, world.scope, ANA, package.id)
    later = recording([22.0] * 12, clock.now_ms() + MINUTE_MS)
    _, waiting = await world.db.write(read_in, world.scope, package.id, later)
    assert waiting is None
    assert len((await told(world, package.id)).counted) == 1


DECISIONS = [
    # how far it has come, what is decided, where it is then
    ("packed", "redeliver", "created"),
    ("packed", "destroy", "cancelled"),
    ("failed", "release", "failed"),
    ("failed", "redeliver", "created"),
    ("failed", "return", "returned"),
    ("failed", "destroy", "returned"),
    ("recalled", "redeliver", "created"),
    ("out", "release", "out_for_delivery"),
]


@pytest.mark.parametrize(("far", "disposition", "status"), DECISIONS)
async def test_a_decision_says_where_the_package_goes(
    client: httpx.AsyncClient, world: World, far: str, disposition: str, status: str
) -> None:
    package = await (packed if far == "packed" else out)(client, world)
    if far == "failed":
        await world.db.write(step, world.scope, package.id, "fail", "temperature")
    if far == "recalled":
        await world.db.write(recall, world.scope, ANA, package.id, "other")
    await world.db.write(
        readings.reading_at_door, world.scope, ANA, package.id, clock.now_ms(), 1.0, None
    )
    then = await decide(world, package.id, disposition, "Called the maker")
    assert (then.status, then.quarantined_at) == (status, None)
    if disposition == "redeliver":
        assert then.packed_at is None
    (decided,) = (await told(world, package.id)).quarantines
    assert (decided.disposition, decided.decided_by) == (disposition, BO.id)
    assert decided.words == "Called the maker"
    (detail,) = [
        detail
        for act, _, detail in await world.db.read(audited, package.id)
        if act == "package.disposition"
    ]
    assert detail["disposition"] == disposition
    assert "Called" not in str(detail)
    moves = [move.act for move in await world.db.read(stored.moves, then)]
    assert moves.index("quarantine") < moves.index("disposition")


async def test_a_decision_needs_words_and_is_made_once_and_not_of_what_is_still_out(
    client: httpx.AsyncClient, world: World
) -> None:
    package = await warmed(client, world)
    waiting = (await told(world, package.id)).waiting
    assert waiting is not None
    wish = (quarantine.dispose, world.scope, BO, package.id, waiting.id)
    with pytest.raises(Invalid):
        await world.db.write(*wish, "release", "  ")
    with pytest.raises(Conflict) as refusal:
        await world.db.write(*wish, "redeliver", "Cold again")
    assert refusal.value.code == "disposition_not_allowed"
    await world.db.write(*wish, "release", "Stable for a day at 25 °C")
    with pytest.raises(Conflict) as refusal:
        await world.db.write(*wish, "release", "Me too")
    assert refusal.value.code == "not_quarantined"


async def test_in_quarantine_nothing_is_given_started_packed_or_sent_again(
    client: httpx.AsyncClient, world: World
) -> None:
    package, given = await packed(client, world), {"bag_id": await bag(world), **PACKED}
    await world.db.write(readings.add, world.scope, ANA, package.id, None, 1.0, None)
    for act in ("assign", "redeliver"):
        with pytest.raises(Conflict):
            await world.db.write(packages.move_on, world.scope, ANA, package.id, act)
    for act in (packing.pack, packing.unpack):
        wish = (given,) if act is packing.pack else ()
        with pytest.raises(Conflict) as refusal:
            await world.db.write(act, world.scope, ANA, package.id, *wish)
        assert refusal.value.code == "quarantined"


async def test_the_owners_rule_counts_from_now_on(client: httpx.AsyncClient, world: World) -> None:
    try:
        await world.db.write(bags.set_rule, world.scope, ANA, Rule(2, 0, 25, 60))
        package = await warmed(client, world)
        assert package.quarantined_at is None
        with pytest.raises(Invalid):
            await world.db.write(bags.set_rule, world.scope, ANA, Rule(8, 0, 2, 60))
    finally:
        await world.db.write(bags.set_rule, world.scope, ANA, Rule())


async def test_what_is_said_to_be_cold_again_is_packed_again(
    client: httpx.AsyncClient, world: World
) -> None:
    package = await packed(client, world)
    for cold in (False, True):
        content = replace((await standing(world, package.id)).content, cold_chain=cold)
        await world.db.write(packages.edit, world.scope, ANA, package.id, content)
    then = await standing(world, package.id)
    assert (then.content.cold_chain, then.packed_at, then.hold_until) == (True, None, None)
