"""/docs: every curl of the page, run by a shell against a real server; every code told."""

import ast
import asyncio
import html
import json
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

import scriptrun_box
from scriptrun_box.app import create_app
from scriptrun_box.delivery.controlled import people
from scriptrun_box.geocoding import store as places
from scriptrun_box.geocoding.actions import settle
from scriptrun_box.geocoding.reading import Parts, Read
from scriptrun_box.kernel import errors
from scriptrun_box.kernel.db import Writer
from scriptrun_box.kernel.opening import open_folder
from scriptrun_box.kernel.scope import CLI, Scope
from scriptrun_box.kernel.server import bind, build_server
from scriptrun_box.orders.model import OrderIn
from scriptrun_box.patients import actions as patients
from scriptrun_box.patients import erasing
from scriptrun_box.patients import store as patient_store
from scriptrun_box.routes import plans
from scriptrun_box.ui.docs import words
from scriptrun_box.ui.openapi import documented, operation_id
from scriptrun_box.urls import URLS
from scriptrun_box.webhooks.model import EVENT_NAMES
from tests.boxes import settings_for
from tests.delivery import hands
from tests.programs import need
from tests.world import PASSWORD, World, build_world, header, orders

pytestmark = pytest.mark.anyio
PRE = re.compile(r'<pre class="code" id="([^"]+)"[^>]*>(.*?)</pre>', re.DOTALL)
RECEIVER = "example.com"  # named in the documented webhook; leads nowhere here
OUT = ("assign", "start")
CONTROLLED: list[tuple[str, Any]] = [
    ("hand_over", hands.released),
    ("take_back", hands.failed),
    ("disposition", hands.back),
]
STEPS_BEFORE = {
    "post_api_packages_id_unassign": ("assign",),
    "post_api_packages_id_redeliver": (*OUT, "fail"),
    "post_api_packages_id_recall": OUT,
    "post_api_packages_id_return": (*OUT, "fail"),
    "post_api_test_packages_id_start": ("assign",),
    "post_api_test_packages_id_deliver": OUT,
    "post_api_test_packages_id_fail": OUT,
    "post_api_test_packages_id_return": (*OUT, "fail"),
}


