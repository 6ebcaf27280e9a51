"""/security, /baa and /terms: open to read, worded by the owner of the box."""

import httpx
import pytest

from scriptrun_box.kernel import audit
from scriptrun_box.kernel.config import Settings
from scriptrun_box.kernel.db import Reader
from scriptrun_box.ui.texts.defaults import TITLES, default_text
from scriptrun_box.ui.texts.markup import Block, blocks
from tests.ui.visits import Visitor
from tests.world import World

pytestmark = pytest.mark.anyio
OURS = "# What we agreed\r\n\r\nSee our <b>contract</b>.\r\nSecond line.\r\n- one\r\n- two"


def acts(r: Reader, name: str) -> list[str]:
    rows = r.all("SELECT act FROM audit WHERE act LIKE ? ORDER BY seq", (name,))
    return [row["act"] for row in rows]


@pytest.mark.parametrize("name", TITLES)
async def test_anyone_reads_the_default_text(
    client: httpx.AsyncClient, world: World, name: str
) -> None:
    page = await Visitor(client, world).get(f"/{name}")
    assert page.status_code == 200
    assert TITLES[name] in page.text
    assert "Edit this page" not in page.text


async def test_an_unset_contact_says_whom_to_ask_and_a_set_one_is_named() -> None:
    unset = default_text("terms", Settings())
    assert "ask the owner of this box" in unset
    named = Settings.model_validate({"support": {"contracts": "contracts@box.example"}})
    assert "ask contracts@box.example" in default_text("terms", named)


async def test_the_owner_words_a_page_and_everyone_reads_it_escaped(
    client: httpx.AsyncClient, world: World
) -> None:
    owner = Visitor(client, world, "owner")
    assert "Edit this page" in (await owner.get("/baa")).text
    saved = await owner.post("/settings/texts/baa", {"body": OURS})
    assert (saved.status_code, saved.headers["location"]) == (303, "/baa?done=saved")
    page = (await Visitor(client, world).get("/baa")).text
    assert '<h2 id="what-we-agreed">What we agreed</h2>' in page
    assert "<p>See our &lt;b&gt;contract&lt;/b&gt;. Second line.</p>" in page
    assert "<ul><li>one</li><li>two</li></ul>" in page
    form = (await owner.get("/settings/texts/baa")).text
    assert "Last changed" in form
    assert "The owner" in form
    assert await world.db.read(acts, "text.%") == ["text.changed"]


async def test_the_default_comes_back_when_asked_for(
    client: httpx.AsyncClient, world: World
) -> None:
    owner = Visitor(client, world, "owner")
    await owner.post("/settings/texts/terms", {"body": "Ours."})
    await owner.post("/settings/texts/terms/default")
    assert "Ours." not in (await owner.get("/terms")).text
    assert await world.db.read(acts, "text.%") == ["text.changed", "text.reset"]
    assert await world.db.read(audit.verify) is None


@pytest.mark.parametrize("body", ["", "  \r\n ", "x" * 40_001])
async def test_an_empty_or_endless_text_is_refused_and_what_was_typed_is_kept(
    client: httpx.AsyncClient, world: World, body: str
) -> None:
    owner = Visitor(client, world, "owner")
    refused = await owner.post("/settings/texts/baa", {"body": body})
    assert refused.status_code == 400
    assert "1 to 40,000 characters" in refused.text
    assert body.strip() in refused.text
    assert "not a contract" not in (await owner.get("/baa")).text


@pytest.mark.parametrize(
    ("who", "status"),
    [("teammate", 403), ("pharmacist", 403), ("driver", 403), ("other_owner", 403)],
)
async def test_nobody_else_may_word_it(
    client: httpx.AsyncClient, world: World, who: str, status: int
) -> None:
    visitor = Visitor(client, world, who)
    token = await Visitor(client, world, who).csrf()
    assert (await visitor.get("/settings/texts/baa")).status_code == status
    for path in ("/settings/texts/baa", "/settings/texts/baa/default"):
        answer = await visitor.post(path, {"body": "Mine."}, csrf=token)
        assert answer.status_code == status
    assert "Mine." not in (await Visitor(client, world).get("/baa")).text


async def test_there_is_no_other_text(client: httpx.AsyncClient, world: World) -> None:
    owner = Visitor(client, world, "owner")
    assert (await owner.get("/settings/texts/imprint")).status_code == 404
    assert (await owner.post("/settings/texts/imprint", {"body": "x"})).status_code == 404


def test_the_markup_knows_paragraphs_headings_and_lists_and_nothing_else() -> None:
    assert blocks("# One\ntwo\nthree\n\n- a\n- b\nfour\n\n#five\n-six") == [
        Block("heading", ("One",)),
        Block("paragraph", ("two three",)),
        Block("list", ("a", "b")),
        Block("paragraph", ("four",)),
        Block("paragraph", ("#five -six",)),
    ]
