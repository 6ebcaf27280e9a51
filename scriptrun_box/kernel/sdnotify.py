"""Tells systemd how the service is: READY=1, STOPPING=1, WATCHDOG=1; elsewhere it does nothing."""

import contextlib
import os
import socket

SEND_SECONDS = 1.0  # systemd's end of the socket is never that slow


def notify(state: str) -> None:
    """Send one state line, as Type=notify in the unit expects it."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with (
        contextlib.suppress(OSError),
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel,
    ):
        channel.settimeout(SEND_SECONDS)
        channel.sendto(state.encode(), address)


def watchdog_seconds() -> float | None:
    """How often WATCHDOG=1 is due: half of the unit's WatchdogSec, None where there is none."""
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    pid = os.environ.get("WATCHDOG_PID", "")
    if not microseconds.isdigit() or (pid and pid != str(os.getpid())):
        return None
    return int(microseconds) / 2_000_000
