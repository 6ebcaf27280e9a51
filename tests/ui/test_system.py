"""Settings → System: what this box is, how old its copy, whether the audit is whole."""

import httpx
import pytest
from starlette.applications import Starlette

from scriptrun_box import __version__
from scriptrun_box.kernel import audit
from scriptrun_box.kernel.config import ServerSettings
from scriptrun_box.kernel.db import Writer
from scriptrun_box.ui.settings.system import is_plain_beyond_loopback
from tests.ui.visits import Visitor
from tests.world import World, header, orders

pytestmark = pytest.mark.anyio
PAGE = "/settings/system"


def tamper(w: Writer) -> int:
    """Change an old row of the audit, as somebody with the file in hands might."""
    w.run("UPDATE audit SET actor = 'user:nobody' WHERE seq = 2")
    last: int = w.value("SELECT max(seq) FROM audit")
    return last


async def test_the_page_says_what_this_box_is(
    client: httpx.AsyncClient, world: World, app: Starlette
) -> None:
    page = (await Visitor(client, world, "teammate").get(PAGE)).text
    assert f"version {__version__}" in page
    assert "plain, not encrypted" in page
    assert "this machine only" in page
    assert str(app.state.box.db.path) in page
    assert "events waiting to be sent" in page


async def test_the_age_of_the_copy_and_the_orders_behind_it_are_shown(
    client: httpx.AsyncClient, world: World, app: Starlette
) -> None:
    await app.state.box.publisher.publish()
    owner = Visitor(client, world, "owner")
    assert "copied, 0 orders behind" in (await owner.get(PAGE)).text
    body = orders({"rx_number": "1"}, {"rx_number": "2"})
    await client.post("/api/webhook/orders", json=body, headers=header(world.live))
    assert "copied, 2 orders behind" in (await owner.get(PAGE)).text


async def test_the_chain_is_checked_on_the_press_of_a_button(
    client: httpx.AsyncClient, world: World
) -> None:
    teammate = Visitor(client, world, "teammate")
    whole = await teammate.post(f"{PAGE}/check-audit")
    assert whole.status_code == 200
    assert "The chain is whole" in whole.text
    await world.db.write(tamper)
    assert await world.db.read(audit.verify) == 2
    broken = await teammate.post(f"{PAGE}/check-audit")
    assert "Row 2 of the audit was changed" in broken.text
    assert "The chain is whole" not in broken.text
    assert (await teammate.post(f"{PAGE}/check-audit", csrf="forged")).status_code == 403


@pytest.mark.parametrize(("who", "status"), [("driver", 403), ("other_owner", 403), ("", 303)])
async def test_only_staff_of_the_pharmacy_the_box_belongs_to_see_it(
    client: httpx.AsyncClient, world: World, who: str, status: int
) -> None:
    visitor = Visitor(client, world, who)
    assert (await visitor.get(PAGE)).status_code == status
    assert (await visitor.post(f"{PAGE}/check-audit")).status_code == status


@pytest.mark.parametrize(
    ("host", "plain"),
    [("127.0.0.1", False), ("::1", False), ("localhost", False), ("", True), ("0.0.0.0", True),
     ("box.local", True)],
)  # fmt: skip
def test_plain_http_beyond_this_machine_is_a_risk(host: str, plain: bool) -> None:
    assert is_plain_beyond_loopback(ServerSettings(host=host)) is plain
