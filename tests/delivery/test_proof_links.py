"""Proof links: whoever holds one sees one picture, for thirty days, and nothing else."""

from datetime import timedelta
from urllib.parse import urlsplit

import httpx
import pytest
import time_machine

from scriptrun_box.kernel.clock import DAY_MS
from scriptrun_box.kernel.links import Links
from tests.pushing import get, push, walk
from tests.world import World

pytestmark = pytest.mark.anyio


async def links(client: httpx.AsyncClient, world: World, name: str, *steps: str) -> dict[str, str]:
    """The addresses in the proof of a package that was walked."""
    (package_id,) = await push(client, world.sandbox, {"barcode": name})
    await walk(client, world.sandbox, package_id, *steps)
    shape = (await get(client, world.sandbox, f"packages/{package_id}")).json()
    return dict(shape["proof"])


async def test_a_link_opens_its_picture_without_a_key(
    client: httpx.AsyncClient, world: World
) -> None:
    proof = await links(client, world, "opens", "assign", "start", "deliver")
    for name, word in (("photo_url", "photo"), ("signature_url", "signature")):
        answer = await client.get(proof[name])
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("image/")
        assert word in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "private" in answer.headers["cache-control"]
        assert (await client.head(proof[name])).status_code == 200


async def test_a_failed_attempt_has_a_photo_and_no_signature(
    client: httpx.AsyncClient, world: World
) -> None:
    proof = await links(client, world, "failed", "assign", "start", "fail")
    assert proof["signature_url"] is None
    assert (await client.get(proof["photo_url"])).status_code == 200
    forged = proof["photo_url"].replace("/photo?", "/signature?")
    assert (await client.get(forged)).status_code == 404


async def test_a_link_ends_after_thirty_days_and_the_package_gives_a_fresh_one(
    client: httpx.AsyncClient, world: World
) -> None:
    (package_id,) = await push(client, world.sandbox, {"barcode": "days"})
    old = (await walk(client, world.sandbox, package_id, "assign", "start", "deliver"))["proof"]
    with time_machine.travel(timedelta(days=29, hours=23)):
        assert (await client.get(old["photo_url"])).status_code == 200
    with time_machine.travel(timedelta(days=30, minutes=1)):
        assert (await client.get(old["photo_url"])).status_code == 404
        fresh = (await get(client, world.sandbox, f"packages/{package_id}")).json()["proof"]
        assert (await client.get(fresh["photo_url"])).status_code == 200


async def test_a_link_that_was_touched_opens_nothing(
    client: httpx.AsyncClient, world: World
) -> None:
    one = await links(client, world, "touched", "assign", "start", "deliver")
    other = await links(client, world, "other", "assign", "start", "deliver")
    good = urlsplit(one["photo_url"])
    query = dict(part.split("=") for part in good.query.split("&"))
    later = int(query["expires"]) + 1
    flipped = query["signature"][:-1] + ("0" if query["signature"][-1] != "0" else "1")
    for path, expires, signature in [
        (good.path, str(later), query["signature"]),
        (good.path, query["expires"], flipped),
        (good.path, query["expires"], ""),
        (good.path, query["expires"], "é" * 64),
        (good.path, "", query["signature"]),
        (good.path, "-1", query["signature"]),
        (good.path, "1e9", query["signature"]),
        (good.path, "²", query["signature"]),
        (good.path, "9" * 40, query["signature"]),
        (good.path.replace("photo", "signature"), query["expires"], query["signature"]),
        (urlsplit(other["photo_url"]).path, query["expires"], query["signature"]),
        ("/proof/x/photo", query["expires"], query["signature"]),
    ]:
        params = {"expires": expires, "signature": signature}
        answer = await client.get(path, params=params)
        assert answer.status_code == 404, params
        assert answer.json()["code"] == "not_found"
    assert (await client.get(good.path)).status_code == 404
    assert (await client.get(one["photo_url"])).status_code == 200


async def test_a_link_of_another_box_opens_nothing(client: httpx.AsyncClient, world: World) -> None:
    proof = await links(client, world, "foreign", "assign", "start", "deliver")
    path = urlsplit(proof["photo_url"]).path
    now = 1_800_000_000_000
    foreign = Links("http://127.0.0.1:8787", "another secret").make(path, now)
    assert (await client.get(foreign)).status_code == 404


def test_links_hold_to_the_last_moment_of_their_life() -> None:
    maker = Links("https://box.example", "secret")
    now = 1_800_000_000_999
    url = urlsplit(maker.make("/proof/1/photo", now))
    query = dict(part.split("=") for part in url.query.split("&"))
    end = (now + 30 * DAY_MS) // 1000 * 1000
    assert maker.holds(url.path, query["expires"], query["signature"], end - 1)
    assert not maker.holds(url.path, query["expires"], query["signature"], end)
