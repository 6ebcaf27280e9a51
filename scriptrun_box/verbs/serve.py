"""serve: take the folder, and only then load the box, so that a second server is soon gone."""

import click

from scriptrun_box.kernel.config import LOOPBACK_HOSTS, Settings
from scriptrun_box.kernel.opening import open_folder

from .common import CANNOT_START, Failure, Shelf, verb


@click.command()
@verb
def serve(shelf: Shelf) -> None:
    """Run the box until it is stopped."""
    need_safe_address(shelf.settings)
    opened = open_folder(shelf.settings)
    from . import serving  # the whole product: half of what starting takes

    serving.run(shelf.settings, opened)


def need_safe_address(settings: Settings) -> None:
    """Plain HTTP beyond this machine is only served where the owner has said so."""
    server = settings.server
    if server.host in LOOPBACK_HOSTS or server.tls_cert or server.allow_plain_http:
        return
    raise Failure(
        f"Plain HTTP on {server.host} would let anyone on the network read patient data:"
        " type scriptrun-box tls init, or set server.allow_plain_http = true.",
        CANNOT_START,
    )
