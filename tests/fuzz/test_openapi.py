"""Our own OpenAPI as others use it: whatever is sent, the answer is one the description tells of.

schemathesis makes requests that fit the description and requests that do not; half of those with an
id name a thing that is there. Every run makes the same ones.
"""

import asyncio
import json
import os
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from starlette.applications import Starlette

from scriptrun_box.accounts.actions import NewKey
from scriptrun_box.geocoding import store as places
from scriptrun_box.geocoding.reading import Parts, Read
from scriptrun_box.kernel import ids
from scriptrun_box.kernel.db import Database, Writer
from scriptrun_box.kernel.scope import CLI, Scope
from scriptrun_box.ui.openapi import openapi
from scriptrun_box.urls import URLS
from scriptrun_box.webhooks import actions as webhooks
from tests.programs import need_package
from tests.world import header, new_key, new_tenant, orders

pytestmark = [
    pytest.mark.anyio,
    # The box beside us draws its jitter from `random` while requests are being made up.
    pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies"),
]
PATIENCE_SECONDS = 10
# Of each operation, once fitting its description and once not; the long proof asks for more.
EXAMPLES = int(os.environ.get("SCRIPTRUN_BOX_TEST_EXAMPLES", "8"))
SPEC = openapi(URLS, "http://127.0.0.1:8787")
OPERATIONS = [
    (method, path) for path, methods in sorted(SPEC["paths"].items()) for method in methods
]
ERROR_KEYS = {"error", "code", "details", "request_id"}


def cases_of(method: str, path: str) -> list[Any]:
    """Requests for one operation, as schemathesis makes them."""
    schemathesis = need_package("schemathesis")
    operation = schemathesis.openapi.from_dict(SPEC)[path][method]
    made: list[Any] = []
    for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):

        @given(operation.as_strategy(generation_mode=mode))
        @settings(
            max_examples=EXAMPLES,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        def gather(case: Any) -> None:
            made.append(case)

        try:
            gather()
        except Unsatisfiable:
            pass  # nothing can contradict a description that asks for nothing
    return made


def newcomer(w: Writer) -> tuple[Scope, NewKey]:
    """A pharmacy for each operation: what another one has filled up is not in its way."""
    made = new_tenant(w, "Corner Drug")
    return Scope(made.tenant.id, test=True), new_key(w, made, test=True)


async def subjects(
    db: Database, client: httpx.AsyncClient, scope: Scope, key: NewKey
) -> dict[str, str]:
    """A thing of each kind, by the beginning of the addresses that are about it."""
    keyed = header(key)
    body = orders({"external_patient_id": "PMS-9081"})
    pushed = await client.post("/api/webhook/orders", json=body, headers=keyed)
    (package_id,) = pushed.json()["package_ids"]
    driver = await client.post("/api/drivers", json={"name": "Luis Ortega"}, headers=keyed)
    wish = {"name": ids.hex_id(), "hold_minutes": 240}
    bag = await client.post("/api/cold-bags", json=wish, headers=keyed)
    planned = {"driver_id": driver.json()["id"], "package_ids": [package_id]}
    route = await client.post("/api/routes", json=planned, headers=keyed)
    plan = await client.post(f"/api/routes/{route.json()['id']}/optimize", headers=keyed)
    where = Read(Parts("1", "Elm St", zip="33125"), package_id, package_id, "", (25.78, -80.23))
    place = await db.write(places.insert, scope, "1 Elm St", where)
    wish: dict[str, Any] = {"url": "https://receiver.invalid/hook", "events": ("*",)}
    made = await db.write(lambda w: webhooks.create(w, scope, CLI, **wish)[0])
    ping = await db.write(webhooks.test, scope, CLI, made.id)

    async def appeared(path: str) -> str:
        """The first of a list, once it is there."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                for each in (await client.get(path, headers=keyed)).json()["data"]:
                    return str(each["id"])
                await asyncio.sleep(0.01)

    return {
        "/api/packages": package_id,
        "/api/test/packages": package_id,
        "/api/patients": await appeared("/api/patients"),
        "/api/addresses": place.id,
        "/api/cold-bags": bag.json()["id"],
        "/api/drivers": driver.json()["id"],
        "/api/routes": route.json()["id"],
        "/api/plans": plan.json()["id"],
        "/api/stops": route.json()["stops"][0]["id"],
        "/api/webhooks": made.id,
        "/api/webhook-deliveries": ping,
        "/api/webhook-attempts": await appeared(f"/api/webhooks/{made.id}/logs"),
    }


def sent(case: Any, real_id: str | None, key: str) -> dict[str, Any]:
    """A case as httpx sends it; without a key of its own it carries a valid one."""
    path = case.path
    for name, value in (case.path_parameters or {}).items():
        path = path.replace(f"{{{name}}}", real_id or quote(str(value), safe=""))
    query = {str(name): str(value) for name, value in dict(case.query or {}).items()}
    if query.get("wait", "").isdecimal():
        query["wait"] = "0"
    body, content_type = case.body, case.media_type or "application/json"
    if isinstance(body, bytes):
        content = body
    elif body is None or isinstance(body, dict | list | str | int | float | bool):
        content = json.dumps(body).encode()
    else:
        content = b""  # schemathesis' own word for no body at all
    headers = {"X-API-Key": key}
    if content:
        headers["Content-Type"] = content_type
    return {"url": path or "/", "params": query, "content": content, "headers": headers}


@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=lambda text: text)
async def test_every_answer_is_one_the_description_tells_of(
    app: Starlette, client: httpx.AsyncClient, method: str, path: str
) -> None:
    told = {int(status) for status in SPEC["paths"][path][method]["responses"]}
    db: Database = app.state.box.db
    scope, key = await db.write(newcomer)
    things = await subjects(db, client, scope, key) if "{id}" in path else {}
    cases = cases_of(method, path)
    assert len(cases) >= 2
    for place, case in enumerate(cases):
        real_id = things[path.partition("/{")[0]] if "{id}" in path and place % 2 else None
        wish = sent(case, real_id, key.secret)
        answer = await client.request(method.upper(), **wish)
        if answer.status_code == 404 and not real_id and "{id}" in path:
            continue  # an id with a slash, or none at all, is another address
        assert answer.status_code in told, (wish, answer.status_code, answer.text)
        assert answer.status_code < 500
        if answer.status_code >= 400:
            assert set(answer.json()) == ERROR_KEYS, wish


def test_the_description_is_valid_openapi() -> None:
    schemathesis = need_package("schemathesis")
    operations = schemathesis.openapi.from_dict(SPEC).get_all_operations()
    assert sum(result.ok() is not None for result in operations) == len(OPERATIONS)
