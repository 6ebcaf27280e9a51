"""Naughty strings through every text field: kept as sent or refused, and shown literally."""

import csv
import html
import io
import unicodedata
from pathlib import Path
from typing import Any

import httpx
import pytest

from scriptrun_box.kernel.texts import INVISIBLE
from scriptrun_box.orders.reading import BATCH_MAX
from tests.access.people import Scene
from tests.world import ORDER, World, cookie, header

from .payloads import ALL, CONTROLS, FORMULAS, big_list

pytestmark = pytest.mark.anyio
FREE_TEXTS = ("patient_name", "patient_address", "rx_number", "external_patient_id", "notes",
              "barcode", "fill_number")  # fmt: skip
STARTS = ("=", "+", "-", "@", "\t", "\r")


def kept(text: str) -> str:
    """What the box promises to keep of a text: all of it, in NFC, without invisible signs."""
    return unicodedata.normalize("NFC", text.translate(INVISIBLE)).strip()


def orders_of(field: str, texts: list[str]) -> list[dict[str, Any]]:
    return [
        {**ORDER, "rx_number": f"RX-{field}-{place}", field: text}
        for place, text in enumerate(texts)
    ]


async def push(
    client: httpx.AsyncClient, world: World, field: str, texts: list[str]
) -> dict[str, str]:
    """Send one order for each text; {package id: text} of those that were accepted."""
    accepted: dict[str, str] = {}
    for at in range(0, len(texts), BATCH_MAX):
        some = texts[at : at + BATCH_MAX]
        body = {"orders": orders_of(field, some)}
        got = await client.post("/api/webhook/orders", json=body, headers=header(world.live))
        assert got.status_code in (200, 400), got.text
        if got.status_code == 400:
            continue
        answer = got.json()
        refused = {each["index"] for each in answer.get("errors", ())}
        good = [text for place, text in enumerate(some) if place not in refused]
        assert answer["created"] == len(good) == len(answer["package_ids"])
        accepted |= dict(zip(answer["package_ids"], good, strict=True))
    return accepted


@pytest.mark.parametrize("field", FREE_TEXTS)
async def test_a_naughty_text_is_kept_as_sent_or_refused(
    client: httpx.AsyncClient, world: World, field: str
) -> None:
    accepted = await push(client, world, field, list(ALL))
    assert len(accepted) > len(ALL) * 0.8
    for package_id, text in accepted.items():
        got = await client.get(f"/api/packages/{package_id}", headers=header(world.live))
        assert got.json()[field] == (kept(text) or None), text
    if field != "notes":
        assert not set(CONTROLS) & set(accepted.values())


async def test_the_big_list_of_naughty_strings_is_kept_or_refused(
    client: httpx.AsyncClient, world: World, tmp_path: Path
) -> None:
    texts = big_list(tmp_path)
    for field in ("patient_name", "notes"):
        accepted = await push(client, world, field, texts)
        assert len(accepted) > len(texts) * 0.6
        for package_id, text in accepted.items():
            got = await client.get(f"/api/packages/{package_id}", headers=header(world.live))
            assert got.json()[field] == (kept(text) or None), text
            page = await client.get(f"/packages/{package_id}", headers=as_owner(world))
            assert page.status_code == 200


def as_owner(world: World) -> dict[str, str]:
    token = cookie(world, "owner")["scriptrun"]
    return {"Cookie": f"scriptrun={token}", "Accept": "text/html"}


@pytest.mark.parametrize("field", ["patient_name", "notes"])
async def test_a_naughty_text_is_shown_literally(
    client: httpx.AsyncClient, world: World, field: str
) -> None:
    for package_id, text in (await push(client, world, field, list(ALL))).items():
        page = await client.get(f"/packages/{package_id}", headers=as_owner(world))
        assert page.status_code == 200
        wanted = kept(text)
        lines = " ".join(html.unescape(page.text).split())
        assert " ".join(wanted.split()) in lines, text
        if "<" in wanted:
            assert wanted not in page.text, f"{text} came out as markup"


async def test_an_export_holds_every_text_and_no_formula(
    client: httpx.AsyncClient, world: World
) -> None:
    accepted = await push(client, world, "notes", [*FORMULAS, *ALL])
    got = await client.get("/packages.csv", headers=as_owner(world))
    rows = {row["id"]: row for row in csv.DictReader(io.StringIO(got.text.removeprefix("\ufeff")))}
    for package_id, text in accepted.items():
        cell = rows[package_id]["notes"]
        assert cell.removeprefix("'") == kept(text).removeprefix("'"), text
    for row in rows.values():
        for column, cell in row.items():
            assert not cell.startswith(STARTS), (column, cell)


SETTINGS_TABLES = ("/settings/users.csv", "/settings/usage-keys.csv", "/settings/usage.csv")


async def test_tables_of_the_settings_hold_no_formula_either(
    client: httpx.AsyncClient, world: World
) -> None:
    for text in FORMULAS:
        await world.key(name=text)
    seen = 0
    for path in SETTINGS_TABLES:
        got = await client.get(path, headers=as_owner(world))
        for row in csv.reader(io.StringIO(got.text.removeprefix("\ufeff"))):
            seen += sum(cell.startswith("'") for cell in row)
            assert not any(cell.startswith(STARTS) for cell in row), row
    assert seen >= len(FORMULAS) - 1


USERS = "/settings/users"
HASHED = ("/sign-in", "/link")  # what checks a password takes its time
FORMS: tuple[tuple[str, dict[str, str], str], ...] = (
    ("/settings/integrations/keys", {"name": "x"}, "/settings/integrations"),
    ("/settings/integrations/webhooks", {"url": "x", "events": "*"}, "/settings/integrations"),
    (USERS, {"name": "x", "email": "{n}@x.example", "role": "driver"}, USERS),
    (USERS, {"name": "Sam", "email": "x", "role": "driver"}, USERS),
    (USERS, {"name": "Sam", "email": "{n}@y.example", "role": "x"}, USERS),
    ("/settings/texts/terms", {"body": "x"}, "/terms"),
    ("/sign-in", {"email": "x", "password": ""}, "/sign-in"),
    ("/set-up", {"token": "x", "pharmacy": "x"}, "/sign-in"),
    ("/link", {"token": "x", "password": "x", "again": "x"}, "/sign-in"),
)  # fmt: skip


@pytest.mark.parametrize(("path", "fields", "shown_at"), FORMS, ids=lambda value: str(value)[:60])
async def test_a_naughty_text_in_a_form_breaks_nothing(
    scene: Scene, path: str, fields: dict[str, str], shown_at: str
) -> None:
    person = await scene.session_of(scene.world.owner)
    headers = {"Cookie": f"scriptrun={person}", "Accept": "text/html"}
    page = (await scene.client.get("/docs", headers=headers)).text
    csrf = page.partition('name="csrf" value="')[2].partition('"')[0]
    for number, text in enumerate(ALL[:: 20 if path in HASHED else 2]):
        filled = {name: text if v == "x" else v.format(n=number) for name, v in fields.items()}
        got = await scene.client.post(path, data={"csrf": csrf, **filled}, headers=headers)
        assert got.status_code < 500, (text, got.text[:300])
        after = got if got.status_code != 303 else await scene.client.get(shown_at, headers=headers)
        assert after.status_code < 500, text
        if "<" in text and ">" in text:
            assert text not in after.text, f"{text} came out as markup"
