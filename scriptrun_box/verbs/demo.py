"""demo: a running pharmacy with invented people, to look at and to build against."""

from pathlib import Path

import click

from scriptrun_box import demo as demonstration
from scriptrun_box.app import public_url
from scriptrun_box.kernel.config import ServerSettings, Settings, StorageSettings
from scriptrun_box.kernel.db import read_once, run_once
from scriptrun_box.kernel.opening import Opened, open_folder
from scriptrun_box.kernel.server import CannotListen, bind
from scriptrun_box.ui.docs.curl import push_curl

from .common import TRY_AGAIN, Failure, Shelf, verb

FOLDER = Path("scriptrun-box-demo")  # so that a real box never begins among invented people


@click.command()
@verb
def demo(shelf: Shelf) -> None:
    """Run a demonstration: an invented pharmacy, keys, and a receiver for its events."""
    settings = demonstration.demo_settings(_in_own_folder(shelf.settings))
    _need_port(settings.server)
    opened = open_folder(settings)
    try:
        known = read_once(opened.path, opened.key, demonstration.is_demo)
        if known is False:
            raise Failure(f"{opened.folder.path} holds a real box: name another with --data.")
        port = read_once(opened.path, opened.key, demonstration.receiver_port)
        sockets = demonstration.receiver_sockets(port)
        port = sockets[0].getsockname()[1]
        if known:
            run_once(opened.path, opened.key, demonstration.point_at, port)
            _greet_again(settings, opened)
        else:
            password = demonstration.new_password()
            made = run_once(opened.path, opened.key, demonstration.seed, settings, password, port)
            _introduce(settings, made)
    except BaseException:
        opened.close()
        raise
    from . import serving

    serving.run(settings, opened, lambda app: demonstration.attach(app, sockets))


def _need_port(server: ServerSettings) -> None:
    """What is shown once must not be shown by a box that then cannot start."""
    try:
        for each in bind(server.host, server.port):
            each.close()
    except CannotListen as error:
        raise Failure(str(error), TRY_AGAIN) from None


def _in_own_folder(settings: Settings) -> Settings:
    """A folder the owner named stays; otherwise the demonstration has its own."""
    if settings.storage.folder != StorageSettings().folder:
        return settings
    storage = settings.storage.model_copy(update={"folder": FOLDER})
    return settings.model_copy(update={"storage": storage})


def _introduce(settings: Settings, made: demonstration.Made) -> None:
    base = public_url(settings)
    click.echo(f"""
{demonstration.PHARMACY} is ready, with invented people. This is shown once:

  Look at      {base}/
  Sign in      {made.email}
  Password     {made.password}
  Live key     {made.live_key}
  Test key     {made.test_key}

Push an order, and watch it come in on the dashboard:

{push_curl(base, made.live_key)}

Its signed event arrives at {base}/demo/receiver. Every call is told at {base}/docs.
""")


def _greet_again(settings: Settings, opened: Opened) -> None:
    base = public_url(settings)
    click.echo(f"""
{demonstration.PHARMACY} again, with everything as it was.

  Look at      {base}/
  Sign in      {demonstration.EMAIL}, with the password of the first start
  Arrivals     {base}/demo/receiver

Another key: sign in and open {base}/settings/integrations. To begin anew, stop the box and remove
{opened.folder.path}.
""")
