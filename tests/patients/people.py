"""Patients for these tests, made as they come about: by an order that names their number."""

import itertools
import json
from typing import Any

import httpx
from starlette.applications import Starlette

from scriptrun_box.accounts.actions import NewKey
from scriptrun_box.kernel.db import Reader
from tests.world import header, orders

NUMBERS = itertools.count(1)


def number() -> str:
    """A patient number nobody has."""
    return f"PMS-{next(NUMBERS)}"


async def order(client: httpx.AsyncClient, key: NewKey, **fields: Any) -> str:
    """A new package that is nobody's duplicate."""
    body = orders({"barcode": f"B{next(NUMBERS)}", **fields})
    answer = await client.post("/api/webhook/orders", json=body, headers=header(key))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["package_ids"][0])


async def patient(
    app: Starlette, client: httpx.AsyncClient, key: NewKey, **fields: Any
) -> dict[str, Any]:
    """The patient of a new order, as the API shows them."""
    named = fields.setdefault("external_patient_id", number())
    await order(client, key, **fields)
    await app.state.arrivals.catch_up()
    (found,) = await listed(client, key, external_patient_id=named)
    return found


async def listed(client: httpx.AsyncClient, key: NewKey, **query: Any) -> list[dict[str, Any]]:
    """The first page of a list."""
    answer = await client.get("/api/patients", params=query, headers=header(key))
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


async def read(client: httpx.AsyncClient, key: NewKey, patient_id: str) -> dict[str, Any]:
    """One patient."""
    answer = await client.get(f"/api/patients/{patient_id}", headers=header(key))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def change(
    client: httpx.AsyncClient, key: NewKey, patient_id: str, **fields: Any
) -> httpx.Response:
    """PATCH."""
    return await client.patch(f"/api/patients/{patient_id}", json=fields, headers=header(key))


async def act(
    client: httpx.AsyncClient, key: NewKey, patient: str, what: str, **body: Any
) -> httpx.Response:
    """POST …/merge or …/split."""
    return await client.post(f"/api/patients/{patient}/{what}", json=body, headers=header(key))


def audited(r: Reader, subject: str) -> list[tuple[str, str, dict[str, Any]]]:
    """(act, actor, detail) of everything the audit has about a subject."""
    rows = r.all("SELECT act, actor, detail FROM audit WHERE subject = ? ORDER BY seq", (subject,))
    return [(row["act"], row["actor"], json.loads(row["detail"])) for row in rows]
