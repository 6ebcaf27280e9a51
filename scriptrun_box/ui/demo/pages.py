"""GET /demo/receiver: what the built-in receiver got, as it comes; only in the demonstration."""

from starlette.responses import Response

from scriptrun_box.kernel.errors import NotFound
from scriptrun_box.kernel.http import Call
from scriptrun_box.ui import pages

from .receiver import Receiver


async def arrivals(call: Call) -> Response:
    """The page."""
    receiver = receiver_of(call)
    return await pages.render(call, "demo/receiver.html", receiver=receiver)


async def live_arrivals(call: Call) -> Response:
    """GET /live/demo: the list alone, which the page asks for every second."""
    return await pages.render(call, "demo/arrivals.html", receiver=receiver_of(call))


def receiver_of(call: Call) -> Receiver:
    """The receiver of the running demonstration; NotFound in a real box."""
    receiver: Receiver | None = getattr(call.app.state, "demo", None)
    if receiver is None:
        raise NotFound()
    return receiver
