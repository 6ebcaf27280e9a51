"""Drivers and packages for these tests, made over the API as programs make them."""

import itertools
import json
from typing import Any

import httpx

from scriptrun_box.accounts.actions import NewKey
from scriptrun_box.kernel.db import Reader
from tests.world import header, orders

NUMBERS = itertools.count(1)
EVERYTHING = ["cold_chain", "controlled", "card_reader"]


async def hire(client: httpx.AsyncClient, key: NewKey, **fields: Any) -> dict[str, Any]:
    """A new driver, as the API shows them."""
    wish = {"name": f"Driver {next(NUMBERS)}", **fields}
    answer = await client.post("/api/drivers", json=wish, headers=header(key))
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def parcel(client: httpx.AsyncClient, key: NewKey, **fields: Any) -> str:
    """A new package that is nobody's duplicate."""
    body = orders({"barcode": f"B{next(NUMBERS)}", **fields})
    answer = await client.post("/api/webhook/orders", json=body, headers=header(key))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["package_ids"][0])


async def post(client: httpx.AsyncClient, key: NewKey, path: str, **body: Any) -> httpx.Response:
    """A call with a JSON body."""
    return await client.post(path, json=body, headers=header(key))


def told(r: Reader, driver_id: str) -> list[dict[str, Any]]:
    """The data of every driver.status_changed about a driver, oldest first."""
    rows = r.all("SELECT event, body FROM events WHERE subject_id = ? ORDER BY seq", (driver_id,))
    assert {row["event"] for row in rows} <= {"driver.status_changed"}
    return [json.loads(row["body"])["data"] for row in rows]


def audited(r: Reader, subject: str) -> list[tuple[str, str, dict[str, Any]]]:
    """(act, actor, detail) of everything the audit has about a subject."""
    rows = r.all("SELECT act, actor, detail FROM audit WHERE subject = ? ORDER BY seq", (subject,))
    return [(row["act"], row["actor"], json.loads(row["detail"])) for row in rows]
