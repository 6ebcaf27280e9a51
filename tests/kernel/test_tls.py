"""The box's own TLS authority: what it may vouch for, and that real clients accept its leaf."""

import socket
import ssl
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import time_machine

from scriptrun_box.kernel import certificates, tls
from scriptrun_box.kernel.server import Server, build_server
from scriptrun_box.kernel.tls import TlsFiles
from tests.programs import need

NAMES = ["box", "box.local", "localhost"]
ADDRESSES = ["192.168.1.20", "127.0.0.1", "::1"]
POST_JAVA = Path(__file__).with_name("Post.java")
DAY_SECONDS = 86_400


@pytest.fixture
def made(tmp_path: Path) -> TlsFiles:
    return tls.create(tmp_path / "tls", NAMES, ADDRESSES)


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the body it got."""
    if scope["type"] == "lifespan":
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": message["type"] + ".complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message["body"], message["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"got " + body})


@contextmanager
def serving(files: TlsFiles | None = None) -> Iterator[Server]:
    cert, key = (files.server_cert, files.server_key) if files else (None, None)
    server = build_server(echo, host="127.0.0.1", port=0, tls_cert=cert, tls_key=key)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.005)
        yield server
    finally:
        server.should_exit = True
        thread.join()


def handshake(server: Server, authority: Path, name: str) -> None:
    """Connect as a client that trusts the authority and expects `name`."""
    context = ssl.create_default_context(cafile=str(authority))
    with (
        socket.create_connection(("127.0.0.1", server.port), 5) as plain,
        context.wrap_socket(plain, server_hostname=name),
    ):
        pass


def test_a_client_that_trusts_the_authority_reaches_every_name_and_address(made):
    with serving(made) as server:
        for name in (*NAMES, *ADDRESSES):
            handshake(server, made.ca_cert, name)
        context = ssl.create_default_context(cafile=str(made.ca_cert))
        url = f"https://localhost:{server.port}/"
        assert httpx.post(url, content=b"hello", verify=context).text == "got hello"


def test_a_client_without_the_authority_or_for_another_name_refuses(made, tmp_path):
    other = tls.create(tmp_path / "other", NAMES, ADDRESSES)
    with serving(made) as server:
        with pytest.raises(ssl.SSLCertVerificationError):
            handshake(server, other.ca_cert, "localhost")
        with pytest.raises(ssl.SSLCertVerificationError):
            handshake(server, made.ca_cert, "pharmacy.example")


@pytest.mark.parametrize(
    ("names", "addresses"),
    [(["bank.example"], []), (["localhost", "bank.example"], []), ([], ["192.168.1.21"])],
)
def test_a_stolen_authority_can_vouch_for_nobody_else(made, names, addresses):
    authority = certificates.load(made.ca_cert, made.ca_key)
    assert authority is not None
    forged = certificates.new_leaf(authority, names, addresses)
    made.server_key.write_bytes(forged.key_pem())
    made.server_cert.write_bytes(certificates.pem(forged.certificate, authority.certificate))
    with (
        serving(made) as server,
        pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"),
    ):
        handshake(server, made.ca_cert, [*names, *addresses][-1])


def test_an_authority_without_addresses_can_vouch_for_none(tmp_path):
    made = tls.create(tmp_path, ["box"], [])
    authority = certificates.load(made.ca_cert, made.ca_key)
    assert authority is not None
    forged = certificates.new_leaf(authority, ["box"], ["127.0.0.1"])
    made.server_key.write_bytes(forged.key_pem())
    made.server_cert.write_bytes(certificates.pem(forged.certificate, authority.certificate))
    with (
        serving(made) as server,
        pytest.raises(ssl.SSLCertVerificationError, match="excluded subtree violation"),
    ):
        handshake(server, made.ca_cert, "127.0.0.1")


def test_openssl_finds_the_chain_strictly_right(made):
    command = [need("openssl"), "verify", "-x509_strict", "-purpose", "sslserver"]
    command += ["-verify_hostname", "box.local", "-CAfile", made.ca_cert, made.server_cert]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_javas_default_client_posts_over_tls(made):
    with serving(made) as server:
        printed = java_post(f"https://localhost:{server.port}/", "hello", made.ca_cert)
    assert printed == ["200 got hello"] * 2


def test_javas_default_client_keeps_its_body_though_it_offers_http_2():
    with serving() as server:
        printed = java_post(f"http://127.0.0.1:{server.port}/", "hello")
    assert printed == ["200 got hello"] * 2


def java_post(*args: object) -> list[str]:
    need("javac")
    command = [need("java"), POST_JAVA, *map(str, args)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.splitlines()


# --- The files


def test_keys_are_for_the_owner_alone_and_nothing_else_is_left_behind(made):
    folder = made.ca_cert.parent
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}
    assert modes == {"ca.crt": 0o644, "ca.key": 0o600, "server.crt": 0o644, "server.key": 0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_status_tells_what_the_certificate_is_good_for(made):
    status = tls.status(made.ca_cert.parent)
    assert status is not None
    assert (status.names, status.addresses) == (NAMES, ADDRESSES)
    assert 790 < status.days_left < 825
    assert status.authority_days_left > 3_600
    assert len(status.fingerprint.split(":")) == 32


def test_a_folder_without_certificates_has_no_status_and_nothing_to_renew(tmp_path):
    assert tls.status(tmp_path) is None
    with pytest.raises(FileNotFoundError):
        tls.renew_leaf(tmp_path)


def test_a_renewed_leaf_is_good_for_longer_and_the_authority_stays(made):
    folder, authority = made.ca_cert.parent, made.ca_cert.read_bytes()
    with time_machine.travel(time.time() + 700 * DAY_SECONDS, tick=False):
        before = tls.status(folder)
        renewed = tls.renew_leaf(folder)
        after = tls.status(folder)
    assert before and after
    assert before.days_left <= 100 and after.days_left >= 799
    assert (after.names, after.addresses) == (NAMES, ADDRESSES)
    assert not renewed.new_authority
    assert made.ca_cert.read_bytes() == authority


def test_no_leaf_outlives_its_authority_and_a_worn_out_authority_is_replaced(made):
    folder, authority = made.ca_cert.parent, made.ca_cert.read_bytes()
    with time_machine.travel(time.time() + 3_500 * DAY_SECONDS, tick=False):
        assert not tls.renew_leaf(folder).new_authority
        status = tls.status(folder)
        assert status and status.days_left == status.authority_days_left <= 150
    with time_machine.travel(time.time() + 3_600 * DAY_SECONDS, tick=False):
        assert tls.renew_leaf(folder).new_authority
    assert made.ca_cert.read_bytes() != authority


def test_made_again_the_authority_stays_unless_it_may_not_vouch_for_a_new_address(made):
    folder, authority = made.ca_cert.parent, made.ca_cert.read_bytes()
    assert not tls.create(folder, NAMES, ADDRESSES[:2]).new_authority
    assert made.ca_cert.read_bytes() == authority
    assert tls.create(folder, NAMES, [*ADDRESSES, "192.168.1.99"]).new_authority
    assert made.ca_cert.read_bytes() != authority
    with serving(made) as server:
        handshake(server, made.ca_cert, "192.168.1.99")


def test_an_authority_whose_key_is_lost_is_replaced(made):
    made.ca_key.unlink()
    assert tls.create(made.ca_cert.parent, NAMES, ADDRESSES).new_authority


# --- The machine


def test_the_machines_names_are_what_others_may_type(monkeypatch):
    for host, names in {
        "Box": ["box", "box.local", "localhost"],
        "box.pharmacy.example": ["box.pharmacy.example", "box", "box.local", "localhost"],
        "localhost": ["localhost"],
        "localhost.localdomain": ["localhost"],
        "büro": ["localhost"],
    }.items():
        monkeypatch.setattr(socket, "gethostname", lambda host=host: host)
        assert tls.machine_names() == names


def test_the_machines_addresses_are_those_it_can_listen_on():
    addresses = tls.machine_addresses()
    assert addresses[-2:] == ["127.0.0.1", "::1"]
    for address in addresses:
        if ":" in address and not socket.has_dualstack_ipv6():
            continue
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family) as probe:
            probe.bind((address, 0))


def test_the_kernels_tables_are_read_right():
    fib_trie = """Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 192.168.1.0/24 2 0 2
        |-- 192.168.1.0
           /24 link UNICAST
        |-- 192.168.1.20
           /32 host LOCAL
        |-- 192.168.1.255
           /32 link BROADCAST
"""
    assert tls._ipv4_addresses(fib_trie) == ["192.168.1.20"]
    if_inet6 = "fd000000000000000000000000000002 04 40 00 80     eth0\n"
    assert tls._ipv6_addresses(if_inet6) == ["fd00::2"]


def test_importing_the_module_does_not_load_the_heavy_library():
    code = "import sys; from scriptrun_box.kernel import tls; print('cryptography' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
