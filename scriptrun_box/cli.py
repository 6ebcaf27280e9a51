"""The command line: every verb of scriptrun-box in one place.

Exit status: 0 done, 1 refused or unhealthy, 2 wrong usage; `serve` also 75 (another one runs, or
try again), 78 (cannot start here), 79 (damaged file).
"""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from scriptrun_box import __version__

PROGRAM = "scriptrun-box"

# name -> module:attribute, imported when the verb is used: `key list` needs no web server.
VERBS = {
    "serve": "serve:serve",
    "init": "accounts:init",
    "demo": "demo:demo",
    "key": "accounts:key",
    "tenant": "accounts:tenant",
    "user": "accounts:user",
    "webhook": "webhook:webhook",
    "geocode": "geocode:geocode",
    "backup": "file:backup",
    "restore": "file:restore",
    "verify": "file:verify",
    "audit": "file:audit_verbs",
    "doctor": "doctor:doctor",
    "tls": "lan:tls_verbs",
    "openapi": "serving:openapi",
}


class WrongUsage(click.ClickException):
    """Wrong words on the command line, told in one sentence."""

    exit_code = 2

    def __init__(self, error: click.UsageError) -> None:
        path = error.ctx.command_path if error.ctx else PROGRAM
        super().__init__(f"{error.format_message()} See {path} --help.")

    def show(self, file: Any = None) -> None:
        click.echo(f"{PROGRAM}: {self.message}", err=True)


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

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        with _in_one_sentence():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        with _in_one_sentence():
            return super().invoke(ctx)


@contextmanager
def _in_one_sentence() -> Iterator[None]:
    """Click explains wrong usage in a paragraph; only where nothing was typed that is help."""
    try:
        yield
    except click.exceptions.NoArgsIsHelpError:
        raise
    except click.UsageError as error:
        raise WrongUsage(error) from None


@click.command(cls=Verbs)
@click.version_option(__version__, prog_name=PROGRAM)
def main(**_: Any) -> None:
    """Pharmacy delivery in one box: orders in, packages to the door, signed events out."""


if __name__ == "__main__":
    main()
