"""GET /openapi.json and the verb: the URL table, told to programs."""

import json
import re

import httpx
import pytest
from pydantic import BaseModel

from scriptrun_box.accounts.gates import KeyGate
from scriptrun_box.kernel.http import Doc, Url, anyone
from scriptrun_box.ui.openapi import documented, openapi, operation_id, table_of
from scriptrun_box.urls import URLS
from tests.world import World

pytestmark = pytest.mark.anyio
BASE = "https://box.example"


async def test_anyone_may_read_it_and_it_has_every_documented_row(
    client: httpx.AsyncClient, world: World
) -> None:
    answer = await client.get("/openapi.json")
    assert answer.status_code == 200
    told = answer.json()
    assert told["openapi"] == "3.1.0"
    operations = {(method, path) for path, item in told["paths"].items() for method in item}
    assert operations == {(row.method.lower(), row.path) for row, _ in documented(URLS)}


async def test_the_running_app_has_the_table_it_was_built_from(
    client: httpx.AsyncClient, world: World
) -> None:
    app = client._transport.app  # type: ignore[attr-defined]
    assert set(map(id, table_of(app))) == set(map(id, URLS))


def test_operation_ids_are_unique_and_every_reference_leads_somewhere() -> None:
    told = openapi(URLS, BASE)
    operations = [each for item in told["paths"].values() for each in item.values()]
    names = [each["operationId"] for each in operations]
    assert len(names) == len(set(names)) > 10
    references = set(re.findall(r'"\$ref": "#/components/schemas/([^"]+)"', json.dumps(told)))
    assert "Error" in references
    assert references <= set(told["components"]["schemas"])


def test_a_push_tells_its_fields_its_key_and_its_refusals() -> None:
    told = openapi(URLS, BASE)
    push = told["paths"]["/api/webhook/orders"]["post"]
    assert push["operationId"] == "post_api_webhook_orders"
    assert push["security"] == [{"key": []}]
    assert {"200", "400", "401", "402", "403", "429"} <= set(push["responses"])
    order = told["components"]["schemas"]["OrderIn"]
    assert {"patient_name", "patient_address"} == set(order["required"])
    assert "Error" in push["responses"]["400"]["content"]["application/json"]["schema"]["$ref"]


def test_paths_queries_and_bodies_come_from_the_row() -> None:
    class Inner(BaseModel):
        number: int

    class Body(BaseModel):
        inner: Inner

    async def handler(call: object) -> None:
        """Never called."""

    doc = Doc(
        summary="Do", body=Body, example={"inner": {"number": 1}}, query={"limit": "how many"}
    )
    gate = KeyGate("packages:read", "read")
    rows = [
        Url("POST", "/api/things/{id}", handler, gate, doc=doc),  # type: ignore[arg-type]
        Url("GET", "/hidden", handler, anyone),  # type: ignore[arg-type]
    ]
    told = openapi(rows, BASE)
    assert list(told["paths"]) == ["/api/things/{id}"]
    assert operation_id(rows[0]) == "post_api_things_id"
    operation = told["paths"]["/api/things/{id}"]["post"]
    assert [(each["name"], each["in"]) for each in operation["parameters"]] == [
        ("id", "path"),
        ("limit", "query"),
    ]
    assert set(told["components"]["schemas"]) == {"Error", "Body", "Inner"}
    assert operation["x-scope"] == "packages:read"
