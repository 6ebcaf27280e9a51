"""X.509: an authority with name constraints and the leaf it signs.

Imports `cryptography`, which is heavy: so only kernel/tls.py imports this module, inside functions.
"""

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from . import clock

AUTHORITY_DAYS = 3_650
LEAF_DAYS = 800  # devices refuse a leaf that is good for more than 825
AUTHORITY_MIN_DAYS = 60  # with fewer left, an authority signs no more
EARLIER = datetime.timedelta(days=1)  # for machines whose clock is behind


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def key_pem(self) -> bytes:
        """The key as a file holds it."""
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )


def new_authority(names: list[str], addresses: list[str]) -> Pair:
    """An authority that can vouch for these names and addresses, and for nothing else."""
    key = ec.generate_private_key(ec.SECP256R1())
    title = f"scriptrun-box on {names[0]}, made {_now():%Y-%m-%d %H:%M} UTC"
    nowhere = [x509.IPAddress(ipaddress.ip_network(net)) for net in ("0.0.0.0/0", "::/0")]
    builder = (
        _builder(title, _name(title), key, _in_days(AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.NameConstraints(
                permitted_subtrees=_scope(names, addresses),
                excluded_subtrees=None if addresses else nowhere,
            ),
            critical=True,
        )
        .add_extension(_usage(authority=True), critical=True)
    )
    return Pair(builder.sign(key, hashes.SHA256()), key)


def new_leaf(authority: Pair, names: list[str], addresses: list[str]) -> Pair:
    """A server certificate for these names and addresses."""
    key = ec.generate_private_key(ec.SECP256R1())
    hosts = [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
    signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    server = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    ends = min(_in_days(LEAF_DAYS), authority.certificate.not_valid_after_utc)
    builder = (
        _builder("scriptrun-box", authority.certificate.subject, key, ends)
        .add_extension(x509.SubjectAlternativeName([*_dns(names), *hosts]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(server, critical=False)
        .add_extension(signer, critical=False)
    )
    return Pair(builder.sign(authority.key, hashes.SHA256()), key)


def may_sign(authority: x509.Certificate, names: list[str], addresses: list[str]) -> bool:
    """Whether its constraints name all of these and it is good for a while yet."""
    constraints = authority.extensions.get_extension_for_class(x509.NameConstraints).value
    permitted = constraints.permitted_subtrees or []
    covers = all(one in permitted for one in _scope(names, addresses))
    return covers and days_left(authority) >= AUTHORITY_MIN_DAYS


def load(certificate: Path, key: Path) -> Pair | None:
    """A pair from its files; None where one is missing or they do not belong together."""
    try:
        loaded = read(certificate)
        secret = serialization.load_pem_private_key(key.read_bytes(), password=None)
    except FileNotFoundError:
        return None
    if not isinstance(secret, ec.EllipticCurvePrivateKey):
        return None
    return Pair(loaded, secret) if secret.public_key() == loaded.public_key() else None


def read(file: Path) -> x509.Certificate:
    """The first certificate in a file."""
    return x509.load_pem_x509_certificate(file.read_bytes())


def pem(*certificates: x509.Certificate) -> bytes:
    """Certificates as a file holds them."""
    return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in certificates)


def names_in(leaf: x509.Certificate) -> tuple[list[str], list[str]]:
    """The names and the addresses a leaf is good for."""
    own = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    addresses = own.get_values_for_type(x509.IPAddress)
    return own.get_values_for_type(x509.DNSName), [str(address) for address in addresses]


def parse(text: bytes) -> x509.Certificate:
    """A certificate from its PEM text; raises ValueError."""
    return x509.load_pem_x509_certificate(text)


def all_names_in(certificate: x509.Certificate) -> tuple[str, ...]:
    """Every name and address it is good for; of an old one that has none, its title."""
    try:
        names, addresses = names_in(certificate)
    except x509.ExtensionNotFound:
        titles = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return tuple(str(title.value) for title in titles)
    return (*names, *addresses)


def days_left(certificate: x509.Certificate) -> int:
    """Whole days until it is no longer good."""
    return (certificate.not_valid_after_utc - _now()).days


def fingerprint(certificate: x509.Certificate) -> str:
    """Its SHA-256 as browsers show it: AB:CD:…"""
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def _builder(
    title: str, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, ends: datetime.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(title))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_now() - EARLIER)
        .not_valid_after(ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _scope(names: list[str], addresses: list[str]) -> list[x509.GeneralName]:
    return [*_dns(names), *(x509.IPAddress(ipaddress.ip_network(one)) for one in addresses)]


def _dns(names: list[str]) -> list[x509.DNSName]:
    return [x509.DNSName(name) for name in names]


def _name(title: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, title[:64])])


def _in_days(days: int) -> datetime.datetime:
    return _now() + datetime.timedelta(days=days)


def _now() -> datetime.datetime:
    return datetime.datetime.fromtimestamp(clock.now_ms() // 1000, datetime.UTC)
