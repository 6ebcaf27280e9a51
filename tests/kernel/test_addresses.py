"""The guard between a typed URL and the network: what must never be dialled, and what may be."""

import asyncio
import ipaddress
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from scriptrun_box.kernel import addresses
from scriptrun_box.kernel.addresses import AddressRefused, Allowed, check_url, find
from scriptrun_box.kernel.outgoing import Outgoing, Result, post, public_tls
from scriptrun_box.kernel.resolver import NameNotFound, Resolver
from tests.receivers import Receiver, receiving

pytestmark = pytest.mark.anyio

LOOPBACK = Allowed.of(["127.0.0.0/8", "::1/128"], plain_http=True)
EVERYTHING = Allowed.of(["0.0.0.0/0", "::/0"], plain_http=True)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def canaries() -> AsyncIterator[list[Receiver]]:
    """Listeners on both loopbacks, on the same port: nothing may ever reach them."""
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(receiving())
        second = await stack.enter_async_context(receiving(host="::1", port=first.port))
        yield [first, second]


def leads_to(*answers: str) -> Resolver:
    return Resolver(lambda host: list(answers))


async def send(url: str, allowed: Allowed, resolver: Resolver | None = None) -> Result:
    request = Outgoing(url, {}, b"{}", seconds=2)
    return await post(request, allowed, resolver or Resolver(), public_tls())


# {port} is a canary's port; every one of these must be refused before a connection is made.
MUST_BLOCK = r"""
https://127.0.0.1:{port}/
https://127.0.0.2:{port}/
https://127.255.255.254:{port}/
https://127.1:{port}/
https://127.0.1:{port}/
https://0:{port}/
https://0.0.0.0:{port}/
https://0.0.0.1:{port}/
https://2130706433:{port}/
https://0x7f000001:{port}/
https://0x7f.1:{port}/
https://0X7F.0.0.1:{port}/
https://0177.0.0.1:{port}/
https://017700000001:{port}/
https://127.0.0.1.:{port}/
https://127%2e0%2e0%2e1:{port}/
https://127。0。0。1:{port}/
https://127．0．0．1:{port}/
https://127｡0｡0｡1:{port}/
https://１２７.0.0.1:{port}/
https://①②⑦.0.0.1:{port}/
https://localhost:{port}/
https://LOCALHOST:{port}/
https://localhost.:{port}/
https://ⓛocalhost:{port}/
https://[::1]:{port}/
https://[0:0:0:0:0:0:0:1]:{port}/
https://[::]:{port}/
https://[::127.0.0.1]:{port}/
https://[::ffff:127.0.0.1]:{port}/
https://[::ffff:7f00:1]:{port}/
https://[::ffff:0:127.0.0.1]:{port}/
https://[64:ff9b::7f00:1]:{port}/
https://[64:ff9b:1::7f00:1]:{port}/
https://[2002:7f00:1::]:{port}/
https://[2001:0:7f00:1::]:{port}/
https://[::1%25lo]:{port}/
https://[fe80::1]:{port}/
https://[fec0::1]:{port}/
https://[fc00::1]:{port}/
https://[fd00::2]:{port}/
https://[ff02::1]:{port}/
https://[2001:db8::1]:{port}/
https://[3fff::1]:{port}/
https://[5f00::1]:{port}/
https://[100::1]:{port}/
https://10.0.0.1:{port}/
https://100.64.0.1:{port}/
https://172.16.0.1:{port}/
https://172.31.255.255:{port}/
https://192.168.1.1:{port}/
https://192.0.0.8:{port}/
https://192.0.2.2:{port}/
https://192.88.99.1:{port}/
https://198.18.0.1:{port}/
https://198.51.100.1:{port}/
https://203.0.113.1:{port}/
https://224.0.0.1:{port}/
https://239.255.255.250:{port}/
https://240.0.0.1:{port}/
https://255.255.255.255:{port}/
https://169.254.169.254/latest/meta-data/
https://169.254.170.2/
https://[fd00:ec2::254]/
https://[fd20:ce::254]/
https://100.100.100.200/
https://168.63.129.16/
https://192.0.0.192/
https://user:pw@127.0.0.1:{port}/
https://example.com@127.0.0.1:{port}/
https://127.0.0.1:{port}@example.com/
https://@example.com/
https://example.com\@127.0.0.1:{port}/
https://example.com:22/
https://example.com:25/
https://example.com:6379/
https://example.com:0/
https://example.com:65536/
http://127.0.0.1:{port}/
http://example.com/
//127.0.0.1:{port}/
/relative
ftp://127.0.0.1:{port}/
file:///etc/passwd
gopher://127.0.0.1:{port}/_
https:127.0.0.1:{port}/
https:///127.0.0.1:{port}/
https://
https://?x
https://[::1:{port}/
https://[v1.x]:{port}/
https://exa mple.com/
https://exam\tple.com/
https://example.com\r\nX: y/
https://exam_ple-.com/
https://-a.com/
https://a..b.com/
""".strip().splitlines()


