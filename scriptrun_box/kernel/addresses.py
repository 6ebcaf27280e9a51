"""Which URLs the box may dial: the guard between what somebody typed and the network.

Python's own `ipaddress.is_global` is no guard: it calls NAT64, 6to4, multicast and fec0:: global.
"""

import functools
import ipaddress
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import httpx

from .resolver import Address, Resolver

Network = IPv4Network | IPv6Network

MAX_URL_LENGTH = 2_048  # characters
MAX_HOST_LENGTH = 253  # characters
DEFAULT_PORTS = {"https": 443, "http": 80}

NEVER, UNLESS_NAMED = True, False  # whether the owner can allow the network by naming it

# The first row that holds an address decides; what no row holds is public. NEVER are the link
# itself, cloud metadata, what is no host, and IPv6 that carries an IPv4 address inside (it would
# walk around the IPv4 rows). The last three leave 2000::/3, all the IPv6 ever handed out.
BLOCKED: tuple[tuple[Network, str, bool], ...] = tuple(
    (ipaddress.ip_network(network), words, never)
    for network, words, never in (
        ("0.0.0.0/8", "this network", NEVER),
        ("10.0.0.0/8", "private network", UNLESS_NAMED),
        ("100.100.100.200/32", "cloud metadata", NEVER),
        ("100.64.0.0/10", "shared address space", UNLESS_NAMED),
        ("127.0.0.0/8", "this machine", UNLESS_NAMED),
        ("168.63.129.16/32", "cloud metadata", NEVER),
        ("169.254.0.0/16", "link-local", NEVER),
        ("172.16.0.0/12", "private network", UNLESS_NAMED),
        ("192.0.0.192/32", "cloud metadata", NEVER),
        ("192.0.0.0/24", "protocol assignments", UNLESS_NAMED),
        ("192.0.2.0/24", "documentation", UNLESS_NAMED),
        ("192.31.196.0/24", "AS112", UNLESS_NAMED),
        ("192.52.193.0/24", "AMT", UNLESS_NAMED),
        ("192.88.99.0/24", "6to4 relay", NEVER),
        ("192.168.0.0/16", "private network", UNLESS_NAMED),
        ("192.175.48.0/24", "AS112", UNLESS_NAMED),
        ("198.18.0.0/15", "benchmarking", UNLESS_NAMED),
        ("198.51.100.0/24", "documentation", UNLESS_NAMED),
        ("203.0.113.0/24", "documentation", UNLESS_NAMED),
        ("224.0.0.0/4", "multicast", NEVER),
        ("240.0.0.0/4", "reserved", NEVER),
        ("::1/128", "this machine", UNLESS_NAMED),
        ("::/96", "IPv4-compatible", NEVER),
        ("::ffff:0:0/96", "IPv4-mapped", NEVER),
        ("::ffff:0:0:0/96", "IPv4-translated", NEVER),
        ("64:ff9b::/96", "NAT64", NEVER),
        ("64:ff9b:1::/48", "NAT64", NEVER),
        ("2001::/32", "Teredo", NEVER),
        ("2001::/23", "protocol assignments", UNLESS_NAMED),
        ("2001:db8::/32", "documentation", UNLESS_NAMED),
        ("2002::/16", "6to4", NEVER),
        ("2620:4f:8000::/48", "AS112", UNLESS_NAMED),
        ("3fff::/20", "documentation", UNLESS_NAMED),
        ("fd00:ec2::254/128", "cloud metadata", NEVER),
        ("fd20:ce::254/128", "cloud metadata", NEVER),
        ("fc00::/7", "private network", UNLESS_NAMED),
        ("fe80::/10", "link-local", NEVER),
        ("fec0::/10", "private network", UNLESS_NAMED),
        ("ff00::/8", "multicast", NEVER),
        ("::/3", "not in public use", UNLESS_NAMED),
        ("4000::/2", "not in public use", UNLESS_NAMED),
        ("8000::/1", "not in public use", UNLESS_NAMED),
    )
)

