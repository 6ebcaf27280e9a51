"""The gate of a phone's own addresses: its credential opens those, and nothing else."""

from dataclasses import dataclass
from typing import cast

from scriptrun_box.kernel import clock
from scriptrun_box.kernel.http import Call, Caller
from scriptrun_box.kernel.scope import Actor, Scope

from . import devices
from .model import Phone

COOKIE = "scriptrun-phone"
SECURE_COOKIE = "__Host-scriptrun-phone"
PAGE_HALF = b"x-phone-key"
HALF_MAX = 200  # characters that are looked at
REQUESTS_PER_MINUTE = 240  # of one phone: a shift's pictures come all at once
SAFE = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class PhoneCaller(Caller):
    """A driver by their phone."""

    phone: Phone


@dataclass(frozen=True, slots=True)
class PhoneGate:
    """Lets in a phone that was added. With `locked` its cookie is enough: that opens no data."""

    locked: bool = False

    async def __call__(self, call: Call) -> None:
        cookie_half = call.cookies.get(cookie_name(call), "")[:HALF_MAX]
        page_half = None if self.locked else (call.header(PAGE_HALF) or "")[:HALF_MAX]
        phone = call.box.db.peek(devices.known, cookie_half, page_half)
        actor = Actor.driver(phone.driver_id)
        call.caller = PhoneCaller(Scope(phone.tenant_id), actor, phone)
        call.room = call.box.limiter.take(phone.id, "phone", REQUESTS_PER_MINUTE)
        call.app.state.phones_heard[phone.id] = clock.now_ms()

    async def with_body(self, call: Call) -> None:
        """Once the body is read: nothing is changed below the disk's floor."""
        if call.method not in SAFE:
            call.box.disk.check()


def phone_of(call: Call) -> Phone:
    """The phone behind a call that came through a PhoneGate."""
    return cast(PhoneCaller, call.caller).phone


def cookie_name(call: Call) -> str:
    """The cookie's name: bound to this host where the connection is encrypted."""
    return SECURE_COOKIE if call.url.scheme == "https" else COOKIE
