"""The command line: every verb of scriptrun-box in one place.

Exit status: 0 done, 1 refused or unhealthy, 2 wrong usage; `serve` also 75 (another one runs, or
try again), 78 (cannot start here), 79 (damaged file).
"""

import importlib
from typing import Any

import click

from scriptrun_box import __version__

# name -> module:attribute, imported when the verb is used: `key list` needs no web server.
VERBS = {
    "serve": "serving:serve",
    "init": "accounts:init",
    "demo": "demo:demo",
    "key": "accounts:key",
    "tenant": "accounts:tenant",
    "user": "accounts:user",
    "webhook": "webhook:webhook",
    "backup": "file:backup",
    "restore": "file:restore",
    "verify": "file:verify",
    "audit": "file:audit_verbs",
    "doctor": "doctor:doctor",
    "tls": "lan:tls_verbs",
    "openapi": "serving:openapi",
}


class Verbs(click.Group):
    """The verbs, each loaded when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        place = VERBS.get(cmd_name)
        if place is None:
            return None
        module, _, attribute = place.partition(":")
        command: click.Command = getattr(
            importlib.import_module(f"scriptrun_box.verbs.{module}"), attribute
        )
        return command


@click.command(cls=Verbs)
@click.version_option(__version__, prog_name="scriptrun-box")
def main(**_: Any) -> None:
    """Pharmacy delivery in one box: orders in, packages to the door, signed events out."""


if __name__ == "__main__":
    main()
