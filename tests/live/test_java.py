"""Java's default client over plain HTTP: it asks for HTTP/2 with every first request."""

import json
import subprocess
from pathlib import Path

from tests.programs import need

from .server import PATIENCE_SECONDS, batch, serving

SOURCE = Path(__file__).parent / "PushOrders.java"


def test_orders_of_javas_default_client_arrive_whole(tmp_path: Path) -> None:
    java = need("java")
    bodies = tmp_path / "bodies"
    bodies.mkdir()
    for number in range(3):
        many = batch(*({"rx_number": f"RX-{number}-{place}"} for place in range(100)))
        (bodies / f"{number}.json").write_text(json.dumps(many))
    with serving(tmp_path / "data") as (box, key):
        done = subprocess.run(
            [java, str(SOURCE), f"{box.url}/api/webhook/orders", key, str(bodies)],
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS * 4,
            check=True,
        )
        answers = [line.partition(" ") for line in done.stdout.splitlines()]
        assert [status for status, _, _ in answers] == ["200"] * 3
        assert [json.loads(text)["created"] for _, _, text in answers] == [100] * 3
