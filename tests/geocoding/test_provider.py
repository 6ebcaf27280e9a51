"""A geocoder is asked about street and town only, and whatever it does hurts nobody."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from unittest.mock import patch

import pytest

from scriptrun_box.geocoding import actions, finder, provider, store
from scriptrun_box.geocoding.provider import FAILED, Answer, Provider
from scriptrun_box.geocoding.reading import read
from scriptrun_box.kernel.config import GeocodingSettings
from tests.geocoding.boxes import Box, a_box, until
from tests.geocoding.geocoders import Geocoder, at, geocoding, hangs, nobody, rubbish

pytestmark = pytest.mark.anyio

MIAMI = (25.7743, -80.1937)
CENSUS = {"result": {"addressMatches": [{"coordinates": {"x": -80.1937, "y": 25.7743}}]}}
RUBBISH = (
    b"", b"<html>Service unavailable</html>", b"null", b"{}", b'[{"lat": "x", "lon": 1}]',
    b'[{"lat": 999, "lon": 1}]', b'[{"lat": 0, "lon": 0}]', b'[{"lat": NaN, "lon": 1}]',
    b'["here"]', b"[" * 5_000, b"\xff\xfe", b'[{"place": "' + b"x" * 100_000,
)  # fmt: skip


@pytest.fixture(scope="module")
async def geocoder() -> AsyncIterator[Geocoder]:
    async with geocoding() as made:
        yield made


@pytest.fixture(scope="module")
async def box(geocoder: Geocoder, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Box]:
    settings = {"provider": "nominatim", "url": geocoder.url}
    with (
        patch.object(provider, "OWN_GAP_SECONDS", 0.0),
        patch.object(provider, "SECONDS", 1.0),
        patch.object(finder, "TROUBLE_SECONDS", (0.05,)),
        patch.object(actions, "BACK_OFF_MS", (50, 100)),
    ):
        folder = tmp_path_factory.mktemp("box") / "data"
        async with a_box(folder, geocoding=settings) as made:
            yield made


async def test_an_address_the_geocoder_knows_is_placed_and_nothing_but_the_address_is_sent(
    box: Box, geocoder: Geocoder
) -> None:
    geocoder.manner = at(*MIAMI)
    text = "Zacarias Quintero, 12 Oak St Apt 3, Gate 4412, Miami, FL 33125"
    (package_id,) = await box.order(text, patient_name="Zacarias Quintero", notes="Insulin")
    await until(lambda: _is(box, "12 oak st, 33125 #3", "located"))
    (package,) = await box.packages([package_id])
    assert package.location is not None
    assert (package.location.lat, package.location.lng) == MIAMI
    assert (package.location.source, package.location.confidence) == ("geocoder", "near")
    assert geocoder.asked[-1] == "12 Oak St, Miami, FL 33125"
    sent = "".join(geocoder.heads).casefold()
    for secret in ("zacarias", "quintero", "4412", "apt", "insulin", "rx-8872341", "5551234"):
        assert secret not in sent


async def test_what_it_does_not_know_is_to_check_in_the_middle_of_its_zip(
    box: Box, geocoder: Geocoder
) -> None:
    geocoder.manner = nobody
    (package_id,) = await box.order("14 Oak St, Miami, FL 33125")
    await until(lambda: _is(box, "14 oak st, 33125", "to_check"))
    assert (await box.place("14 oak st, 33125")).reason == "not_found"
    (package,) = await box.packages([package_id])
    assert package.location is not None and package.location.confidence == "approximate"


async def test_while_it_hangs_packages_stand_in_the_middle_of_their_zip_and_then_are_to_check(
    box: Box, geocoder: Geocoder
) -> None:
    geocoder.manner = hangs
    before = len(geocoder.asked)
    (package,) = await box.looked_up(await box.order("16 Oak St, Miami, FL 33125"))
    assert package.location is not None and package.location.confidence == "approximate"
    await until(lambda: _is(box, "16 oak st, 33125", "to_check"))
    assert (await box.place("16 oak st, 33125")).reason == "no_answer"
    assert len(geocoder.asked) - before == 3  # the first time, and once after each back-off


async def test_it_is_asked_again_after_it_failed_and_then_believed(
    box: Box, geocoder: Geocoder
) -> None:
    geocoder.manner, geocoder.status = at(25.7, -80.2), 503
    await box.order("18 Oak St, Miami, FL 33125")
    await until(lambda: _has_tried(box, "18 oak st, 33125"))
    geocoder.status = 200
    await until(lambda: _is(box, "18 oak st, 33125", "located"))


@pytest.mark.parametrize("body", RUBBISH)
async def test_rubbish_is_a_failure_and_no_place(box: Box, geocoder: Geocoder, body: bytes) -> None:
    geocoder.manner = rubbish(body)
    asks = Provider(GeocodingSettings(provider="nominatim", url=geocoder.url), 8787)
    assert await asks.ask(read("12 Oak St, Miami, FL 33125").parts) == FAILED


async def test_an_answer_far_from_the_zip_is_not_believed(box: Box, geocoder: Geocoder) -> None:
    geocoder.manner = at(47.6, -122.3)
    await box.order("20 Oak St, Miami, FL 33125")
    await until(lambda: _is(box, "20 oak st, 33125", "to_check"))
    place = await box.place("20 oak st, 33125")
    assert place.reason == "far_from_zip"
    assert place.location is not None and place.location.source == "zip"


async def test_one_point_for_everything_is_believed_for_no_address_and_taken_back_from_those_before(
    box: Box, geocoder: Geocoder
) -> None:
    geocoder.manner = at(25.78, -80.22)
    ids = await box.order(*(f"{number} Elm St, Miami, FL 33125" for number in range(1, 6)))
    for number in range(1, 6):
        await until(lambda number=number: _is(box, f"{number} elm st, 33125", "to_check"))
        assert (await box.place(f"{number} elm st, 33125")).reason == "same_point"
    for package in await box.packages(ids):
        assert package.location is not None and package.location.source == "zip"


async def test_many_units_of_one_building_may_stand_at_one_point(
    box: Box, geocoder: Geocoder
) -> None:
    geocoder.manner = at(25.79, -80.21)
    await box.order(*(f"9 Ash St #{number}, Miami, FL 33125" for number in range(1, 7)))
    for number in range(1, 7):
        await until(lambda number=number: _is(box, f"9 ash st, 33125 #{number}", "located"))


async def test_one_address_is_asked_once_however_many_packages_go_there(
    box: Box, geocoder: Geocoder
) -> None:
    geocoder.manner = at(25.71, -80.25)
    before = len(geocoder.asked)
    ids = await box.order(*(["7 Fir St, Miami, FL 33125"] * 20))
    await until(lambda: _is(box, "7 fir st, 33125", "located"))
    assert {each.location and each.location.lat for each in await box.packages(ids)} == {25.71}
    await box.looked_up(await box.order("7 Fir Street, Miami, FL 33125"))
    assert len(geocoder.asked) - before == 1


async def test_the_census_is_understood_too(geocoder: Geocoder) -> None:
    asks = Provider(GeocodingSettings(provider="census", url=geocoder.url), 8787)
    parts = read("12 Oak St, Miami, FL 33125").parts
    geocoder.manner = rubbish(json.dumps(CENSUS).encode())
    assert await asks.ask(parts) == Answer(MIAMI)
    geocoder.manner = rubbish(b'{"result": {"addressMatches": []}}')
    assert await asks.ask(parts) == Answer()


async def test_without_a_geocoder_nothing_leaves_the_box(
    tmp_path: Path, geocoder: Geocoder
) -> None:
    before = len(geocoder.asked)
    settings = {"provider": "", "url": geocoder.url}
    async with a_box(tmp_path / "data", geocoding=settings) as box:
        await box.looked_up(await box.order("12 Oak St, Miami, FL 33125"))
        assert (await box.place("12 oak st, 33125")).state == "to_check"
    assert len(geocoder.asked) == before


async def test_the_public_ones_are_asked_once_a_second_at_most_and_over_tls() -> None:
    for name in ("census", "nominatim"):
        asks = Provider(GeocodingSettings(provider=name), 8787)  # type: ignore[arg-type]
        assert asks.gap_seconds >= 1.0
        assert asks._question("x").startswith("https://")
        assert not asks._allowed.plain_http


@pytest.mark.parametrize("url", ["http://169.254.169.254", "http://8.8.8.8", "ftp://127.0.0.1"])
async def test_an_address_that_may_not_be_dialled_is_a_failure(url: str) -> None:
    asks = Provider(GeocodingSettings(provider="nominatim", url=url), 8787)
    assert await asks.ask(read("12 Oak St, Miami, FL 33125").parts) == FAILED


async def _is(box: Box, door: str, state: str) -> bool:
    place = await box.db.read(store.at_door, box.scope, door)
    return place is not None and place.state == state


async def _has_tried(box: Box, door: str) -> bool:
    place = await box.db.read(store.at_door, box.scope, door)
    return place is not None and place.tries > 0
