"""A file with years of history: some weeks made by the product itself, then repeated in SQL.

The weeks are real in every row: orders taken in, packages walked to the door, events delivered.
Repeating them keeps patients (who come back every month anyway) and makes ids, Rx numbers and times
new. The hashes of the audit are copied, not chained: nothing measured here reads them.
"""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks.orders import STREETS
from scriptrun_box.accounts import store as accounts
from scriptrun_box.delivery import sandbox
from scriptrun_box.kernel import clock, ids
from scriptrun_box.kernel.clock import DAY_MS, MINUTE_MS
from scriptrun_box.kernel.connection import connect_writer
from scriptrun_box.kernel.db import Writer
from scriptrun_box.kernel.links import Links
from scriptrun_box.kernel.outgoing import Result
from scriptrun_box.kernel.scope import Actor, Scope
from scriptrun_box.orders.reading import Places, read_order
from scriptrun_box.packages import actions as packages
from scriptrun_box.packages import words
from scriptrun_box.packages.model import content_of
from scriptrun_box.webhooks import actions as webhooks
from scriptrun_box.webhooks import claims
from scriptrun_box.webhooks.schedule import Schedule

FIRST_RX = 700_000
DAYS = 20  # made by the product, then repeated
PER_DAY = 250
BASE = DAYS * PER_DAY  # packages made by the product
BATCH = 10  # orders a request
ATTEMPT_MS = 15_000
GIVE_UP_MS = DAY_MS
PATIENTS = 4_000  # who come back again and again
# Common names first: the few at the top are many patients, as in a telephone book.
FIRST_NAMES = (
    "Maria James Mary José Linda Robert Ana John Carmen Michael Luis Patricia David Rosa William"
    " Barbara Carlos Elizabeth Jorge Susan Miguel Jennifer Richard Margarita Thomas Dorothy Juan"
    " Nancy Charles Karen Pedro Betty Ángel Sandra Daniel Gloria Kim Noah Amara Li Olga Sean Grace"
    " Zoë Renée Nguyễn Tamika Yusuf Priya Ingrid Siobhan Dmitri Fatima Kwame Björn Chloé Hiroshi"
).split()
LAST_NAMES = (
    "Rodriguez Smith Garcia Johnson Gonzalez Williams Perez Brown Hernandez Jones Martinez Davis"
    " Lopez Miller Sanchez Wilson Diaz Anderson Fernandez Taylor Torres Thomas Ramirez Moore Cruz"
    " Jackson Gomez Martin Alvarez Lee Castillo Thompson Suarez White Vargas Harris Mendoza Clark"
    " Núñez Lewis Peña Robinson Ortega Walker Cabrera Young Acosta Allen Figueroa King O’Neill"
    " Wright Kim Scott Silva Nguyen Novak Okafor Ngô Muñoz Smith-Jones Ibrahim Kowalski Yamamoto"
    " Fitzgerald Østergaard D’Angelo Baptiste Weiß Zimmermann Quiñones Papadopoulos Szczepański"
).split()
LINKS = Links("https://box.example", "secret")
URL = "https://receiver.example/hook"
TODAY = {"assign": 100, "start": 70, "deliver": 40, "fail": 6}  # how many come so far today

# How a repeated row differs from its base row: by column, what SQL makes of it. `:n` is the number
# of the repetition, `:ms` and `:days` are how much later it happens, `:stamp` begins its ids.
ID = "substr({0}, 1, length({0}) - 32) || :stamp || substr({0}, -24)"
LATER = "{0} + :ms"
SHIFTED: dict[str, str] = {
    **dict.fromkeys(("id", "package_id", "subject_id", "event_id", "delivery_id", "lease"), ID),
    **dict.fromkeys(("created_at", "updated_at", "delivered_at", "at", "acted_at"), LATER),
    **dict.fromkeys(("packed_at", "released_at", "handed_over_at", "next_at"), LATER),
    **dict.fromkeys(("deadline_at", "finished_at", "started_at", "lease_until"), LATER),
    "delivery_date": "date({0}, :days || ' days')",
    "rx_number": f"'RX-' || ({FIRST_RX} + seq + :n * {BASE})",
    "subject": "iif(act LIKE 'package.%', " + ID.format("subject") + ", subject)",
    "body": "CAST(replace(CAST(body AS TEXT), substr(subject_id, 1, 8), :stamp) AS BLOB)",
}
COUNTERS = ("seq", "feed_seq", "event_seq")
TABLES = (
    "packages",
    "events",
    "package_moves",
    "proofs",
    "webhook_deliveries",
    "webhook_logs",
    "audit",
)


