"""Turns host names into addresses on a few threads of its own, remembered for half a minute."""

import asyncio
import ipaddress
import socket
import threading
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address

from . import clock

Address = IPv4Address | IPv6Address
Lookup = Callable[[str], list[str]]

THREADS = 4
THREADS_FOR_SUSPECTS = 2  # names that kept us waiting last time never hold more than these
PATIENCE_SECONDS = 5.0  # how long one caller waits for a name
REFRESH_PATIENCE_SECONDS = 0.5  # the same, where an older answer is at hand
FRESH_SECONDS = 30.0  # an answer is used this long without asking again
USABLE_SECONDS = 600.0  # and this long where the name server keeps silent
MAX_ENTRIES = 1_000


class NameNotFound(Exception):
    """A host name that did not resolve, or not in time."""


def system_lookup(host: str) -> list[str]:
    """Ask the machine's own resolver; blocks, and raises OSError or UnicodeError."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


class Resolver:
    """Names to addresses, for everything the box sends out.

    Its own threads, because a dead name blocks one for many seconds: in the event loop's common
    pool eight of them stall everybody. They are daemons, so none of them holds up the exit.
    """

    def __init__(self, lookup: Lookup = system_lookup, patience: float = PATIENCE_SECONDS) -> None:
        self._lookup = lookup
        self._patience = patience
        self._threads = asyncio.Semaphore(THREADS)
        self._suspect_threads = asyncio.Semaphore(THREADS_FOR_SUSPECTS)
        self._suspects: set[str] = set()
        self._answers: dict[str, tuple[float, tuple[Address, ...]]] = {}  # host -> (when, what)
        self._asking: dict[str, asyncio.Task[tuple[Address, ...]]] = {}

    async def resolve(self, host: str) -> tuple[Address, ...]:
        """The addresses of a host name in the order to try them, unvetted; raises NameNotFound."""
        when, known = self._answers.get(host, (0.0, ()))
        age = clock.monotonic() - when
        if known and age < FRESH_SECONDS:
            return known
        usable = bool(known) and age < USABLE_SECONDS
        patience = min(REFRESH_PATIENCE_SECONDS, self._patience) if usable else self._patience
        try:
            # Shielded: others wait for the same answer, and a late one still fills the memory.
            return await asyncio.wait_for(asyncio.shield(self._ask_once(host)), patience)
        except TimeoutError as error:
            if usable:
                return known
            self._remember_suspect(host)
            raise NameNotFound(f"no answer within {patience:g} s") from error

    def _ask_once(self, host: str) -> "asyncio.Task[tuple[Address, ...]]":
        asking = self._asking.get(host)
        if asking is None:
            asking = self._asking[host] = asyncio.create_task(self._ask(host))
            asking.add_done_callback(lambda task: self._note(host, task))
        return asking

    async def _ask(self, host: str) -> tuple[Address, ...]:
        if host in self._suspects:
            async with self._suspect_threads, self._threads:
                found = await self._in_thread(host)
        else:
            async with self._threads:
                found = await self._in_thread(host)
        addresses = tuple(dict.fromkeys(ipaddress.ip_address(text) for text in found))
        if not addresses:
            raise NameNotFound("the name has no address")
        return addresses

    async def _in_thread(self, host: str) -> list[str]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[str]] = loop.create_future()

        def settle(found: list[str], error: Exception | None) -> None:
            if answer.cancelled():
                return
            if error is None:
                answer.set_result(found)
            else:
                answer.set_exception(error)

        def run() -> None:
            found: list[str] = []
            failure: Exception | None = None
            try:
                found = self._lookup(host)
            except Exception as error:  # whatever it is, the one who waits must hear of it
                failure = NameNotFound("the name does not resolve")
                failure.__cause__ = error
            try:
                loop.call_soon_threadsafe(settle, found, failure)
            except RuntimeError:
                return  # the box stopped while the name server was thinking

        threading.Thread(target=run, name=f"resolve {host}", daemon=True).start()
        return await answer

    def _note(self, host: str, task: "asyncio.Task[tuple[Address, ...]]") -> None:
        del self._asking[host]
        if task.cancelled() or task.exception() is not None:
            self._answers.pop(host, None)
            return
        self._suspects.discard(host)
        if len(self._answers) >= MAX_ENTRIES:
            self._answers.clear()
        self._answers[host] = (clock.monotonic(), task.result())

    def _remember_suspect(self, host: str) -> None:
        if len(self._suspects) >= MAX_ENTRIES:
            self._suspects.clear()
        self._suspects.add(host)
