"""Sends one request to somebody else's server, safely, and says how it went without ever raising.

Why a client per attempt: a shared pool that is cancelled at a deadline stays poisoned (httpcore
issue 1093), and one of these costs next to nothing as long as the TLS context is shared.
"""

import asyncio
import functools
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from math import ceil
from typing import Literal

import anyio
import certifi
import httpx

from .. import __version__
from . import clock
from .addresses import AddressRefused, Allowed, Target, find
from .log import log
from .resolver import Address, NameNotFound, Resolver

ATTEMPT_SECONDS = 15.0  # for everything: name, connection, TLS, request, status
CONNECT_SECONDS = 5.0  # for one address, so that the next one gets its turn
ANSWER_SECONDS = 3.0  # for the body once the status is known: it decides nothing any more
MAX_ANSWER_BYTES = 8 * 1024
MAX_HEAD_CHARS = 2 * 1024
MAX_ADDRESSES = 3  # tried in one attempt
MAX_RETRY_AFTER_SECONDS = 3_600

Outcome = Literal["ok", "failed", "blocked", "internal_error"]
ErrorClass = Literal["dns", "connect", "tls", "timeout", "reset", "redirect", "http", "blocked"]


@dataclass(frozen=True)
class Outgoing:
    """One request to make: the exact bytes, and every header that matters to the receiver."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    seconds: float = ATTEMPT_SECONDS
    method: str = "POST"


@dataclass(frozen=True)
class Result:
    """How one attempt went."""

    outcome: Outcome
    error_class: ErrorClass | None = None
    status: int | None = None
    address: str | None = None  # the one that was dialled
    answer: bytes = b""  # the first 8 KiB of the body
    head: str = ""  # the first 2 KiB of the answer's headers
    retry_after: int | None = None  # seconds the receiver asked for, one hour at most
    duration_ms: int = 0


@dataclass
class _Seen:
    """What an attempt has learnt so far: it is all that is left when the deadline strikes."""

    address: str | None = None
    status: int | None = None
    retry_after: int | None = None
    answer: bytes = b""
    head: str = ""


@functools.cache
def public_tls() -> ssl.SSLContext:
    """The shared TLS context: the machine's own authorities and certifi's. Slow to make once."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


@functools.lru_cache(maxsize=64)
def pinned_tls(pem: str, check_name: bool) -> ssl.SSLContext:
    """Trusts this certificate or authority and no other, each by itself: no chain above it."""
    context = ssl.create_default_context(cadata=pem)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # machines in a pharmacy sign as they can
    context.check_hostname = check_name
    return context


def warm_up() -> None:
    """Load what the first attempt would stop the event loop for; to be called on a thread."""
    public_tls()
    anyio.run(anyio.sleep, 0)


async def post(
    request: Outgoing, allowed: Allowed, resolver: Resolver, tls: ssl.SSLContext
) -> Result:
    """Make one attempt. Redirects are answers like any other: never followed."""
    started = clock.monotonic()
    seen = _Seen()
    outcome: Outcome = "failed"
    error: ErrorClass | None = None
    try:
        async with asyncio.timeout(request.seconds):
            await _attempt(request, allowed, resolver, tls, seen)
    except Exception as failure:
        outcome, error = _judge_failure(failure)
    if seen.status is not None:  # whatever happened to the body afterwards, the status decides
        outcome, error = _judge_status(seen.status)
    duration_ms = round((clock.monotonic() - started) * 1000)
    return Result(
        outcome,
        error,
        seen.status,
        seen.address,
        seen.answer,
        seen.head,
        seen.retry_after,
        duration_ms,
    )


async def _attempt(
    request: Outgoing, allowed: Allowed, resolver: Resolver, tls: ssl.SSLContext, seen: _Seen
) -> None:
    target, addresses = await find(request.url, allowed, resolver)
    *others, last = addresses[:MAX_ADDRESSES]
    for address in others:
        try:
            return await _send(request, target, address, tls, seen)
        except (httpx.ConnectError, httpx.ConnectTimeout) as failure:
            if _is_tls(failure):
                raise
    return await _send(request, target, last, tls, seen)


async def _send(
    request: Outgoing, target: Target, address: Address, tls: ssl.SSLContext, seen: _Seen
) -> None:
    seen.address = str(address)
    url = httpx.URL(scheme=target.scheme, host=str(address), port=target.port, raw_path=target.path)
    # The name goes into SNI, and the certificate is checked against it, not against the address.
    extensions = {} if target.address is not None else {"sni_hostname": target.host}
    async with _client(tls, request) as client:
        headers = {"Host": target.authority, **request.headers}
        sending = client.stream(
            request.method, url, headers=headers, content=request.body, extensions=extensions
        )
        async with sending as response:
            seen.status = response.status_code
            seen.head = _head(response)
            seen.retry_after = retry_after(response.headers.get("retry-after"), clock.now_ms())
            async with asyncio.timeout(ANSWER_SECONDS):
                async for chunk in response.aiter_raw():
                    seen.answer = (seen.answer + chunk)[:MAX_ANSWER_BYTES]
                    if len(seen.answer) == MAX_ANSWER_BYTES:
                        return


def _head(response: httpx.Response) -> str:
    """The answer's headers as people read them."""
    lines = (f"{name}: {value}" for name, value in response.headers.items())
    return "\n".join(lines)[:MAX_HEAD_CHARS]


def _client(tls: ssl.SSLContext, request: Outgoing) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        verify=tls,
        trust_env=False,
        follow_redirects=False,
        limits=httpx.Limits(max_connections=1, max_keepalive_connections=0),
        timeout=httpx.Timeout(request.seconds, connect=min(CONNECT_SECONDS, request.seconds)),
        headers={
            "User-Agent": f"ScriptRun-Box/{__version__}",
            "Accept-Encoding": "identity",
            "Connection": "close",
        },
    )


def _judge_status(status: int) -> tuple[Outcome, ErrorClass | None]:
    if 200 <= status < 300:
        return "ok", None
    return "failed", "redirect" if 300 <= status < 400 else "http"


def _judge_failure(failure: Exception) -> tuple[Outcome, ErrorClass | None]:
    match failure:
        case AddressRefused():
            return "blocked", "blocked"
        case NameNotFound():
            return "failed", "dns"
        case TimeoutError() | httpx.TimeoutException():
            return "failed", "timeout"
        case httpx.TransportError() if _is_tls(failure):
            return "failed", "tls"
        case httpx.ConnectError():
            return "failed", "connect"
        case httpx.NetworkError() | httpx.RemoteProtocolError():
            return "failed", "reset"
        case _:
            # httpx lets more through than its own family of errors.
            log.failure("outgoing request failed", failure)
            return "internal_error", None


def _is_tls(failure: BaseException) -> bool:
    cause: BaseException | None = failure
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def retry_after(value: str | None, now_ms: int) -> int | None:
    """Seconds a Retry-After header asks for, at most an hour; None where it asks for nothing.

    Forms seen in the wild: whole seconds, seconds with a fraction, an HTTP date (RFC 9110).
    """
    if value is None:
        return None
    value = value.strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", value):
        seconds = ceil(float(value))
    else:
        try:
            seconds = ceil(parsedate_to_datetime(value).timestamp() - now_ms / 1000)
        except (ValueError, OverflowError, OSError):
            return None
    return min(seconds, MAX_RETRY_AFTER_SECONDS) if seconds > 0 else None