@dataclass
class Clock:
    """The time it is while history is made, in unix milliseconds."""

    now: int

    def now_ms(self) -> int:
        return self.now

    def time_ns(self) -> int:
        return self.now * 1_000_000


def fill(path: Path, count: int, now: int) -> None:
    """Put about `count` packages into a set-up file that nobody serves, the last ones today's."""
    file = connect_writer(path)
    for pragma in ("synchronous = OFF", "wal_autocheckpoint = 20000", "cache_size = -200000"):
        file.execute(f"PRAGMA {pragma}")
    repeats = count // BASE - 1
    began = now - (repeats + 1) * DAYS * DAY_MS
    pretended = Clock(began)
    with patch.object(clock, "now_ms", pretended.now_ms), patch.object(ids, "time", pretended):
        maker = Maker(path, pretended, file)
        for day in range(DAYS):
            pretended.now = began + day * DAY_MS
            maker.day(PER_DAY, {"assign": PER_DAY, "start": PER_DAY, "deliver": PER_DAY})
        found_by = [_words_without_rx(row) for row in file.execute("SELECT * FROM packages")]
        for table in TABLES:
            file.execute(f"CREATE TEMP TABLE base_{table} AS SELECT * FROM main.{table}")
        copies = [_copy(file, table) for table in TABLES]
        for number in range(1, repeats + 1):
            _repeat(file, copies, found_by, number, began)
        pretended.now = now
        maker.day(PER_DAY, TODAY)
    file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    file.close()


def patient(number: int) -> dict[str, Any]:
    """One of the patients, always the same for a number."""
    pick = random.Random(number)
    first, last = (_common(pick, names) for names in (FIRST_NAMES, LAST_NAMES))
    return {
        "patient_name": f"{first} {last}"
        if number % 3
        else f"{first} {pick.choice('ABEJLMR')}. {last}",
        "patient_address": f"{pick.randint(1, 9999)} {pick.choice(STREETS)}, Miami, FL 33178",
        "patient_phone": f"+1305{pick.randint(2_000_000, 9_999_999)}",
        "external_patient_id": f"PMS-{10_000 + number}" if number % 2 else None,
    }


def _common(pick: random.Random, names: list[str]) -> str:
    return pick.choices(names, [1 / (place + 4) for place in range(len(names))])[0]


