"""Photos follow their acts: made anew, once, and only for an act of this very driver."""

import io

import httpx
import pytest
from PIL import Image

from scriptrun_box.kernel.ids import hex_id
from scriptrun_box.packages import proofs
from tests.world import World

from .handset import under_way

pytestmark = pytest.mark.anyio
LIMIT = 12 * 1024 * 1024


def jpeg() -> bytes:
    out = io.BytesIO()
    Image.effect_noise((640, 480), 60).convert("RGB").save(out, "JPEG", comment=b"Zzcanary")
    return out.getvalue()


async def test_a_photo_comes_after_its_act_and_again_changes_nothing(
    client: httpx.AsyncClient, world: World
) -> None:
    out = await under_way(client, world, {"copay_amount": None})
    phone, (package_id,) = out.phone, out.package_ids
    act = phone.delivery(package_id, photo=True)
    path = f"/phone/pictures/{act['id']}/photo"
    assert (await phone.ask("PUT", path, content=jpeg())).status_code == 404, "its act comes first"
    assert (await phone.send(act))[0]["outcome"] == "taken"
    for _ in range(2):
        assert (await phone.ask("PUT", path, content=jpeg())).status_code == 200
    (proof,) = await world.db.read(proofs.every, package_id)
    assert proof.photo_digest is not None and not proof.awaits_photo


async def test_nobody_elses_act_takes_a_photo(client: httpx.AsyncClient, world: World) -> None:
    mine, theirs = [await under_way(client, world, {"copay_amount": None}) for _ in range(2)]
    act = theirs.phone.delivery(theirs.package_ids[0], photo=True)
    await theirs.phone.send(act)
    for act_id in (act["id"], hex_id(), "x"):
        answer = await mine.phone.ask("PUT", f"/phone/pictures/{act_id}/photo", content=jpeg())
        assert answer.status_code == 404
    (proof,) = await world.db.read(proofs.every, theirs.package_ids[0])
    assert proof.awaits_photo


@pytest.mark.parametrize(
    ("body", "status"), [(b"", 415), (b"GIF89a no picture", 415), (b"\0" * (LIMIT + 1), 413)]
)
async def test_what_is_no_photo_is_refused(
    client: httpx.AsyncClient, world: World, body: bytes, status: int
) -> None:
    out = await under_way(client, world, {"copay_amount": None})
    act = out.phone.delivery(out.package_ids[0], photo=True)
    await out.phone.send(act)
    answer = await out.phone.ask("PUT", f"/phone/pictures/{act['id']}/photo", content=body)
    assert answer.status_code == status