# Ports on which something other than a web server listens: the list browsers refuse (the Fetch
# standard's "bad ports") and the data stores that a line of HTTP has been smuggled into before.
# fmt: off
REFUSED_PORTS = frozenset((
    1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102,
    103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 445,
    465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 873, 989,
    990, 993, 995, 1433, 1521, 1719, 1720, 1723, 2049, 2375, 2376, 3306, 3389, 3659, 4045, 4190,
    5060, 5061, 5432, 6000, 6379, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 9100, 9200,
    10080, 11211, 27017,
))
# fmt: on

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMERIC_LABEL = re.compile(r"[0-9]+|0x[0-9a-f]*")


class AddressRefused(Exception):
    """A URL the box will not dial: `code` is stable, `sentence` is for a person."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


@dataclass(frozen=True)
class Allowed:
    """What the owner of this box allows beyond public addresses over https."""

    networks: tuple[Network, ...] = ()
    plain_http: bool = False  # and only to `networks`
    own_ports: frozenset[int] = frozenset()  # where this box listens: never dialled

    @classmethod
    def of(
        cls, cidrs: Iterable[str], plain_http: bool = False, own_ports: Iterable[int] = ()
    ) -> "Allowed":
        """From the words of the settings; a malformed network raises ValueError."""
        networks = tuple(ipaddress.ip_network(cidr) for cidr in cidrs)
        return cls(networks, plain_http, frozenset(own_ports))

    def plus(self, cidrs: tuple[str, ...]) -> "Allowed":
        """These networks as well."""
        return replace(self, networks=self.networks + _networks(cidrs)) if cidrs else self


@functools.lru_cache(maxsize=1_000)
def _networks(cidrs: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(cidr) for cidr in cidrs)


@dataclass(frozen=True)
class Target:
    """A URL taken apart: what is dialled, what the receiver is told, what its certificate names."""

    scheme: str
    host: str  # lower-case ASCII name, or the text of an address
    port: int
    path: bytes  # path and query as they go on the wire
    address: Address | None  # set where the URL holds an address instead of a name

    @property
    def authority(self) -> str:
        """The Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def check_url(url: str, allowed: Allowed) -> Target:
    """All that can be said about a URL without asking a name server; raises AddressRefused."""
    target = parse(url)
    if target.scheme == "http" and not allowed.plain_http:
        raise AddressRefused("scheme_not_allowed", "The URL must start with https://.")
    if target.port in REFUSED_PORTS:
        raise AddressRefused(
            "port_not_allowed", "The URL's port belongs to another kind of server."
        )
    if target.address is not None:
        vet(target, target.address, allowed)
    return target


async def find(
    url: str, allowed: Allowed, resolver: Resolver
) -> tuple[Target, tuple[Address, ...]]:
    """A URL with its vetted addresses, in the order to try them.

    One forbidden answer condemns the name: a name that also leads inside is not to be trusted
    with what it answers next. Raises AddressRefused and NameNotFound.
    """
    target = check_url(url, allowed)
    if target.address is not None:
        return target, (target.address,)
    addresses = await resolver.resolve(target.host)
    for address in addresses:
        vet(target, address, allowed)
    return target, addresses


def vet(target: Target, address: Address, allowed: Allowed) -> None:
    """Refuse an address that must not be dialled for this target; raises AddressRefused."""
    blocked = _blocked(address)
    named = any(net.version == address.version and address in net for net in allowed.networks)
    if blocked is not None and (blocked[1] or not named):
        raise AddressRefused(
            "address_not_allowed",
            f"The URL leads to an address that is not allowed ({blocked[0]}).",
        )
    if target.scheme == "http" and not named:
        raise AddressRefused(
            "scheme_not_allowed", "Plain http is only for networks the owner allowed by name."
        )
    if target.port in allowed.own_ports and _is_own(address):
        raise AddressRefused("own_address", "The URL leads back to this box.")


