"""GET /readyz: tries a real write, but not one for everybody who asks."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from scriptrun_box.app import create_app
from scriptrun_box.kernel import clock
from scriptrun_box.kernel.errors import DiskFull
from scriptrun_box.kernel.opening import open_folder
from tests.boxes import settings_for

pytestmark = pytest.mark.anyio


async def test_many_who_ask_at_once_cause_one_write_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_for(tmp_path / "data")
    app = create_app(settings, open_folder(settings))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            tried = 0
            check = app.state.box.disk.check

            def counted() -> None:
                nonlocal tried
                tried += 1
                check()

            monkeypatch.setattr(type(app.state.box.disk), "check", lambda disk: counted())
            answers = await asyncio.gather(*(client.get("/readyz") for _ in range(20)))
            assert {code_of(answer) for answer in answers} == {"not_set_up"}
            assert tried == 1

            def full(disk: Any) -> None:
                raise DiskFull()

            monkeypatch.setattr(type(app.state.box.disk), "check", full)
            assert code_of(await client.get("/readyz")) == "not_set_up", "as of a moment ago"
            later = clock.monotonic() + 1
            monkeypatch.setattr(clock, "monotonic", lambda: later)
            assert code_of(await client.get("/readyz")) == "disk_full"


def code_of(answer: httpx.Response) -> str:
    code: str = answer.json()["problems"][0]["code"]
    return code
