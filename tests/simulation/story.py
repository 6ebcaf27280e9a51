"""A story: callers, receivers, an owner who pauses webhooks, and everything that goes wrong."""

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from scriptrun_box.kernel import clock, connection, ids, outgoing
from scriptrun_box.kernel.config import Settings
from scriptrun_box.kernel.log import log
from scriptrun_box.kernel.outgoing import Outgoing, Result

from .disk import WALL_START_MS, Disk, Faults, new_file, template
from .loop import START_SECONDS, VirtualLoop
from .process import Answer, Lost, Process

CHAOS_SECONDS = (8.0, 22.0, 120.0)  # at least, beyond that on average, at most
DOWN_SECONDS = (0.2, 5.0)  # from a kill to the next start
BEAT_SECONDS = (2.0, 9.0)  # seldom, so that a story is short; wakes come from commits
CALM_BEAT_SECONDS = 45.0
CALM_SECONDS = 6_000.0  # longer than any retry, hint and clock step may put a row off
RETRIES = (2, 10, 60)  # seconds
ATTEMPT_SECONDS = 10.0
CLOCK_STEPS_MS = (-7_200_000, -3_600_000, -90_000, -5_000, 5_000, 90_000, 3_600_000, 7_200_000)
MOODS = ("up", "up", "down", "500", "slow", "flappy", "redirect", "wait", "lost answer")


@dataclass
class Batch:
    """A logical request of a caller: its exact bytes, its key, and what became of it."""

    key: str  # whose API key
    number: int
    idempotency_key: str | None
    body: bytes
    good: list[str]  # the Rx numbers of the orders that must be accepted
    sent: int = 0
    unanswered: int = 0
    acknowledged: list[Answer] = field(default_factory=list)


@dataclass(frozen=True)
class Passed:
    """A request that the limiter let through, or refused."""

    process: int
    key: str
    at: float
    refused: bool


@dataclass(frozen=True)
class Post:
    """One arrival at a receiver, or an attempt that got no further than the network."""

    at: float
    wall_ms: int
    endpoint: str
    body: bytes
    headers: dict[str, str]
    arrived: bool
    ok: bool
    process: int