async def find_local(
    host: str,
    networks: Iterable[Network],
    own: Iterable[int],
    port: int,
    resolver: Resolver,
) -> tuple[Address, ...]:
    """The vetted addresses of a device on the local network; AddressRefused and NameNotFound.

    Private addresses are what it is for; loopback and others of this machine's kind only where
    `networks` names them. Never a public one: what devices are sent goes as it is over the wire.
    """
    bracketed = ":" in host
    try:
        name, address = _host(host.strip("[]"), bracketed)
    except (AddressRefused, ValueError) as error:
        raise AddressRefused("bad_host", "Write a name or an address, such as 192.168.1.50.") from (
            error
        )
    addresses = await resolver.resolve(name) if address is None else (address,)
    for each in addresses:
        blocked = _blocked(each)
        named = any(net.version == each.version and each in net for net in networks)
        if blocked is None or blocked[1] or not (named or blocked[0] == "private network"):
            kind = blocked[0] if blocked else "public"
            raise AddressRefused(
                "address_not_allowed",
                f"The address must be one of the local network; this one is not ({kind}).",
            )
        if port in own and _is_own(each):
            raise AddressRefused("own_address", "The address leads back to this box.")
    return addresses


@functools.lru_cache(maxsize=1_000)
def _blocked(address: Address) -> tuple[str, bool] | None:
    for network, words, never in BLOCKED:
        if network.version == address.version and address in network:
            return words, never
    return None


def _is_own(address: Address) -> bool:
    """Whether the address is one of this machine's: only those can be bound to."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((str(address), 0))
        except OSError:
            return False
    return True


@functools.lru_cache(maxsize=1_000)
def parse(url: str) -> Target:
    """Take a URL apart; raises AddressRefused where it is not one the box can send to."""
    if len(url) > MAX_URL_LENGTH:
        raise AddressRefused("url_too_long", f"The URL is longer than {MAX_URL_LENGTH} characters.")
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:  # idna's own errors are ValueErrors
        raise AddressRefused("bad_url", "The URL cannot be read.") from error
    if parsed.scheme not in DEFAULT_PORTS or "://" not in url:
        raise AddressRefused("scheme_not_allowed", "The URL must start with https://.")
    authority = re.split(r"[/?#]", url.split("://", 1)[1], maxsplit=1)[0]
    if "@" in authority:
        raise AddressRefused("user_info", "The URL must not hold a user name or password.")
    port = DEFAULT_PORTS[parsed.scheme] if parsed.port is None else parsed.port
    if not 0 < port < 65_536:
        raise AddressRefused("port_not_allowed", "The URL's port must be between 1 and 65535.")
    host, address = _host(parsed.raw_host.decode("ascii"), bracketed=authority.startswith("["))
    return Target(parsed.scheme, host, port, parsed.raw_path, address)


def _host(host: str, bracketed: bool) -> tuple[str, Address | None]:
    """The host in its one plain form; whatever a resolver might read as an address is refused.

    httpx has already folded what merely looks like a dot; a resolver takes 127.1, 0x7f.1 and
    2130706433 for 127.0.0.1, so a host that ends in a number must be four plain parts.
    """
    if bracketed:
        if "%" in host:
            raise AddressRefused("bad_host", "The URL's host must not name a network interface.")
        address = IPv6Address(host)
        return str(address), address
    name = host.lower().removesuffix(".")
    labels = name.split(".")
    if len(name) > MAX_HOST_LENGTH or not all(_LABEL.fullmatch(label) for label in labels):
        raise AddressRefused("bad_host", "The URL's host is not a valid name.")
    if not _NUMERIC_LABEL.fullmatch(labels[-1]):
        return name, None
    try:
        return name, IPv4Address(name)
    except ValueError as error:
        raise AddressRefused(
            "bad_host", "Write the address in the URL as four numbers, such as 192.0.2.10."
        ) from error
