"""GET /ca.crt: what other machines need in order to trust this box, and nothing secret."""

from pathlib import Path

import httpx
import pytest

from scriptrun_box.app import create_app
from scriptrun_box.kernel import tls
from scriptrun_box.kernel.config import Settings
from scriptrun_box.kernel.opening import open_folder
from tests.boxes import settings_for

pytestmark = pytest.mark.anyio


async def ca_crt_of(settings: Settings) -> httpx.Response:
    app = create_app(settings, open_folder(settings))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get("/ca.crt")


async def test_the_authority_of_the_box_is_handed_out_before_anyone_has_set_it_up(
    tmp_path: Path,
) -> None:
    files = tls.create(tmp_path / "tls", ["box", "box.local"], ["127.0.0.1"])
    server = {"tls_cert": files.server_cert, "tls_key": files.server_key}
    answer = await ca_crt_of(settings_for(tmp_path / "data", server=server))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-x509-ca-cert"
    assert answer.content == files.ca_cert.read_bytes()
    assert b"PRIVATE" not in answer.content


async def test_a_box_without_an_authority_of_its_own_says_so(tmp_path: Path) -> None:
    answer = await ca_crt_of(settings_for(tmp_path / "data"))
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_certificate_from_elsewhere_has_no_authority_to_hand_out(tmp_path: Path) -> None:
    (tmp_path / "server.crt").write_text("bought from somebody")
    server = {"tls_cert": tmp_path / "server.crt", "tls_key": tmp_path / "server.key"}
    answer = await ca_crt_of(settings_for(tmp_path / "data", server=server))
    assert answer.status_code == 404