class Story:
    """Everything of one seed."""

    def __init__(self, seed: int, tell: Callable[[str], None] | None = None) -> None:
        self.random = random = Random(seed)
        self.loop = VirtualLoop(random)
        self.wall_offset_ms = WALL_START_MS - round(START_SECONDS * 1000)
        self.people = template()[1]
        self.file = new_file()
        self.faults = Faults()
        self.batches: list[Batch] = []
        self.passed: list[Passed] = []
        self.posts: list[Post] = []
        self.moves: list[tuple[str, str]] = []  # (package, status) that was acknowledged
        self.pauses: list[tuple[str, float, float]] = []  # endpoint, from, until
        self.mood: dict[str, str] = {}
        self.chaos = True
        self.lives = 0
        self.process: Process | None = None
        self._tell = tell
        self.limits = {
            "ingest_per_minute": random.randint(3, 12),
            "orders_per_hour": random.randint(5, 45),
            "reads_per_minute": 1_000,
            "writes_per_minute": 1_000,
        }
        webhooks = {"retry_delays": RETRIES, "timeout": ATTEMPT_SECONDS}
        self.settings = Settings.model_validate({"limits": self.limits, "webhooks": webhooks})

    # What the box sees of the world ---------------------------------------------------------------

    def now_ms(self) -> int:
        return round(self.loop.now * 1000) + self.wall_offset_ms

    def tell(self, text: str) -> None:
        """A line of the story, for whoever reads it."""
        if self._tell is not None:
            self._tell(f"{self.loop.now - START_SECONDS:9.3f} {text}")

    async def post(self, request: Outgoing, *_: Any) -> Result:
        """Instead of the network: what the receiver's mood makes of an attempt."""
        process, place = self.process, request.url.rpartition("/")[2]
        assert process is not None and not process.dead
        mood = self.mood.get(place, "up")
        if mood == "flappy":
            mood = self.random.choice(("up", "500", "down", "lost answer"))
        arrived, ok = mood != "down", mood == "up"
        now = self.loop.now, self.now_ms()
        self.posts.append(
            Post(*now, place, request.body, dict(request.headers), arrived, ok, process.number)
        )
        self.tell(f"event {request.headers['webhook-id'][-6:]} to {place}: {mood}")
        await asyncio.sleep(request.seconds if mood == "slow" else self.random.uniform(0, 0.4))
        if mood == "up":
            return Result("ok", None, 200)
        if mood in ("down", "slow", "lost answer"):
            kind: Any = {"down": "connect", "slow": "timeout", "lost answer": "reset"}[mood]
            return Result("failed", kind)
        if mood == "redirect":
            return Result("failed", "redirect", 302)
        hint = self.random.choice((1, 30, 600)) if mood == "wait" else None
        return Result("failed", "http", 503, retry_after=hint)

    # The process ----------------------------------------------------------------------------------

    def kill(self, why: str) -> None:
        process = self.process
        if process is not None and not process.dead:
            self.tell(f"life {process.number} is killed {why}")
            process.kill()

    async def serve(self) -> None:
        """Start the box, and start it again whenever it has died."""
        while True:
            disk = Disk(self.file, self.random, self.faults, self.kill)
            self.lives += 1
            self.process = process = Process(self.lives, disk, self.loop, self.settings)
            self.tell(f"life {self.lives} starts")
            with contextlib.suppress(Lost, Exception):
                await process.start()
                while not process.dead:
                    span = BEAT_SECONDS if self.chaos else (CALM_BEAT_SECONDS,) * 2
                    await asyncio.sleep(self.random.uniform(*span))
                    await process.beat(forget=self.random.random() < 0.2)
            self.kill("as it cannot start")
            await asyncio.sleep(self.random.uniform(*DOWN_SECONDS))

    async def call(
        self, method: str, path: str, key: str, body: bytes = b"", **more: str
    ) -> Answer:
        """A request to whatever life there is, over a line that may lose the answer."""
        process = self.process
        if process is None or process.dead:
            raise Lost
        return await process.call(method, path, self.people.keys[key][1], body, **more)

    # The end --------------------------------------------------------------------------------------

    def end(self) -> None:
        """Leave nothing behind that still waits for something."""
        self.tell = lambda text: None  # type: ignore[method-assign]
        if self.process is not None:
            self.process.kill()
        left = asyncio.all_tasks(self.loop)
        for task in left:
            task.cancel()
        if left:
            self.loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self.loop.close()

    def waits(self) -> bool:
        """Whether there is anything left to send."""
        one = self.file.execute(
            "SELECT (SELECT count(*) FROM webhook_deliveries"
            " WHERE state IN ('pending', 'sending', 'held')),"
            " (SELECT coalesce(max(seq), 0) FROM events)"
            " - (SELECT coalesce(max(seq), 0) FROM cursors)"
        ).fetchone()
        return any(one)

    @contextlib.contextmanager
    def in_place(self) -> Iterator[None]:
        """The product's clock, ids, network and log are the story's."""
        world = _World(self)
        kept = [(owner, name, getattr(owner, name)) for owner, name, _ in world.replaced]
        stream = log._stream
        for owner, name, replacement in world.replaced:
            setattr(owner, name, replacement)
        log.to(world)  # type: ignore[arg-type]
        try:
            yield
        finally:
            log.to(stream)
            for owner, name, original in kept:
                setattr(owner, name, original)


class _World:
    """Stands in for what the product's modules ask of the machine."""

    def __init__(self, story: Story) -> None:
        self._story = story
        self.replaced: list[tuple[Any, str, Any]] = [
            (clock, "now_ms", story.now_ms),
            (clock, "monotonic", story.loop.time),
            (connection, "BUSY_TIMEOUT_MS", 0),  # who finds the file taken has waited
            (ids, "_random_bytes", lambda: story.random.randbytes(ids.RANDOM_BYTES)),
            (ids, "time", self),
            (outgoing, "post", story.post),
            (outgoing, "warm_up", lambda: None),
            (outgoing, "public_tls", lambda: None),
        ]

    def time_ns(self) -> int:
        return self._story.now_ms() * 1_000_000

    def write(self, line: str) -> None:
        if " info request " not in line:  # the story tells of requests itself
            self._story.tell(f"log: {line.strip()}")

    def flush(self) -> None:
        pass


def body_of(event: bytes) -> Any:
    """An event as a receiver reads it."""
    return json.loads(event)