@dataclass
class Served:
    """A box on a real port, and a program that prepares what a curl needs."""

    base: str
    world: World
    program: httpx.AsyncClient
    packages: int = 0

    async def post(self, path: str, body: Any = None) -> Any:
        key = await self.world.key(test=True)  # a fresh one each time: limits are not the subject
        answer = await self.program.post(path, json=body, headers=header(key))
        assert answer.is_success, answer.text
        return answer.json()

    async def package(self, steps: tuple[str, ...] = ()) -> str:
        self.packages += 1  # no two alike: a possible duplicate could not be assigned
        made = await self.post("/api/webhook/orders", orders({"rx_number": f"RX-{self.packages}"}))
        for step in steps:
            await self.post(f"/api/test/packages/{made['package_ids'][0]}/{step}")
        return str(made["package_ids"][0])

    async def bag(self) -> str:
        self.packages += 1
        wish = {"name": f"Blue {self.packages}", "hold_minutes": 240}
        return str((await self.post("/api/cold-bags", wish))["id"])

    async def cold(self, packed: bool) -> str:
        """A package that travels cold."""
        self.packages += 1
        order = {"rx_number": f"RX-{self.packages}", "cold_chain": True}
        package_id = (await self.post("/api/webhook/orders", orders(order)))["package_ids"][0]
        if packed:
            wish = {"bag_id": await self.bag(), "celsius": 4.5}
            await self.post(f"/api/packages/{package_id}/pack", wish)
        return str(package_id)

    async def driver(self) -> str:
        return str((await self.post("/api/drivers", {"name": "Luis Ortega"}))["id"])

    async def route(self) -> str:
        """A planned route with one package."""
        return str((await self._routed())["id"])

    async def route_of(self, package_id: str) -> str:
        return str((await self._routed(package_id))["id"])

    async def driven_route(self) -> str:
        """A route with nothing left to do on it."""
        made = await self._routed()
        await self.post(f"/api/routes/{made['id']}/start", {})
        package_id = made["stops"][0]["package_ids"][0]
        await self.post(f"/api/test/packages/{package_id}/deliver")
        return str(made["id"])

    async def stop(self) -> str:
        return str((await self._routed())["stops"][0]["id"])

    async def plan(self, ready: bool) -> str:
        """A plan over one package; a ready one says so before anybody computed it."""
        wish = {"driver_ids": [await self.driver()], "package_ids": [await self.package()]}
        made = str((await self.post("/api/routes/optimize", wish))["id"])
        if ready:
            await self.world.db.write(_be_ready, self.world.sandbox_scope, made)
        return made

    async def _routed(self, package_id: str = "") -> Any:
        on_it = [package_id or await self.package()]
        wish = {"driver_id": await self.driver(), "package_ids": on_it}
        return await self.post("/api/routes", wish)

    async def controlled(self, operation: str) -> dict[str, str]:
        """A controlled package as far as an act about it needs, and who confirms it."""
        way = next((make for part, make in CONTROLLED if part in operation), hands.parcel)
        pharmacist = hands.pharmacist(self.world)
        db, scope = self.world.db, self.world.sandbox_scope
        driver = await db.write(hands.new_driver, scope)
        await people.set_pin(db, scope, CLI, hands.driver_id(driver), "804213", "804213")
        made = await db.write(way, scope, *([pharmacist, driver] if way != hands.parcel else []))
        package_id, seal = (made, "") if isinstance(made, str) else made
        return {
            "PACKAGE_ID": package_id,
            "SEAL": seal,
            "DRIVER_ID": hands.driver_id(driver),
            "DRIVER_PIN": "804213",
            "PHARMACIST_EMAIL": self.world.pharmacist.email,
            "PHARMACIST_PASSWORD": PASSWORD,
            "SECOND_EMAIL": self.world.teammate.email,
            "SECOND_PASSWORD": PASSWORD,
        }

    async def patient(self, number: str = "") -> str:
        """The patient of a new order."""
        self.packages += 1
        number = number or f"PMS-{self.packages}"
        order = {"rx_number": f"RX-{self.packages}", "external_patient_id": number}
        await self.post("/api/webhook/orders", orders(order))
        key, path = await self.world.key(test=True), f"/api/patients?external_patient_id={number}"
        async with asyncio.timeout(10):
            while True:
                listed = await self.program.get(path, headers=header(key))
                for each in listed.json()["data"]:
                    return str(each["id"])
                await asyncio.sleep(0.02)

    async def merged_patient(self) -> str:
        """A patient into whom the number of the example was merged."""
        kept, other = await self.patient(), await self.patient("PMS-77")
        await self.post(f"/api/patients/{kept}/merge", {"patient_id": other})
        return kept

    async def erase(self, patient_id: str) -> None:
        """What an owner does on the screen, once the package is over."""
        db, scope = self.world.db, self.world.sandbox_scope
        patient = await db.read(patients.find, scope, patient_id)
        for package in await db.read(
            patient_store.packages_of, patient, [str(patient.number)], None, 10
        ):
            await self.post(f"/api/packages/{package.id}/cancel")
        await db.write(erasing.erase, scope, CLI, patient_id)

    async def address(self) -> str:
        self.packages += 1
        parts = Parts(str(self.packages), "Elm St", "", "", "Miami", "FL", "33125")
        read = Read(parts, f"elm {self.packages}", f"elm {self.packages}", "", (25.78, -80.23))
        scope = self.world.sandbox_scope
        place = await self.world.db.write(places.insert, scope, "Elm St", read)
        await self.world.db.write(settle, place, False)
        return place.id

    async def webhook(self) -> str:
        wish = {"url": f"https://{RECEIVER}/hook", "events": ["*"]}
        return str((await self.post("/api/webhooks", wish))["id"])

    async def attempt(self) -> str:
        """An attempt that is over."""
        return str((await self._attempted())["id"])

    async def delivery(self) -> str:
        """A delivery whose attempt is over."""
        return str((await self._attempted())["delivery_id"])

    async def _attempted(self) -> Any:
        endpoint = await self.webhook()
        await self.post(f"/api/webhooks/{endpoint}/test")
        key = await self.world.key(test=True)
        async with asyncio.timeout(10):
            while True:
                logs = await self.program.get(f"/api/webhooks/{endpoint}/logs", headers=header(key))
                for row in logs.json()["data"]:
                    if row["outcome"] != "in_flight":
                        return row
                await asyncio.sleep(0.02)


