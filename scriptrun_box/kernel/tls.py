"""TLS on the local network: an authority that can vouch for this machine alone, and its leaf.

The authority's certificate is installed on the other machines. Its name constraints, which
browsers, Java and OpenSSL enforce, keep it from vouching for any name or address but the box's
own: whoever steals its key can pretend to be the box, and nobody else.
"""

import ipaddress
import itertools
import os
import re
import socket
from dataclasses import dataclass
from ipaddress import IPv6Address
from pathlib import Path

RENEW_DAYS = 60  # a leaf with fewer days left is due to be renewed
PUBLIC, SECRET = 0o644, 0o600
LOOPBACK = ("127.0.0.1", "::1")
HOST_NAME = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Where the certificates are; `server_cert` holds the chain."""

    ca_cert: Path
    ca_key: Path
    server_cert: Path
    server_key: Path
    new_authority: bool = False  # the other machines need the new ca.crt


@dataclass(frozen=True, slots=True)
class TlsStatus:
    """What the box's certificate is good for, and how long."""

    names: list[str]
    addresses: list[str]
    days_left: int
    authority_days_left: int
    fingerprint: str  # of the authority: SHA-256 as browsers show it, AB:CD:…


def describe(pem: str) -> tuple[str, tuple[str, ...], int]:
    """Fingerprint, names and addresses, days left of somebody else's certificate."""
    from . import certificates

    read = certificates.parse(pem.encode())
    names = certificates.all_names_in(read)
    return certificates.fingerprint(read), names, certificates.days_left(read)


def machine_names() -> list[str]:
    """What this machine is called, best first: `box`, `box.local`, `localhost`."""
    host = socket.gethostname().lower().rstrip(".")
    short = host.partition(".")[0]
    if short == "localhost" or not HOST_NAME.fullmatch(host):
        return ["localhost"]
    return list(dict.fromkeys((host, short, f"{short}.local", "localhost")))


def machine_addresses() -> list[str]:
    """Every address of this machine that others can use, loopback last."""
    found: list[str] = []
    try:
        found += _ipv4_addresses(Path("/proc/self/net/fib_trie").read_text("ascii"))
        found += _ipv6_addresses(Path("/proc/self/net/if_inet6").read_text("ascii"))
    except OSError:  # not Linux, or no IPv6
        pass
    if not found:
        found = _looked_up(socket.gethostname())
    parsed = [ipaddress.ip_address(text) for text in found]
    usable = [str(one) for one in parsed if not (one.is_loopback or one.is_link_local)]
    return list(dict.fromkeys((*usable, *LOOPBACK)))


def _ipv4_addresses(fib_trie: str) -> list[str]:
    """The kernel's routing tree shows each own address just above a line `/32 host LOCAL`."""
    lines = [line.split() for line in fib_trie.splitlines()]
    return [a[1] for a, b in itertools.pairwise(lines) if b == ["/32", "host", "LOCAL"]]


def _ipv6_addresses(if_inet6: str) -> list[str]:
    return [str(IPv6Address(int(line.split()[0], 16))) for line in if_inet6.splitlines()]


def _looked_up(host: str) -> list[str]:
    try:
        return [str(entry[4][0]).partition("%")[0] for entry in socket.getaddrinfo(host, None)]
    except OSError:
        return []


def create(folder: Path, names: list[str], addresses: list[str]) -> TlsFiles:
    """Make the server's certificate; the authority too, unless the present one may sign it."""
    from . import certificates

    files = _files(folder)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    authority = certificates.load(files.ca_cert, files.ca_key)
    known = authority and certificates.may_sign(authority.certificate, names, addresses)
    if authority is None or not known:
        authority = certificates.new_authority(names, addresses)
        _write(files.ca_key, authority.key_pem(), SECRET)
        _write(files.ca_cert, certificates.pem(authority.certificate), PUBLIC)
    leaf = certificates.new_leaf(authority, names, addresses)
    _write(files.server_key, leaf.key_pem(), SECRET)
    _write(files.server_cert, certificates.pem(leaf.certificate, authority.certificate), PUBLIC)
    return _files(folder, new_authority=not known)


def renew_leaf(folder: Path) -> TlsFiles:
    """Make the server's certificate anew for the same names; raises FileNotFoundError.

    The authority stays until its own last weeks, so nothing changes on the other machines.
    """
    present = status(folder)
    if present is None:
        raise FileNotFoundError("there is no certificate to renew")
    return create(folder, present.names, present.addresses)


def status(folder: Path) -> TlsStatus | None:
    """What the certificate in the folder is good for; None where there is none."""
    from . import certificates

    files = _files(folder)
    try:
        leaf, authority = certificates.read(files.server_cert), certificates.read(files.ca_cert)
    except FileNotFoundError:
        return None
    names, addresses = certificates.names_in(leaf)
    return TlsStatus(
        names=names,
        addresses=addresses,
        days_left=certificates.days_left(leaf),
        authority_days_left=certificates.days_left(authority),
        fingerprint=certificates.fingerprint(authority),
    )


def _files(folder: Path, *, new_authority: bool = False) -> TlsFiles:
    return TlsFiles(
        ca_cert=folder / "ca.crt",
        ca_key=folder / "ca.key",
        server_cert=folder / "server.crt",
        server_key=folder / "server.key",
        new_authority=new_authority,
    )


def _write(file: Path, content: bytes, mode: int) -> None:
    """Replace a file whole; a secret is never readable by others, not even for a moment."""
    temporary = file.with_name(f"{file.name}.new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    temporary.replace(file)
