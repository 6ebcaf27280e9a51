"""Who takes part: callers with orders, sandbox walkers, an owner, and bad luck."""

import asyncio
import json
from typing import Any

from .loop import START_SECONDS
from .process import Answer, Lost
from .story import CALM_SECONDS, CHAOS_SECONDS, CLOCK_STEPS_MS, MOODS, Batch, Passed, Story

TRIES = 9
PATIENCE_SECONDS = (0.01, 4.0)  # after which a caller hangs up
WALK = ("assign", "start", "deliver")
STATUS_AFTER = {"assign": "assigned", "start": "out_for_delivery", "deliver": "delivered"}


async def act(story: Story) -> None:
    """The whole story: trouble for some minutes, then calm until everything has arrived."""
    random, loop = story.random, story.loop
    serving = loop.create_task(story.serve())
    trouble = [loop.create_task(each(story)) for each in _troubles(story)]
    callers = [
        loop.create_task(_caller(story, name))
        for name in random.choices(list(story.people.keys), k=random.randint(1, 3))
    ]
    least, beyond, most = CHAOS_SECONDS
    await asyncio.sleep(min(least + random.expovariate(1 / beyond), most))
    for task in (*trouble, *callers):
        task.cancel()
    await asyncio.gather(*trouble, *callers, return_exceptions=True)
    story.tell("calm")
    story.chaos = False
    story.faults.__init__()  # type: ignore[misc]
    story.mood.clear()
    for name in story.people.endpoints:
        await _turn(story, name, "resume", patient=True)
    until = loop.now + CALM_SECONDS
    while story.waits() and loop.now < until:
        await asyncio.sleep(5.0)
    serving.cancel()
    if story.process is not None and not story.process.dead:
        await story.process.stop()


def _troubles(story: Story) -> list[Any]:
    """Each story has some kinds of trouble and not others: together they hide each other."""
    random = story.random
    for name, most in (("full", 0.2), ("busy", 0.2), ("fsync", 0.05), ("kill", 0.05)):
        if random.random() < 0.4:
            setattr(story.faults, name, random.uniform(0, most))
    kinds = [_kills, _clock_steps, _moods, _owner]
    return [kind for kind in kinds if random.random() < 0.6]


async def _kills(story: Story) -> None:
    while True:
        await asyncio.sleep(story.random.expovariate(1 / 15))
        story.kill("-9")


async def _clock_steps(story: Story) -> None:
    while True:
        await asyncio.sleep(story.random.expovariate(1 / 25))
        step = story.random.choice(CLOCK_STEPS_MS)
        story.wall_offset_ms += step
        story.tell(f"the clock is set by {step / 1000:.0f} s")


async def _moods(story: Story) -> None:
    while True:
        name = story.random.choice(list(story.people.endpoints))
        story.mood[name] = story.random.choice(MOODS)
        story.tell(f"{name} is {story.mood[name]} from now on")
        await asyncio.sleep(story.random.expovariate(1 / 12))


async def _owner(story: Story) -> None:
    while True:
        await asyncio.sleep(story.random.expovariate(1 / 25))
        name = story.random.choice(list(story.people.endpoints))
        if not await _turn(story, name, "pause"):
            continue
        paused = story.loop.now
        try:
            await asyncio.sleep(story.random.expovariate(1 / 20))
        finally:
            story.pauses.append((name, paused, story.loop.now))
        await _turn(story, name, "resume")


async def _turn(story: Story, name: str, what: str, patient: bool = False) -> bool:
    """Pause or resume an endpoint; whether the box said it did."""
    path = f"/api/webhooks/{story.people.endpoints[name].id}/{what}"
    while True:
        try:
            answer = await story.call("POST", path, name.rpartition("-")[0])
            story.tell(f"{what} {name}: {answer.status}")
            if answer.status == 200 or not patient:
                return answer.status == 200
        except Lost:
            if not patient:
                return False
        await asyncio.sleep(1.0)


# Callers ------------------------------------------------------------------------------------------


async def _caller(story: Story, key: str) -> None:
    while True:
        await asyncio.sleep(story.random.expovariate(1 / 8))
        batch = _new_batch(story, key)
        story.batches.append(batch)
        racing = batch.idempotency_key is not None and story.random.random() < 0.25
        tries = [_push_until_taken(story, batch) for _ in range(2 if racing else 1)]
        await asyncio.gather(*tries)
        if batch.acknowledged and key.endswith("-test"):
            await _walk(story, key, batch.acknowledged[0].json()["package_ids"][0])


def _new_batch(story: Story, key: str) -> Batch:
    random, number = story.random, len(story.batches)
    orders: list[dict[str, Any]] = []
    good = []
    for place in range(random.randint(1, 5)):
        rx = f"RX-{number}-{place}"
        order = {"patient_name": f"Maria {rx}", "patient_address": "1 Main St, Miami, FL 33178"}
        if place and random.random() < 0.15:
            del order["patient_name"]
        else:
            good.append(rx)
        orders.append({**order, "rx_number": rx})
    keyed = random.random() < 0.8
    body = json.dumps({"orders": orders}).encode()
    return Batch(key, number, f"batch-{number}" if keyed else None, body, good)


async def _push_until_taken(story: Story, batch: Batch) -> None:
    for _ in range(TRIES):
        answer = await _push(story, batch)
        if answer is None:
            await asyncio.sleep(story.random.uniform(0.1, 3.0))
        elif answer.status == 200:
            if story.random.random() < 0.7:
                return
            await asyncio.sleep(story.random.expovariate(1 / 5))  # and once more, to be sure
        elif answer.status == 429:
            await asyncio.sleep(min(float(answer.headers["retry-after"]), 70.0))
        elif answer.status < 500:
            return
        else:
            await asyncio.sleep(story.random.uniform(0.1, 3.0))


async def _push(story: Story, batch: Batch) -> Answer | None:
    """Send it once; None where no answer came."""
    more = {"idempotency_key": batch.idempotency_key} if batch.idempotency_key else {}
    batch.sent += 1
    at, life = story.loop.now, story.lives
    answer = None
    try:
        patience = story.random.uniform(*PATIENCE_SECONDS)
        async with asyncio.timeout(patience if story.random.random() < 0.3 else None):
            answer = await story.call("POST", "/api/webhook/orders", batch.key, batch.body, **more)
    except (Lost, TimeoutError):
        pass
    finally:
        if answer is None:
            batch.unanswered += 1
    story.tell(f"batch {batch.number} by {batch.key}: {answer.status if answer else 'no answer'}")
    if answer is not None:
        code = answer.json().get("code", "") if answer.status != 200 else ""
        story.passed.append(Passed(life, batch.key, at, code == "rate_limited"))
        if answer.status == 200:
            batch.acknowledged.append(answer)
    return answer


async def _walk(story: Story, key: str, package_id: str) -> None:
    """Take a sandbox package to the door; what was acknowledged is noted."""
    for step in WALK:
        for _ in range(TRIES):
            try:
                answer = await story.call("POST", f"/api/test/packages/{package_id}/{step}", key)
            except Lost:
                await asyncio.sleep(1.0)
                continue
            if answer.status == 200:
                story.moves.append((package_id, STATUS_AFTER[step]))
            if answer.status in (200, 409):  # 409: an earlier try did it, unheard
                break
            await asyncio.sleep(1.0)


def minutes(story: Story) -> float:
    """How long the story was, for whoever reads it."""
    return (story.loop.now - START_SECONDS) / 60
