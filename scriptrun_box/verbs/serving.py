"""openapi, and the run of a box whose folder is taken: `serve` and `demo` end here."""

import gc
import os
import signal
import sys
from collections.abc import Callable
from functools import partial

import click
from starlette.applications import Starlette

from scriptrun_box import __version__
from scriptrun_box.accounts import actions
from scriptrun_box.accounts import store as accounts
from scriptrun_box.app import create_app, is_well, public_url
from scriptrun_box.kernel import cpus
from scriptrun_box.kernel.config import Settings
from scriptrun_box.kernel.db import read_once, run_once
from scriptrun_box.kernel.log import LOG_BUFFER_BYTES, log
from scriptrun_box.kernel.opening import Opened
from scriptrun_box.kernel.server import CannotListen, Server, build_server
from scriptrun_box.ui.openapi import openapi as describe
from scriptrun_box.urls import URLS

from .common import CANNOT_START, TRY_AGAIN, Failure, Shelf, show_json, verb

COLLECTOR_THRESHOLDS = (20_000, 20, 100)  # objects before a round of each generation
GIL_SWITCH_SECONDS = 0.001  # the writer's thread may not hold the event loop up for longer


def run(
    settings: Settings, opened: Opened, prepare: Callable[[Starlette], None] = lambda app: None
) -> None:
    """Serve an opened folder; ends the process with its exit status.

    `prepare` may add to the app before it starts.
    """
    log.to(os.fdopen(sys.stderr.fileno(), "w", LOG_BUFFER_BYTES, closefd=False))
    sys.setswitchinterval(GIL_SWITCH_SECONDS)
    cpus.share_one()
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a file size limit is an error, not the end
    server = server_for(settings, opened, prepare)
    spare_the_collector()
    greet(settings, opened)
    try:
        server.run()
    except CannotListen as error:
        raise Failure(str(error), TRY_AGAIN if error.in_use else CANNOT_START) from None
    finally:
        opened.close()
    log.flush()
    if not server.started:
        raise Failure("The box could not start; the log says why.", CANNOT_START)
    if server_failed(server):
        raise Failure("The file can no longer be trusted; the box has stopped.", TRY_AGAIN)


def spare_the_collector() -> None:
    """What was loaded stays for good: the garbage collector need not walk through it again.

    Without this its rounds are the longest pauses of the event loop under load.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTOR_THRESHOLDS)


def server_for(
    settings: Settings, opened: Opened, prepare: Callable[[Starlette], None] = lambda app: None
) -> Server:
    """The HTTP server over the app, ending both together."""
    app = create_app(settings, opened)
    prepare(app)
    server = build_server(
        app,
        host=settings.server.host,
        port=settings.server.port,
        tls_cert=settings.server.tls_cert,
        tls_key=settings.server.tls_key,
        on_exit=lambda: app.state.close_streams(),
        is_well=partial(is_well, app),
    )
    app.state.stop = lambda: setattr(server, "should_exit", True)
    return server


def server_failed(server: Server) -> bool:
    """Whether the app asked to end because a commit could not be made durable."""
    app = server.config.app
    return bool(getattr(getattr(app, "state", None), "broken", False))


def greet(settings: Settings, opened: Opened) -> None:
    """Say where the box is; a box that is not set up yet prints its one-time link."""
    address = public_url(settings)
    click.echo(f"scriptrun-box {__version__} serves {opened.folder.path} at {address}")
    if not read_once(opened.path, opened.key, accounts.any_tenant):
        token = run_once(opened.path, opened.key, actions.create_link, None)
        click.echo(f"Set it up within the hour, on this machine: {address}/set-up?token={token}")
    sys.stdout.flush()


@click.command()
@verb
def openapi(shelf: Shelf) -> None:
    """Print the OpenAPI description of every endpoint."""
    show_json(describe(URLS, public_url(shelf.settings)))
