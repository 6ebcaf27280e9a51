"""A driver's phone as tests hold it: joined by a code, with both halves of its credential."""

import itertools
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import httpx

from scriptrun_box.delivery.phone import devices
from scriptrun_box.kernel import clock
from scriptrun_box.kernel.ids import hex_id
from scriptrun_box.kernel.scope import CLI
from scriptrun_box.routes import actions as routes
from tests.drivers.people import hire, parcel
from tests.world import World

COOKIE = "scriptrun-phone"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
EVERYTHING = ["cold_chain", "controlled", "card_reader"]
STROKES = [[[10, 10, 0], [60, 40, 80], [120, 12, 160]], [[20, 60, 300], [110, 64, 420]]]
PERSON = {"name": "Rosa Rodriguez", "relation": "spouse"}
NUMBERS = itertools.count(1)


@dataclass
class Handset:
    """A joined phone; `ahead_ms` is how wrong its clock is."""

    client: httpx.AsyncClient
    driver_id: str
    cookie: str
    key: str
    ahead_ms: int = 0
    headers: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.headers = {"Cookie": f"{COOKIE}={self.cookie}", "X-Phone-Key": self.key}

    @property
    def now(self) -> int:
        return clock.now_ms() + self.ahead_ms

    def act(self, kind: str, **fields: Any) -> dict[str, Any]:
        """An act done right now."""
        return {"id": hex_id(), "kind": kind, "at": self.now, **fields}

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        return await self.client.request(method, path, headers=self.headers, **more)

    async def shift(self) -> dict[str, Any]:
        """The shift as the box tells it."""
        answer = await self.ask("GET", "/phone/shift")
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def send(self, *acts: dict[str, Any]) -> list[dict[str, Any]]:
        """Tell acts; the answer to each."""
        body = {"acts": list(acts), "sent_at": self.now}
        answer = await self.ask("POST", "/phone/acts", json=body)
        assert answer.status_code == 200, answer.text
        results: list[dict[str, Any]] = answer.json()["results"]
        return results

    async def do(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Do and tell one act."""
        (answer,) = await self.send(self.act(kind, **fields))
        return answer

    def delivery(self, *package_ids: str, **more: Any) -> dict[str, Any]:
        """A plain delivery to a person who signs."""
        given = {"how": "to_person", "recipient": PERSON, "signature": STROKES, **more}
        place = {"lat": 25.77, "lng": -80.19, "accuracy_m": 12.0}
        return self.act("deliver", package_ids=list(package_ids), place=place, **given)


async def code_for(world: World, driver_id: str) -> str:
    """A code as the desk shows it."""
    return await world.db.write(devices.make_code, world.scope, CLI, driver_id)


async def join(client: httpx.AsyncClient, token: str, key: str = "") -> httpx.Response:
    """What the phone's page posts."""
    key = key or secrets.token_urlsafe(32)
    return await client.post(f"/phone/join/{token}", content=f"key={key}", headers=FORM)


async def handset(client: httpx.AsyncClient, world: World, driver_id: str) -> Handset:
    """A phone of this driver."""
    key = secrets.token_urlsafe(32)
    answer = await join(client, await code_for(world, driver_id), key)
    assert answer.status_code == 200, answer.text
    cookie = answer.cookies[COOKIE]
    client.cookies.clear()
    return Handset(client, driver_id, cookie, key)


@dataclass
class Out:
    """A driver with a phone and a route of packages."""

    phone: Handset
    driver_id: str
    route_id: str
    package_ids: list[str]


async def planned(
    client: httpx.AsyncClient, world: World, *orders: dict[str, Any], **driver: Any
) -> Out:
    """A driver on shift with a planned route; each order goes to a door of its own."""
    hired = await hire(client, world.live, capabilities=EVERYTHING, **driver)
    ids = [
        await parcel(
            client,
            world.live,
            **{"patient_address": f"{next(NUMBERS)} Oak St, Miami, FL 33125", **order},
        )
        for order in orders
    ]
    given = {"driver_id": hired["id"], "package_ids": ids}
    sheet = await world.db.write(routes.create, world.scope, CLI, given)
    phone = await handset(client, world, hired["id"])
    assert (await phone.do("shift_start"))["outcome"] == "taken"
    return Out(phone, hired["id"], sheet.route.id, ids)


async def under_way(
    client: httpx.AsyncClient, world: World, *orders: dict[str, Any], **driver: Any
) -> Out:
    """The same, loaded and started."""
    out = await planned(client, world, *orders, **driver)
    load = out.phone.act("load", package_ids=out.package_ids)
    start = out.phone.act("start", route_id=out.route_id)
    answers = await out.phone.send(load, start)
    assert [each["outcome"] for each in answers] == ["taken", "taken"], json.dumps(answers)
    return out


def status(world: World, package_id: str) -> Any:
    """How a package stands."""
    sql = "SELECT status FROM packages WHERE id = ?"
    return world.db.peek(lambda r: r.value(sql, (package_id,)))
