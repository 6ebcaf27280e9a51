"""Listening on the pharmacy's network: the box's own TLS authority, and `tls init|status`."""

from pathlib import Path

import click

from scriptrun_box.kernel import config_file, tls
from scriptrun_box.kernel.config import Settings

from .common import Failure, Shelf, as_json, show_json, verb

ALL_ADDRESSES = "::"


def listen_on_lan(settings: Settings) -> str:
    """Make the certificates and set the box to listen on every address; its address on the LAN."""
    files = tls.create(tls_folder(settings), tls.machine_names(), tls.machine_addresses())
    config_file.set_keys(
        settings.storage.folder / "config.toml",
        "server",
        {
            "host": ALL_ADDRESSES,
            "port": settings.server.port,
            "tls_cert": str(files.server_cert.absolute()),
            "tls_key": str(files.server_key.absolute()),
        },
    )
    return f"https://{tls.machine_names()[0]}:{settings.server.port}"


def tls_folder(settings: Settings) -> Path:
    """Where the box keeps its authority and its certificate."""
    return settings.storage.folder / "tls"


@click.group("tls")
def tls_verbs() -> None:
    """TLS on the local network: init, status."""


@tls_verbs.command("init")
@verb
def tls_init(shelf: Shelf) -> None:
    """Make the box's own authority and certificate, and listen on the network with them."""
    click.echo(f"The box will listen as {listen_on_lan(shelf.settings)}; restart it.")


@tls_verbs.command("status")
@as_json
@verb
def tls_status(shelf: Shelf, as_json: bool) -> None:
    """What the certificate is good for, how long, and its authority's SHA-256 fingerprint."""
    status = tls.status(tls_folder(shelf.settings))
    if status is None:
        raise Failure("This box has no certificate of its own: type scriptrun-box tls init.")
    if as_json:
        show_json(
            {
                "names": status.names,
                "addresses": status.addresses,
                "days": status.days_left,
                "fingerprint": status.fingerprint,
            }
        )
        return
    click.echo(f"names      {', '.join(status.names)}")
    click.echo(f"addresses  {', '.join(status.addresses)}")
    click.echo(f"valid for  {status.days_left} more days")
    click.echo(f"authority  {status.fingerprint}")