@pytest.mark.parametrize("url", MUST_BLOCK)
async def test_a_forbidden_url_never_reaches_the_network(
    url: str, canaries: list[Receiver]
) -> None:
    url = url.replace("\\t", "\t").replace("\\r\\n", "\r\n").format(port=canaries[0].port)
    resolver = Resolver()
    with pytest.raises(AddressRefused) as refused:
        await find(url, Allowed(), resolver)
    assert refused.value.code
    assert refused.value.sentence.endswith(".")
    assert (await send(url, Allowed(), resolver)).outcome == "blocked"
    assert [canary.connections for canary in canaries] == [0, 0]


async def test_the_canaries_would_notice(canaries: list[Receiver]) -> None:
    for canary in canaries:
        assert (await send(canary.url, LOOPBACK)).outcome == "ok"
    assert [canary.connections for canary in canaries] == [1, 1]


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "::1", "10.1.2.3", "169.254.169.254", "::ffff:127.0.0.1", "0.0.0.0", "fe80::1"],
)
async def test_a_name_that_leads_to_a_forbidden_address_is_blocked(
    address: str, canaries: list[Receiver]
) -> None:
    url = f"https://evil.example:{canaries[0].port}/"
    for resolver in (leads_to(address), leads_to("93.184.216.34", address)):
        with pytest.raises(AddressRefused) as refused:
            await find(url, Allowed(), resolver)
        assert refused.value.code == "address_not_allowed"
        assert (await send(url, Allowed(), resolver)).outcome == "blocked"
    assert [canary.connections for canary in canaries] == [0, 0]


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "fe80::1",
        "fd00:ec2::254",
        "100.100.100.200",
        "168.63.129.16",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:0:7f00:1::",
        "ff02::1",
    ],
)
async def test_some_addresses_stay_forbidden_even_where_the_owner_allowed_everything(
    address: str,
) -> None:
    with pytest.raises(AddressRefused) as refused:
        await find("http://pms.example/", EVERYTHING, leads_to(address))
    assert refused.value.code == "address_not_allowed"


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.216.34", "172.32.0.1", "2606:4700::1111", "2001:4860::8888"]
)
async def test_public_addresses_are_open_over_https(address: str) -> None:
    _, found = await find("https://pms.example/", Allowed(), leads_to(address))
    assert found == (ipaddress.ip_address(address),)


async def test_a_named_network_opens_itself_and_nothing_else() -> None:
    lan = Allowed.of(["192.168.7.0/24", "fd12:3456::/32"])
    for inside in ("192.168.7.9", "fd12:3456::9"):
        await find("https://pms.example/", lan, leads_to(inside))
    for outside in ("192.168.8.9", "10.0.0.1", "127.0.0.1", "fd12:3457::9"):
        with pytest.raises(AddressRefused):
            await find("https://pms.example/", lan, leads_to(outside))


async def test_plain_http_goes_to_named_networks_only_and_only_when_switched_on() -> None:
    on = Allowed.of(["192.168.7.0/24"], plain_http=True)
    off = Allowed.of(["192.168.7.0/24"])
    await find("http://pms.example/", on, leads_to("192.168.7.9"))
    await find("https://pms.example/", on, leads_to("8.8.8.8"))
    for allowed, address in ((on, "8.8.8.8"), (off, "192.168.7.9")):
        with pytest.raises(AddressRefused) as refused:
            await find("http://pms.example/", allowed, leads_to(address))
        assert refused.value.code == "scheme_not_allowed"


async def test_the_boxs_own_ports_are_refused_on_each_of_its_addresses(
    canaries: list[Receiver],
) -> None:
    port = canaries[0].port
    own = Allowed.of(["127.0.0.0/8", "::1/128"], plain_http=True, own_ports=[port])
    for url in (f"http://127.0.0.1:{port}/", f"http://127.8.8.8:{port}/", f"http://[::1]:{port}/"):
        with pytest.raises(AddressRefused) as refused:
            await find(url, own, Resolver())
        assert refused.value.code == "own_address"
    assert [canary.connections for canary in canaries] == [0, 0]
    await find(f"http://127.0.0.1:{port + 1}/", own, Resolver())
    await find(f"https://elsewhere.example:{port}/", own, leads_to("8.8.8.8"))


async def test_a_name_that_answers_differently_the_second_time_gains_nothing(
    canaries: list[Receiver],
) -> None:
    asked: list[str] = []

    def rebinding(host: str) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["::1"]

    only_v4 = Allowed.of(["127.0.0.0/8"], plain_http=True)
    result = await send(f"http://evil.example:{canaries[0].port}/", only_v4, Resolver(rebinding))
    assert (result.outcome, result.address) == ("ok", "127.0.0.1")
    assert len(asked) == 1, "what was vetted is what was dialled; nobody asked again"
    assert [canary.connections for canary in canaries] == [1, 0]


