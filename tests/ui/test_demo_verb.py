"""`scriptrun-box demo`, as a technician meets it: one command, one pasted curl, one arrival."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from scriptrun_box.kernel.server import bind
from tests.programs import need

PATIENCE_SECONDS = 20.0


def free_port() -> int:
    (probe,) = bind("127.0.0.1", 0)
    port: int = probe.getsockname()[1]
    probe.close()
    return port


@contextmanager
def running(folder: Path, port: int) -> Iterator[tuple[str, list[str]]]:
    """The verb in a process of its own: its address, and the lines it printed."""
    out = folder.with_suffix(".out")
    with out.open("w") as shown:
        process = subprocess.Popen(
            [sys.executable, "-m", "scriptrun_box", "demo", "--data", str(folder)],
            stdout=shown,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "SCRIPTRUN_BOX_SERVER__PORT": str(port)},
        )
    try:
        base = f"http://127.0.0.1:{port}"
        _wait_for(base, process)
        yield base, out.read_text().splitlines()
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 0
    finally:
        process.kill()
        process.wait()


def _wait_for(base: str, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        assert process.poll() is None, "the demonstration ended by itself"
        try:
            if httpx.get(f"{base}/readyz", trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError("the demonstration did not become ready")


def told(lines: list[str], name: str) -> str:
    (found,) = [line.split()[-1] for line in lines if line.strip().startswith(name)]
    return found


def test_one_command_one_pasted_curl_one_arrival_and_all_of_it_again_at_the_next_start(
    tmp_path: Path,
) -> None:
    need("curl")
    folder, port = tmp_path / "demo", free_port()
    with running(folder, port) as (base, lines):
        curl = re.search(r"curl -X.*?\n}'", "\n".join(lines), re.DOTALL)
        assert curl
        pushed = subprocess.run(
            [need("bash"), "-c", curl[0]], capture_output=True, text=True, check=True
        )
        assert '"created":1' in pushed.stdout
        (package_id,) = json.loads(pushed.stdout)["package_ids"]
        with httpx.Client(base_url=base, trust_env=False) as browser:
            form = {"email": told(lines, "Sign in"), "password": told(lines, "Password")}
            assert browser.post("/sign-in", data=form).status_code == 303
            assert _arrived(browser, package_id)
    shown_once = [told(lines, "Password"), told(lines, "Live key"), told(lines, "Test key")]
    with running(folder, port) as (base, lines):
        assert not any(secret in "\n".join(lines) for secret in shown_once)
        key = {"X-API-Key": shown_once[1]}
        answer = httpx.get(f"{base}/api/packages/{package_id}", headers=key, trust_env=False)
        assert answer.json()["patient_name"] == "Maria Rodriguez"


def test_a_folder_with_a_real_box_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "real"
    command = [sys.executable, "-m", "scriptrun_box"]
    made = subprocess.run(
        [*command, "init", "--data", str(folder), "--pharmacy", "Harbor Pharmacy",
         "--email", "owner@harbor.example", "--password-stdin"],
        input="a dozen blue umbrellas\n", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    environment = {**os.environ, "SCRIPTRUN_BOX_SERVER__PORT": str(free_port())}
    refused = subprocess.run(
        [*command, "demo", "--data", str(folder)],
        capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip
    assert refused.returncode == 1
    assert "holds a real box" in refused.stderr
    assert refused.stdout == ""


def test_nothing_is_shown_once_by_a_box_that_cannot_start(tmp_path: Path) -> None:
    (taken,) = bind("127.0.0.1", 0)
    taken.listen()
    port = taken.getsockname()[1]
    refused = subprocess.run(
        [sys.executable, "-m", "scriptrun_box", "demo", "--data", str(tmp_path / "demo")],
        capture_output=True, text=True, check=False,
        env={**os.environ, "SCRIPTRUN_BOX_SERVER__PORT": str(port)},
    )  # fmt: skip
    taken.close()
    assert refused.returncode == 75
    assert refused.stdout == ""
    assert not (tmp_path / "demo" / "live" / "box.db").exists()


def _arrived(browser: httpx.Client, package_id: str) -> bool:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        page = browser.get("/demo/receiver", headers={"Accept": "text/html"})
        assert page.status_code == 200
        if package_id in page.text:
            return True
        time.sleep(0.05)
    return False
