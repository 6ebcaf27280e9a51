"""Looking at a receiver's certificate: what is shown, and how far it could be trusted."""

import asyncio
import datetime
import ssl
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from scriptrun_box.kernel.addresses import AddressRefused, Allowed
from scriptrun_box.kernel.outgoing import Outgoing, pinned_tls, post
from scriptrun_box.kernel.pinning import NothingThere, look
from scriptrun_box.kernel.resolver import Resolver
from tests.receivers import receiving

pytestmark = pytest.mark.anyio
NOTHING = Allowed()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def self_signed(folder: Path, title: str, *, authority: bool, days: int = 100) -> ssl.SSLContext:
    """A server's TLS with a certificate as devices make them: one title, no names."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, title)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - datetime.timedelta(days=200))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "device.both"
    file.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def issued(*names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert(*names).configure_cert(context)
    return context


async def outcome(url: str, pem: str, check_name: bool) -> tuple[str, str | None]:
    allowed = Allowed.of(["127.0.0.0/8"])
    result = await post(Outgoing(url, {}, b"{}"), allowed, Resolver(), pinned_tls(pem, check_name))
    return result.outcome, result.error_class


async def test_a_certificate_that_names_the_address_is_pinned_and_then_accepted() -> None:
    async with receiving(tls=issued("127.0.0.1")) as receiver:
        seen = await look(receiver.url, NOTHING, Resolver())
        assert (seen.trust, seen.names) == ("pinned", ("127.0.0.1",))
        assert [str(address) for address in seen.addresses] == ["127.0.0.1"]
        assert len(seen.fingerprint.split(":")) == 32
        assert await outcome(receiver.url, seen.pem, True) == ("ok", None)
    async with receiving(tls=issued("127.0.0.1"), port=receiver.port) as other:
        assert await outcome(other.url, seen.pem, True) == ("failed", "tls")
        assert await outcome(other.url, seen.pem, False) == ("failed", "tls")
        assert other.hits == []


@pytest.mark.parametrize("authority", [True, False])
async def test_a_devices_own_certificate_without_names_is_pinned_by_itself(
    tmp_path: Path, authority: bool
) -> None:
    tls = self_signed(tmp_path, "pms-appliance", authority=authority)
    async with receiving(tls=tls) as receiver:
        seen = await look(receiver.url, NOTHING, Resolver())
        assert (seen.trust, seen.names) == ("pinned_by_itself", ("pms-appliance",))
        assert await outcome(receiver.url, seen.pem, False) == ("ok", None)
        assert await outcome(receiver.url, seen.pem, True) == ("failed", "tls")


async def test_an_expired_certificate_is_unusable(tmp_path: Path) -> None:
    tls = self_signed(tmp_path, "old", authority=False, days=-3)
    async with receiving(tls=tls) as receiver:
        seen = await look(receiver.url, NOTHING, Resolver())
    assert seen.trust == "unusable"
    assert seen.days_left < 0


async def test_where_nothing_listens_or_speaks_tls_nothing_is_there() -> None:
    async with receiving() as plain:
        url = plain.url.replace("http:", "https:")
        with pytest.raises(NothingThere):
            await look(url, NOTHING, Resolver())
    with pytest.raises(NothingThere):
        await look(url, NOTHING, Resolver())


@pytest.mark.parametrize("host", ["169.254.169.254", "[fe80::1]", "0.0.0.0", "224.0.0.1"])
async def test_what_no_owner_can_allow_is_not_even_looked_at(host: str) -> None:
    async with asyncio.timeout(1):
        with pytest.raises(AddressRefused):
            await look(f"https://{host}/", NOTHING, Resolver())
