"""GET and PATCH /api/patients: what is said of a patient, who noted it, what is refused."""

import asyncio
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from scriptrun_box.app import _write_behind
from tests.world import World, header

from .people import audited, change, listed, number, patient, read

pytestmark = pytest.mark.anyio
EVERYTHING: dict[str, Any] = {
    "instructions": "Ring twice\nshe is slow on the stairs",
    "may_receive": ["Jorge Rodriguez, son", "the doorman"],
    "leave_at_door": True,
    "language": "pt-BR",
    "messages_consent": True,
    "notes": "Prefers the morning <b>",
}


async def test_what_is_said_stays_and_what_is_absent_too(
    app: Starlette, client: httpx.AsyncClient, world: World
) -> None:
    one = await patient(app, client, world.live)
    assert (await change(client, world.live, one["id"], **EVERYTHING)).status_code == 200
    now = await read(client, world.live, one["id"])
    assert {name: now[name] for name in EVERYTHING} == EVERYTHING
    assert now["messages_consent_by"] == f"key:{world.live.key.id}"
    assert now["messages_consent_at"].endswith("Z") and now["version"] == 2
    noted = now["messages_consent_at"]
    only = (await change(client, world.live, one["id"], notes=None)).json()
    assert only["notes"] is None and only["instructions"] == EVERYTHING["instructions"]
    assert (only["version"], only["messages_consent_at"]) == (3, noted)
    again = (await change(client, world.live, one["id"], notes=None)).json()
    assert again["version"] == 3, "nothing changed, nothing is written"
    told = await world.db.read(audited, one["id"])
    assert [each for each in told if each[0] == "patient.changed"] == [
        ("patient.changed", f"key:{world.live.key.id}", {"fields": fields})
        for fields in (
            ["instructions", "may_receive", "leave_at_door", "language", "messages", "notes"],
            ["notes"],
        )
    ]


@pytest.mark.parametrize(
    ("fields", "field", "code"),
    [
        ({"instructions": "x" * 501}, "instructions", "too_long"),
        ({"instructions": "a\x00b"}, "instructions", "bad_characters"),
        ({"notes": "x" * 2001}, "notes", "too_long"),
        ({"may_receive": ["x"] * 21}, "may_receive", "too_long"),
        ({"may_receive": ["two\nlines"]}, "may_receive", "bad_characters"),
        ({"may_receive": "a name"}, "may_receive", "wrong_type"),
        ({"leave_at_door": "yes"}, "leave_at_door", "wrong_type"),
        ({"leave_at_door": None}, "leave_at_door", "wrong_type"),
        ({"language": "Spanish"}, "language", "bad_format"),
        ({"messages_consent": 1}, "messages_consent", "wrong_type"),
        ({"number": "PMS-9"}, "number", "not_allowed"),
        ({"name": "Somebody Else"}, "name", "not_allowed"),
    ],
)
async def test_what_is_wrong_is_refused_and_not_repeated(
    app: Starlette, client: httpx.AsyncClient, world: World, fields: Any, field: str, code: str
) -> None:
    one = await patient(app, client, world.live)
    answer = await change(client, world.live, one["id"], **fields)
    assert answer.status_code == 400
    (item,) = answer.json()["details"]
    assert (item["field"].partition(".")[0], item["code"]) == (field, code)
    assert "xxx" not in answer.text and "Somebody" not in answer.text
    assert await read(client, world.live, one["id"]) == one


async def test_of_two_who_change_what_they_saw_one_is_told(
    app: Starlette, client: httpx.AsyncClient, world: World
) -> None:
    one = await patient(app, client, world.live)
    answers = await asyncio.gather(
        *(
            change(client, world.live, one["id"], notes=f"from {n}", version=one["version"])
            for n in range(5)
        )
    )
    assert sorted(each.status_code for each in answers) == [200] + [409] * 4
    lost = next(each.json() for each in answers if each.status_code == 409)
    assert (lost["code"], lost["details"]) == ("conflict", [{"version": 2}])


async def test_a_patient_is_found_by_any_name_phone_or_number_they_came_under(
    app: Starlette, client: httpx.AsyncClient, world: World
) -> None:
    named = number()
    for name, phone in (("Ána Maiden", "+13055550111"), ("Ana Married", "+13055550222")):
        one = await patient(
            app,
            client,
            world.live,
            external_patient_id=named,
            patient_name=name,
            patient_phone=phone,
        )
    await patient(app, client, world.live, patient_name="Somebody Else")
    assert one["name"] == "Ana Married", "the newest order's"
    for q in ("ana maiden", "married", "305 555 0111", "0222", named):
        assert one["id"] in [each["id"] for each in await listed(client, world.live, q=q)], q
    assert await listed(client, world.live, q="nobody at all") == []
    assert await listed(client, world.live, external_patient_id=named[:-1] + "x") == []


async def test_the_list_goes_on_from_page_to_page_without_a_gap(
    app: Starlette, client: httpx.AsyncClient, world: World
) -> None:
    made = [(await patient(app, client, world.stranger))["id"] for _ in range(5)]
    seen: list[str] = []
    cursor = ""
    while True:
        answer = await client.get(f"/api/patients?limit=2{cursor}", headers=header(world.stranger))
        body = answer.json()
        seen += [each["id"] for each in body["data"]]
        if body["next_cursor"] is None:
            break
        cursor = f"&cursor={body['next_cursor']}"
    assert seen[: len(made)] == made[::-1] and len(seen) == len(set(seen))


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "cursor=%00", "cursor=bm90b3Vycw"])
async def test_a_question_that_cannot_be_meant_is_refused(
    client: httpx.AsyncClient, world: World, query: str
) -> None:
    answer = await client.get(f"/api/patients?{query}", headers=header(world.live))
    assert (answer.status_code, answer.json()["details"][0]["code"]) == (400, "bad_format")


async def test_who_looks_at_patients_is_in_the_audit(
    app: Starlette, client: httpx.AsyncClient, world: World
) -> None:
    one = await patient(app, client, world.live)
    await read(client, world.live, one["id"])
    await _write_behind(app)
    assert ("patient.read", f"key:{world.live.key.id}", {}) in await world.db.read(
        audited, one["id"]
    )