def _be_ready(w: Writer, scope: Scope, plan_id: str) -> None:
    plans.move(w, plans.read(w, scope, plan_id), status="ready", result={"routes": [], "seen": {}})


@asynccontextmanager
async def serving(app: Starlette, port: int) -> AsyncIterator[str]:
    """The app behind the real server."""
    server = build_server(app, host="127.0.0.1", port=port)
    task = asyncio.create_task(server.serve())
    async with asyncio.timeout(10):
        while not server.started:
            await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    await task


@pytest.fixture
async def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    look_up = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **more: Any) -> Any:
        return look_up(
            "127.0.0.1" if host in (RECEIVER, RECEIVER.encode()) else host, *args, **more
        )

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    (probe,) = bind("127.0.0.1", 0)
    port = probe.getsockname()[1]
    probe.close()
    settings = settings_for(
        tmp_path / "data",
        server={"port": port},
        webhooks={"allow_networks": ["127.0.0.0/8"], "timeout": 1},
    )
    app = create_app(settings, open_folder(settings))
    async with serving(app, port) as base, httpx.AsyncClient(base_url=base) as program:
        yield Served(base, await build_world(app.state.box.db), program)


async def shell(tmp_path: Path, curl: str, variables: dict[str, str]) -> tuple[int, str]:
    """Run a curl exactly as pasted; the last status and body it printed."""
    (tmp_path / ".curlrc").write_text('silent\nwrite-out = "\\n%{http_code}\\n"\n')
    process = await asyncio.create_subprocess_exec(
        need("bash"),
        "-c",
        curl,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": "/usr/bin:/bin", "CURL_HOME": str(tmp_path), **variables},
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    *_, body, status = out.decode().splitlines()
    return int(status), body


async def curls_of_the_page(served: Served) -> dict[str, str]:
    """Every block of the page that calls curl, by its id."""
    page = await served.program.get("/docs", headers={"Accept": "text/html"})
    assert page.status_code == 200
    blocks = {name: html.unescape(text) for name, text in PRE.findall(page.text)}
    return {name: text for name, text in blocks.items() if text.startswith("curl ")}


async def test_every_curl_of_the_page_does_as_pasted_what_the_page_says(
    served: Served, tmp_path: Path
) -> None:
    need("curl")
    prepare: dict[str, Callable[[], Awaitable[str]]] = {
        "ADDRESS_ID": served.address,
        "COLD_BAG_ID": served.bag,
        "DRIVER_ID": served.driver,
        "ROUTE_ID": served.route,
        "STOP_ID": served.stop,
        "OTHER_PATIENT_ID": served.patient,
        "WEBHOOK_ID": served.webhook,
        "WEBHOOK_DELIVERY_ID": served.delivery,
        "WEBHOOK_ATTEMPT_ID": served.attempt,
    }
    page = await curls_of_the_page(served)
    for row, doc in documented(URLS):
        name = operation_id(row)
        curl = page.pop(f"curl-{name}")
        variables = {"KEY": (await served.world.key(test=True)).secret}
        if "$PLAN_ID" in curl:
            variables["PLAN_ID"] = await served.plan(ready=name.endswith("commit"))
        if "$PHARMACIST_EMAIL" in curl:
            variables |= await served.controlled(name)
        elif "$PACKAGE_ID" in curl:
            variables["PACKAGE_ID"] = await served.package(STEPS_BEFORE.get(name, ()))
        if doc.group == "Cold chain" and "$PACKAGE_ID" in curl:
            variables["PACKAGE_ID"] = await served.cold(packed=not name.endswith("id_pack"))
        if name == "post_api_routes_id_take_off":
            variables["ROUTE_ID"] = await served.route_of(variables["PACKAGE_ID"])
        if name == "post_api_routes_id_finish":
            variables["ROUTE_ID"] = await served.driven_route()
        if "$PATIENT_ID" in curl:
            merged = name == "post_api_patients_id_split"
            variables["PATIENT_ID"] = await (served.merged_patient if merged else served.patient)()
            if name == "get_api_patients_id_erasure":
                await served.erase(variables["PATIENT_ID"])
        for variable, make in prepare.items():
            if f"${variable}" in curl and variable not in variables:
                variables[variable] = await make()
        status, body = await shell(tmp_path, curl, variables)
        assert status == doc.status, f"{name}: {status} {body}"
        if isinstance(doc.answer, dict):
            assert set(doc.answer) <= set(json.loads(body)), name
    assert sorted(page) == ["sandbox-walk", "start-push"]


async def test_the_first_push_and_the_sandbox_walk_work_as_pasted(
    served: Served, tmp_path: Path
) -> None:
    need("curl")
    page = await curls_of_the_page(served)
    key = (await served.world.key(test=True)).secret
    status, body = await shell(tmp_path, page["start-push"], {"KEY": key})
    assert status == 200
    package_id = json.loads(body)["package_ids"][0]
    status, body = await shell(
        tmp_path, page["sandbox-walk"], {"KEY": key, "PACKAGE_ID": package_id}
    )
    assert status == 200
    assert json.loads(body)["status"] == "delivered"


async def test_the_page_is_open_to_anyone_and_names_this_box(
    client: httpx.AsyncClient, world: World
) -> None:
    page = await client.get("/docs", headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert "http://127.0.0.1:8787/api/webhook/orders" in page.text
    assert "Sign in" in page.text
    anchors = set(re.findall(r'href="#([^"]+)"', page.text))
    assert anchors <= set(re.findall(r' id="([^"]+)"', page.text))


def test_every_field_of_an_order_is_told_and_no_other() -> None:
    assert [each.name for each in words.FIELDS if each.need == words.REQUIRED] == [
        "patient_name",
        "patient_address",
    ]
    assert {each.name for each in words.FIELDS} == set(OrderIn.model_fields)


def test_every_event_is_told_and_no_other() -> None:
    assert {each.name for each in words.EVENTS} == {*EVENT_NAMES} - {"*"}


def test_every_code_of_a_refusal_is_told() -> None:
    told = {each.code for each in (*words.CODES, *words.PAGE_CODES)}
    told |= {code for code, _ in (*words.ITEM_CODES, *words.WARNINGS)}
    missing = {code: where for code, where in _codes_in_the_source() if code not in told}
    assert missing == {}


def test_every_status_that_is_told_has_its_class() -> None:
    classes = {each.status for each in _family(errors.Refusal)}
    assert {each.status for each in (*words.CODES, *words.PAGE_CODES)} <= classes


def _codes_in_the_source() -> list[tuple[str, str]]:
    """Each literal `code=…` of the package, the classes' own codes, and the state machine's."""
    found = [(each.code, each.__name__) for each in _family(errors.Refusal)]
    for file in sorted(Path(scriptrun_box.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                found += [(code, f"{file.name}:{node.lineno}") for code in _codes_of(node)]
    return found


def _codes_of(node: ast.Call) -> list[str]:
    given = [each.value for each in node.keywords if each.arg == "code"]
    if isinstance(node.func, ast.Name) and node.func.id in ("Refused", "_conflict") and node.args:
        given.append(node.args[0])
    return [
        each.value
        for each in given
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    ]


def _family(kind: type[errors.Refusal]) -> list[type[errors.Refusal]]:
    return [kind, *(each for child in kind.__subclasses__() for each in _family(child))]
