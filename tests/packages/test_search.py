"""GET /api/packages?q=…: a package is found as the counter types it."""

import asyncio
from typing import Any

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.pushing import found, get, push
from tests.world import World, header

pytestmark = pytest.mark.anyio
BASE = {"rx_number": None, "patient_phone": None}


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("José Núñez", ["jose", "JOSE NUNEZ", "josé", "jos nu", "núñ", "nunez jose", "José Nún"]),
        (
            "Jose\u0301 Pérez-Quiñones",
            ["perez", "quinones", "pérezquiñ", "perez-q", "jose perez q"],
        ),
        ("Mary O'Brien", ["obrien", "o'brien", "o’brien", "brien", "mary o'b"]),
        ("Siobhán O’Neill", ["oneill", "O'Neill", "siobhan"]),
        ("Keoni Kaʻanāpali", ["kaanapali", "Ka'anapali", "kaʻana"]),
        ("Jürgen Groß", ["jurgen", "gross", "GROSS", "groß", "grosz"[:3]]),
        ("Łukasz Wałęsa", ["lukasz walesa", "łukasz", "wale"]),
        ("Søren Ægir", ["soren", "aegir", "søren æ"]),
        ("Nguyễn Văn Đức", ["nguyen van duc", "nguyễn", "duc"]),
        ("IŞIL Yılmaz", ["isil", "yilmaz", "yılmaz"]),
        ("Наталья Иванова", ["наталья", "ИВАН"]),
        ("王小明", ["王小明", "王"]),
        ("Anne Marie de la Cruz", ["anne-marie", "cruz anne", "de la cr"]),
        ("St. John Smith Jr.", ["st john", "st. john", "smith jr", "smith, st"]),
    ],
)
async def test_a_name_is_found_in_any_spelling_of_its_accents_and_only_begun(
    client: httpx.AsyncClient, world: World, name: str, typed: list[str]
) -> None:
    (package_id,) = await push(client, world.live, {**BASE, "patient_name": name})
    for q in typed:
        assert package_id in await found(client, world.live, q=q, limit=200), q
    assert package_id not in await found(client, world.live, q="zzz", limit=200)
    assert package_id not in await found(client, world.live, q=f"{typed[0]} zzz", limit=200)


@pytest.mark.parametrize(
    ("fields", "typed", "not_by"),
    [
        (
            {"rx_number": "RX-8872341"},
            ["RX-8872341", "rx8872341", "8872341", "88723", "rx 8872", "rx-88", "2341"],
            ["8872342", "72", "341"],
        ),
        ({"rx_number": "00712345"}, ["00712345", "0071", "2345"], ["712345"]),
        ({"barcode": "PKG/2026.0099871"}, ["pkg/2026.0099871", "pkg", "0099871", "9871"], ["099"]),
        ({"external_patient_id": "PMS-9081"}, ["PMS-9081", "pms9081", "9081", "pms"], ["0817"]),
        ({"external_patient_id": "MRN 44 1203"}, ["mrn 44", "mrn44"[:3], "1203"], ["203"]),
        (
            {"patient_phone": "+13055559876"},
            [
                "+13055559876",
                "13055559876",
                "+1 305 555 9876",
                "+1 (305) 555-9876",
                "1-305-555-9876",
                "1 (305) 555 9876",
                "305-555-9876",
                "(305) 555 9876",
                "305.555.9876",
                "3055559876",
                "305555",
                "+1305555",
                "555-9876",
                "5559876",
                "9876",
            ],
            ["9875", "876", "305556", "+1 306"],
        ),
        ({"patient_phone": "+442071234567"}, ["+44 20 7123 4567", "442071", "4567"], ["7123"]),
    ],
)
async def test_a_number_is_found_as_people_read_it(
    client: httpx.AsyncClient,
    world: World,
    fields: dict[str, Any],
    typed: list[str],
    not_by: list[str],
) -> None:
    order = {**BASE, "patient_name": "Num Ber", **fields}
    (package_id,) = await push(client, world.sandbox, order)
    for q in typed:
        assert package_id in await found(client, world.sandbox, q=q), q
        if not q.startswith(("+44", "1 ")):
            assert package_id in await found(client, world.sandbox, q=f"num {q}"), q
    for q in not_by:
        assert package_id not in await found(client, world.sandbox, q=q), q


