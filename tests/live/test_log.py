"""What the server writes to stdout and stderr: a line for each request, nothing of a patient."""

import json
import socket
from pathlib import Path

from .server import CANARY, CANARY_WORDS, PATIENCE_SECONDS, Box, batch, order, serving

FORGED = "a\r\n2026-01-01T00:00:00Z info request method=GET forged=1"
WRONG = (  # each value wrong in its way, and a canary
    {"patient_name": CANARY["patient_name"] * 50},
    {"patient_phone": "zzcanary 305 555"},
    {"copay_amount": "Zzcanary"},
    {"priority": "Zzcanary"},
    {"delivery_date": "Zzcanary"},
    {"medications": "Zzcanaryvastatin"},
    {"dea_schedule": "Zzcanary"},
    {"pharmacy_id": "Zzcanary"},
    {"Zzcanary field": 1},
    {"notes": "Zzcanary\x00"},
    {"patient_name": FORGED},
)


def send_raw(box: Box, raw: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", box.port), PATIENCE_SECONDS) as client:
        client.sendall(raw)
        client.shutdown(socket.SHUT_WR)
        return client.recv(65536)


def test_no_log_line_and_no_error_repeats_what_was_sent(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as (box, key):
        errors = []
        with box.client(key) as client:
            made = client.post("/api/webhook/orders", json=batch()).json()["package_ids"][0]
            for wrong in WRONG:
                errors.append(client.post("/api/webhook/orders", json={"orders": [order(**wrong)]}))
            whole = json.dumps(batch()).encode()
            typed = {"content-type": "application/json"}
            for body in (whole[:-1], whole + b"x", b'{"orders": "Zzcanary"}', b'"Zzcanary"'):
                errors.append(client.post("/api/webhook/orders", content=body, headers=typed))
            asked = {"q": "Zzcanaryname", "patient_name": "Zzcanaryname"}
            assert client.get("/api/packages", params=asked).status_code == 200
            errors.append(client.get("/api/packages", params={"status": "Zzcanary"}))
            errors.append(client.get("/api/packages", params={"cursor": "Zzcanary"}))
            errors.append(client.get("/api/packages/Zzcanary"))
            errors.append(client.get("/Zzcanary/+13055550177", headers={"Referer": "Zzcanary"}))
            errors.append(client.get("/api/packages", headers={"X-API-Key": "Zzcanary"}))
            errors.append(client.patch(f"/api/packages/{made}", json={"priority": "Zzcanary"}))
            errors.append(client.get("/", headers={"Host": "zzcanary.example"}))
            client.get("/healthz", headers={"User-Agent": "Zzcanary"})
            for path in ("/", "/packages/"):
                client.get(path + FORGED.replace("\r\n", "%0d%0a"))
        errors_seen = [each for each in errors if each.status_code != 200]
        assert len(errors_seen) >= len(errors) - 1, "an unknown field alone is no error"
        for each in errors:
            assert not [word for word in CANARY_WORDS if word in each.text.lower()], each.text
        with box.person() as person:
            for path in ("/", f"/packages/{made}", "/packages?q=Zzcanaryname", "/packages.csv"):
                assert "Zzcanary" in person.get(path).text
        refused = send_raw(box, b"GET /Zzcanary HTTP/1.1\r\nHost: a\r\nHost: zzcanary\r\n\r\n")
        assert refused.startswith(b"HTTP/1.1 400 ")
        send_raw(box, b"GET /healthz?Zzcanary HTTP/1.1\r\nHost: localhost\r\nX: Zzcanary\r\n\r\n")
        assert box.stop() == 0
        said = box.said()
        assert said.count("path=/api/webhook/orders") == 1 + len(WRONG) + 4
        assert "path=/packages/{id}" in said and made not in said
        assert not [word for word in CANARY_WORDS if word in said.lower()]
        assert key not in said and "zz" not in said.lower()
        assert "forged" not in said, "nobody else writes a line of the log"