class Maker:
    """Makes orders and whole days through the product's own actions, in a file nobody serves."""

    def __init__(self, path: Path, pretended: Clock | None = None, file: Any = None) -> None:
        self._file = file or connect_writer(path)
        self._clock = pretended or Clock(clock.now_ms())
        self._random = random.Random(1)
        self._numbers = 0
        w = Writer(self._file)
        (tenant,) = accounts.tenants(w)
        self._scope = Scope(tenant.id)
        (key,) = accounts.keys(w, tenant.id)
        self._actor = Actor.key(key.id)
        self._places = Places(accounts.locations(w, tenant.id))
        self._endpoint: Any = None

    def push(self, orders: int) -> float:
        """Take in so many orders in one transaction; the seconds it and its commit took."""
        contents = [self._content() for _ in range(orders)]
        began = time.perf_counter()
        self._do(packages.create_many, self._scope, self._actor, "api", contents)
        return time.perf_counter() - began

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def day(self, orders: int, so_far: dict[str, int]) -> None:
        """Orders come in over the day, and so many of the first ones have taken each step."""
        if self._endpoint is None:
            made = self._do(webhooks.create, self._scope, self._actor, url=URL, events=("*",))
            self._endpoint = made[0]
        package_ids: list[str] = []
        for _ in range(orders // BATCH):
            self._clock.now += MINUTE_MS
            contents = [self._content() for _ in range(BATCH)]
            create = packages.create_many
            made = self._do(create, self._scope, self._actor, "api", contents)
            package_ids += [each.package_id for each in made]
        for step, count in so_far.items():
            first = so_far["deliver"] if step == "fail" else 0
            for package_id in package_ids[first : first + count]:
                walk = partial(sandbox.make_up, step=step, reason="no_answer", links=LINKS)
                self._do(walk, self._scope, self._actor, package_id)
        self._deliver_events()

    def _deliver_events(self) -> None:
        while self._do(claims.fan_out, GIVE_UP_MS)[1]:
            pass
        schedule = Schedule((5_000,), GIVE_UP_MS)
        while parcels := self._do(claims.claim, self._endpoint.id, 0, 4, ATTEMPT_MS):
            for parcel in parcels:
                taken = Result("ok", None, 200, "192.0.2.1", b"ok", None, 12)
                self._do(claims.finish, parcel, taken, schedule)

    def _content(self) -> Any:
        number, pick = self._numbers, self._random
        self._numbers += 1
        order = {
            **patient(pick.randrange(PATIENTS)),
            "rx_number": f"RX-{FIRST_RX + number}",
            "medications": ["Lisinopril 10 mg"] if number % 3 else None,
            "priority": "stat" if number % 100 == 0 else "urgent" if number % 12 == 0 else None,
            "copay_amount": None if number % 3 else Decimal("12.50"),
            "cold_chain": number % 40 == 0,
            "dea_schedule": "IV" if number % 30 == 0 else None,
            "notes": "Leave with doorman" if number % 5 == 0 else None,
            "requires_signature": number % 2 == 0,
        }
        content, problems, _ = read_order(order, self._places, self._clock.now)
        assert content is not None, problems
        return content

    def _do(self, action: Any, *given: Any, **more: Any) -> Any:
        self._file.execute("BEGIN IMMEDIATE")
        w = Writer(self._file)
        result = action(w, *given, **more)
        for hook, items in w.hooks.items():
            hook(w, items)
        self._file.execute("COMMIT")
        return result


def _words_without_rx(row: Any) -> str:
    return words.index_words(replace(content_of(row), rx_number=None))


def _repeat(file: Any, copies: list[str], found_by: list[str], number: int, began: int) -> None:
    """The weeks once more, `number` times their length later."""
    days = number * DAYS
    later = began + days * DAY_MS
    values = {"n": number, "days": days, "ms": days * DAY_MS, "stamp": f"{later * 1000 >> 24:08x}"}
    file.execute("BEGIN IMMEDIATE")
    for statement in copies:
        file.execute(statement, values)
    rows = enumerate(found_by, number * BASE + 1)
    file.executemany("INSERT INTO package_search (rowid, words) VALUES (?, ?)", _search(rows))
    file.execute("COMMIT")


def _search(rows: Any) -> Iterator[tuple[int, str]]:
    """The product's words, with those of the new Rx number."""
    for seq, found_by in rows:
        digits = str(FIRST_RX + seq)
        yield seq, f"{found_by} rx{digits} rx {digits} {digits} {digits[-words.LAST_DIGITS :]}"


def _copy(file: Any, table: str) -> str:
    """The statement that repeats a table's base rows, whatever columns it has."""
    columns = [row["name"] for row in file.execute(f"PRAGMA table_info({table})")]
    made = []
    for column in columns:
        if column in COUNTERS:
            owner = table if column == "seq" else "events"
            made.append(f"{column} + :n * {_count(file, owner)}")
        else:
            made.append(SHIFTED.get(column, "{0}").format(column))
    return (
        f"INSERT INTO main.{table} ({', '.join(columns)})"
        f" SELECT {', '.join(made)} FROM temp.base_{table}"
    )


def _count(file: Any, table: str) -> int:
    return int(file.execute(f"SELECT count(*) FROM main.{table}").fetchone()[0])


def span(now: int, count: int) -> str:
    """From which day to which such a history goes."""
    today = date.fromtimestamp(now / 1000)
    return f"{today - timedelta(days=count // PER_DAY)} to {today}"