async def test_every_word_must_be_there(client: httpx.AsyncClient, world: World) -> None:
    one, two = await push(
        client,
        world.live,
        {**BASE, "patient_name": "Quincy Adams", "rx_number": "Q-1"},
        {**BASE, "patient_name": "Quincy Baker", "rx_number": "Q-2"},
    )
    assert await found(client, world.live, q="quincy") == [two, one]
    assert await found(client, world.live, q="adams quin") == [one]
    assert await found(client, world.live, q="quincy q-2") == [two]
    assert await found(client, world.live, q="adams baker") == []


async def test_what_is_no_word_finds_everything(client: httpx.AsyncClient, world: World) -> None:
    await push(client, world.stranger, {}, {"rx_number": "RX-2"})
    everything = await found(client, world.stranger)
    for q in ("", "   ", "-", "'", '"', "*", "()", "\x00"):
        assert await found(client, world.stranger, q=q) == everything


async def test_addresses_notes_and_drugs_are_not_searched(
    client: httpx.AsyncClient, world: World
) -> None:
    await push(
        client,
        world.live,
        {"patient_address": "1 Xylophone Way, FL", "medications": ["Xylomax"], "notes": "xyloring"},
    )
    assert await found(client, world.live, q="xylo") == []


@given(q=st.text(max_size=30))
@example(q="𞤀")  # letters newer than the search's own table of letters
@example(q="a𞤀b")
@example(q="ˇ")
@example(q='" OR 1')
@example(q="NEAR(a b)")
@example(q="words:a")
@example(q="a" * 500)
@example(q="a-" * 100)
@example(q="1 " * 100)
@example(q=" ".join("abcdefghijklmnop"))
async def test_anything_may_be_typed(client: httpx.AsyncClient, world: World, q: str) -> None:
    text = q.encode("utf-8", "replace").decode()
    answer = await get(client, world.live, "packages", q=text)
    assert answer.status_code == 200


@given(name=st.text(st.characters(categories=["L", "N", "M", "Zs"]), min_size=1, max_size=20))
async def test_a_name_of_any_letters_is_found_by_itself(
    client: httpx.AsyncClient, world: World, name: str
) -> None:
    body = {"orders": [{"patient_name": f"Ana {name}", "patient_address": "1 Elm St, FL"}]}
    made = await client.post("/api/webhook/orders", json=body, headers=header(world.sandbox))
    (package_id,) = made.json()["package_ids"]
    assert package_id in await found(client, world.sandbox, q=f"Ana {name}")


async def test_a_changed_name_is_found_and_the_old_one_is_not(
    client: httpx.AsyncClient, world: World
) -> None:
    (package_id,) = await push(client, world.live, {**BASE, "patient_name": "Vorher One"})
    path = f"/api/packages/{package_id}"

    async def rename(name: str) -> None:
        answer = await client.patch(path, json={"patient_name": name}, headers=header(world.live))
        assert answer.status_code == 200

    await rename("Nachher One")
    assert await found(client, world.live, q="vorher") == []
    assert await found(client, world.live, q="nachher") == [package_id]
    # several at once share a commit; what the package is called in the end is what finds it
    await asyncio.gather(*(rename(f"Wechsel{n} One") for n in range(8)))
    name = (await get(client, world.live, f"packages/{package_id}")).json()["patient_name"]
    hits = [n for n in range(8) if await found(client, world.live, q=f"wechsel{n}")]
    assert hits == [int(name.removeprefix("Wechsel")[0])]
