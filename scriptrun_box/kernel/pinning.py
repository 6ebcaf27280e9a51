"""Looks at the certificate a receiver shows, so that a person can decide to trust it."""

import asyncio
import ssl
from dataclasses import dataclass
from typing import Literal

from .addresses import Allowed, Target, find
from .outgoing import pinned_tls, public_tls
from .resolver import Address, Resolver
from .tls import describe

LOOK_SECONDS = 5.0  # for one connection
EVERYWHERE = ("0.0.0.0/0", "::/0")  # what is never allowed stays so: link-local, metadata, …

Trust = Literal["public", "pinned", "pinned_by_itself", "unusable"]


class NothingThere(Exception):
    """No TLS server answered."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Where a URL leads, what certificate is shown there, and how far it could be trusted.

    "public": it needs no pin; "pinned": pinned, it is also good for the URL's name;
    "pinned_by_itself": pinned, but it does not name the host; "unusable": expired or malformed.
    """

    addresses: tuple[Address, ...]
    pem: str
    fingerprint: str  # SHA-256 as browsers show it
    names: tuple[str, ...]
    days_left: int
    trust: Trust


async def look(url: str, allowed: Allowed, resolver: Resolver) -> Seen:
    """Connect and look, whether or not the network is allowed yet.

    Raises AddressRefused for what no owner can allow, NameNotFound, NothingThere.
    """
    target, addresses = await find(url, allowed.plus(EVERYWHERE), resolver)
    anything = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anything.check_hostname = False
    anything.verify_mode = ssl.CERT_NONE
    try:
        der = await _certificate(target, addresses[0], anything)
    except (OSError, TimeoutError) as error:
        raise NothingThere from error
    if not der:
        raise NothingThere
    pem = ssl.DER_cert_to_PEM_cert(der)
    fingerprint, names, days_left = describe(pem)
    trust = await _trust(target, addresses[0], pem)
    return Seen(addresses, pem, fingerprint, names, days_left, trust)


async def _trust(target: Target, address: Address, pem: str) -> Trust:
    tries: tuple[tuple[Trust, ssl.SSLContext], ...] = (
        ("public", public_tls()),
        ("pinned", pinned_tls(pem, True)),
        ("pinned_by_itself", pinned_tls(pem, False)),
    )
    for trust, context in tries:
        try:
            await _certificate(target, address, context)
        except (OSError, TimeoutError):
            continue
        return trust
    return "unusable"


async def _certificate(target: Target, address: Address, context: ssl.SSLContext) -> bytes | None:
    """The certificate shown in one handshake, in DER."""
    async with asyncio.timeout(LOOK_SECONDS):
        _, writer = await asyncio.open_connection(
            str(address), target.port, ssl=context, server_hostname=target.host
        )
        try:
            shown: bytes | None = writer.get_extra_info("ssl_object").getpeercert(True)
            return shown
        finally:
            writer.transport.abort()
