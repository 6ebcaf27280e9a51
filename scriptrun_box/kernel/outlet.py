"""What one request's cycle sees of its connection: answers gathered, closing left to the guard."""

from asyncio import Transport
from collections.abc import Callable


class Outlet:
    """What a request's cycle sees of the transport.

    The head of an answer and the beginning of its body come one right after the other: they leave
    in one system call. Closing waits for the request's body that is still under way.
    """

    def __init__(
        self,
        transport: Transport,
        close: Callable[[], None],
        soon: Callable[[Callable[[], None]], object],
    ) -> None:
        self.is_closing = transport.is_closing
        self._transport = transport
        self._close = close
        self._soon = soon
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Send with whatever else is written before the event loop turns."""
        if not self._pieces:
            self._soon(self.flush)
        self._pieces.append(data)

    def flush(self) -> None:
        """Send now."""
        if self._pieces and not self.is_closing():
            self._transport.write(b"".join(self._pieces))
        self._pieces.clear()

    def detach(self) -> None:
        """The connection is gone: let go of whoever it belonged to."""
        self._close = self._transport.close

    def close(self) -> None:
        """Send what is left, then close when the request allows it."""
        self.flush()
        self._close()