@pytest.mark.parametrize(
    ("url", "authority", "path"),
    [
        ("https://example.com", "example.com", b"/"),
        ("https://example.com:443/a?b=c#frag", "example.com", b"/a?b=c"),
        ("HTTPS://EXAMPLE.com:8443/A", "example.com:8443", b"/A"),
        ("https://example.com./", "example.com", b"/"),
        ("https://bücher.example/ü?q=ä b", "xn--bcher-kva.example", b"/%C3%BC?q=%C3%A4%20b"),
        ("https://8.8.8.8/", "8.8.8.8", b"/"),
        ("https://[2606:4700::1111]:8443/", "[2606:4700::1111]:8443", b"/"),
        ("https://my_pms.local-net.example/", "my_pms.local-net.example", b"/"),
    ],
)
def test_a_good_url_is_taken_apart_once(url: str, authority: str, path: bytes) -> None:
    target = check_url(url, Allowed())
    assert (target.authority, target.path) == (authority, path)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("https://" + "a" * 2_050, "url_too_long"),
        ("https://" + "a" * 64 + ".com/", "bad_host"),
        ("https://" + ".".join(["a" * 60] * 5) + "/", "bad_host"),
        ("https://u:p@example.com/", "user_info"),
        ("https://127.1/", "bad_host"),
        ("https://127.0.0.1/", "address_not_allowed"),
        ("https://example.com:22/", "port_not_allowed"),
        ("http://example.com/", "scheme_not_allowed"),
        ("https://xn--\u0001/", "bad_url"),
    ],
)
def test_each_refusal_has_its_code(url: str, code: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        check_url(url, Allowed())
    assert refused.value.code == code


def test_every_network_of_the_table_is_blocked_as_a_whole() -> None:
    for network, _, never in addresses.BLOCKED:
        for address in (network[0], network[-1]):
            host = f"[{address}]" if address.version == 6 else str(address)
            with pytest.raises(AddressRefused):
                check_url(f"https://{host}/", Allowed())
            if never:
                with pytest.raises(AddressRefused):
                    check_url(f"https://{host}/", EVERYTHING)


# Names ------------------------------------------------------------------------------------------


async def test_an_answer_is_remembered_for_a_while_and_asked_for_once() -> None:
    asked: list[str] = []

    def lookup(host: str) -> list[str]:
        asked.append(host)
        return ["8.8.8.8", "8.8.8.8", "2606:4700::1111"]

    resolver = Resolver(lookup)
    first = await resolver.resolve("a.example")
    assert [str(address) for address in first] == ["8.8.8.8", "2606:4700::1111"]
    assert await resolver.resolve("a.example") == first
    assert asked == ["a.example"]


@pytest.mark.parametrize("error", [OSError("no"), UnicodeError("no"), ValueError("no")])
async def test_a_name_without_an_answer_is_not_found(error: Exception) -> None:
    def lookup(host: str) -> list[str]:
        raise error

    for resolver in (Resolver(lookup), leads_to()):
        with pytest.raises(NameNotFound):
            await resolver.resolve("a.example")


async def test_dead_names_do_not_hold_up_a_healthy_one() -> None:
    def lookup(host: str) -> list[str]:
        if host.startswith("dead"):
            time.sleep(0.15)
            raise OSError("timed out")
        return ["8.8.8.8"]

    resolver = Resolver(lookup, patience=0.1)

    async def ask(host: str) -> float:
        began = time.monotonic()
        try:
            await resolver.resolve(host)
        except NameNotFound:
            pass
        return time.monotonic() - began

    dead = [f"dead{number}.example" for number in range(8)]
    assert max(await asyncio.gather(*map(ask, dead))) < 0.27, "patience ends, not the look-up"
    await asyncio.sleep(0.35)  # the first round has run out of its threads
    second_round = asyncio.gather(*map(ask, dead))
    await asyncio.sleep(0.01)
    await resolver.resolve("healthy.example")  # raises where the dead hold every thread
    await second_round
    await asyncio.sleep(0.65)  # no thread outlives its test


async def test_an_older_answer_stands_in_for_a_silent_name_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow = False

    def lookup(host: str) -> list[str]:
        if slow:
            time.sleep(0.3)
        return ["8.8.8.8"]

    resolver = Resolver(lookup, patience=0.1)
    first = await resolver.resolve("a.example")
    slow = True
    monkeypatch.setattr("scriptrun_box.kernel.resolver.FRESH_SECONDS", 0.0)
    assert await resolver.resolve("a.example") == first
    monkeypatch.setattr("scriptrun_box.kernel.resolver.USABLE_SECONDS", 0.0)
    with pytest.raises(NameNotFound):
        await resolver.resolve("a.example")
    time.sleep(0.3)
