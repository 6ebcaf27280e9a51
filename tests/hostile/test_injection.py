"""SQL where only words are expected: nothing is found, nothing is changed, nothing breaks."""

import pytest

from tests.access.people import Scene, changed
from tests.access.table import ROWS, Row
from tests.world import header, orders

from .payloads import SQL

pytestmark = pytest.mark.anyio
API_FILTERS = (
    "q", "status", "delivery_date", "external_patient_id", "rx_number", "barcode", "driver_id",
    "pharmacy_id", "updated_since", "cursor", "limit",
)  # fmt: skip
PAGE_FILTERS = ("q", "status", "date", "needs", "source", "before", "done")
FOUND = 3  # packages there are


@pytest.fixture(scope="module")
async def packages(scene: Scene) -> None:
    """A few packages that no payload may bring up by its own words."""
    changes = [{"rx_number": f"RX-{n}", "patient_name": f"Plain {n}"} for n in range(FOUND)]
    keyed = header(scene.world.live)
    got = await scene.client.post("/api/webhook/orders", json=orders(*changes), headers=keyed)
    assert got.status_code == 200


@pytest.mark.parametrize("name", API_FILTERS)
async def test_sql_in_a_filter_finds_and_changes_nothing(
    scene: Scene, packages: None, name: str
) -> None:
    before = await scene.everything()
    for text in SQL:
        got = await scene.client.get(
            "/api/packages", params={name: text}, headers=header(scene.world.live)
        )
        assert got.status_code in (200, 400), (text, got.text)
        if got.status_code == 200 and name not in ("q", "limit", "cursor"):
            assert got.json()["data"] == [], text
    await _only_the_audit_grew(scene, before)


@pytest.mark.parametrize("name", PAGE_FILTERS)
async def test_sql_in_the_address_of_a_page_changes_nothing(
    scene: Scene, packages: None, name: str
) -> None:
    token = await scene.session_of(scene.world.owner)
    headers = {"Cookie": f"scriptrun={token}"}
    before = await scene.everything()
    for path in ("/packages", "/packages.csv", "/settings/users", "/settings/integrations"):
        for text in SQL[::3]:
            got = await scene.client.get(path, params={name: text}, headers=headers)
            assert got.status_code == 200, (path, text)
    await _only_the_audit_grew(scene, before)


@pytest.mark.parametrize("row", [row for row in ROWS if "{id}" in row.path], ids=str)
async def test_sql_for_an_id_is_refused(scene: Scene, row: Row) -> None:
    before = await scene.everything()
    for caller in await scene.callers(row):
        if caller.name not in ("live key", "owner"):
            continue
        headers = {**caller.headers}
        for text in ("' OR '1'='1", "1; DROP TABLE packages", "%' OR 1=1 --", "a" * 32 + "'"):
            path = row.path.replace("{id}", text.replace("%", "%25").replace(" ", "%20"))
            got = await scene.client.request(row.method, path, headers=headers)
            assert got.status_code in (303, 400, 401, 403, 404, 415), (text, got.status_code)
    await _only_the_audit_grew(scene, before)


@pytest.mark.parametrize(
    "name", ["idempotency-key", "x-request-id", "user-agent", "x-forwarded-for", "cookie"]
)
async def test_sql_in_a_header_breaks_nothing(scene: Scene, name: str) -> None:
    for text in (text for text in SQL if text.isascii()):
        keyed = {**header(scene.world.live), name: text}
        got = await scene.client.post(
            "/api/webhook/orders", json=orders({"patient_name": "Header Case"}), headers=keyed
        )
        assert got.status_code in (200, 400), text
    for text in SQL:
        got = await scene.client.get("/api/packages", headers={"x-api-key": text.encode()})
        assert got.status_code == 401


async def _only_the_audit_grew(scene: Scene, before: dict[str, list[object]]) -> None:
    after = await scene.everything()
    # Looks, and the test's callers.
    allowed = {"audit", "cursors", "sessions", "users", "api_keys", "drivers", "phones"}
    assert set(changed(before, after)) <= allowed
