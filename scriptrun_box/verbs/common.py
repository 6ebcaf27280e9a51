"""What every verb shares: which box, which tenant, how results and errors are shown."""

import functools
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from scriptrun_box.accounts import store
from scriptrun_box.accounts.model import Tenant
from scriptrun_box.kernel.config import ConfigError, Settings, load
from scriptrun_box.kernel.connection import is_disk_error
from scriptrun_box.kernel.db import read_once, run_once
from scriptrun_box.kernel.errors import Refusal
from scriptrun_box.kernel.file_errors import CannotUse, DiskFailed
from scriptrun_box.kernel.log import place_of
from scriptrun_box.kernel.opening import at_hand

REFUSED, WRONG_USAGE, TRY_AGAIN, CANNOT_START = 1, 2, 75, 78
SERVING = ("serve", "demo")  # their exit status tells whoever started them why they cannot run
F = TypeVar("F", bound=Callable[..., Any])


class Shelf:
    """The box a verb works on: its settings, and the file through short transactions."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def write(self, action: Callable[..., Any], *args: Any, create: bool = False) -> Any:
        """Run one action in the file, beside a running server or without one."""
        with at_hand(self.settings, create=create) as (path, key):
            return run_once(path, key, action, *args)

    def read(self, query: Callable[..., Any], *args: Any) -> Any:
        """Run one query."""
        with at_hand(self.settings) as (path, key):
            return read_once(path, key, query, *args)

    def tenant(self, wanted: str | None) -> Tenant:
        """The named tenant, or the only one."""
        found: list[Tenant] = self.read(store.tenants)
        if not found:
            raise Failure("This box is not set up yet: type scriptrun-box init.")
        if wanted is None and len(found) > 1:
            raise Failure("There is more than one tenant: name one with --tenant.", WRONG_USAGE)
        for tenant in found:
            if wanted in (None, tenant.id):
                return tenant
        raise Failure("There is no such tenant.")


class Failure(click.ClickException):
    """Ends a verb with one sentence on stderr and an exit status."""

    def __init__(self, sentence: str, status: int = REFUSED) -> None:
        super().__init__(sentence)
        self.exit_code = status  # type: ignore[misc]

    def show(self, file: Any = None) -> None:
        click.echo(f"scriptrun-box: {self.message}", err=True)


def verb(function: F) -> F:
    """Give a verb --config and --data, hand it its `Shelf`, and turn refusals into sentences."""

    @click.option("--config", "config_file", type=click.Path(path_type=Path), help="config.toml")
    @click.option("--data", "folder", type=click.Path(path_type=Path), help="the data folder")
    @functools.wraps(function)
    def wrapped(config_file: Path | None, folder: Path | None, **options: Any) -> Any:
        try:
            return function(Shelf(load(config_file, folder=folder)), **options)
        except Refusal as refusal:
            raise Failure(refusal.sentence) from None
        except CannotUse as error:
            status = error.status if function.__name__ in SERVING else REFUSED
            raise Failure(error.sentence, status) from None
        except ConfigError as error:
            raise Failure(str(error), WRONG_USAGE) from None
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except OSError as error:
            what = f": {error.filename}" if error.filename else ""
            raise Failure(f"{error.strerror or type(error).__name__}{what}.") from None
        except Exception as error:
            if is_disk_error(error):
                status = DiskFailed.status if function.__name__ in SERVING else REFUSED
                raise Failure(DiskFailed().sentence, status) from None
            raise Failure(
                f"This did not work: {type(error).__name__} at {place_of(error)}."
            ) from None

    return wrapped  # type: ignore[return-value]


as_json = click.option("--json", "as_json", is_flag=True, help="answer in JSON")
of_tenant = click.option("--tenant", "tenant_id", help="which tenant, where there are several")


def show_list(rows: Sequence[dict[str, Any]], columns: Sequence[str], in_json: bool) -> None:
    """A list: a table for people, {"data": […]} for programs."""
    if in_json:
        show_json({"data": list(rows)})
        return
    cells = [list(columns)] + [[_cell(row[name]) for name in columns] for row in rows]
    widths = [max(len(line[place]) for line in cells) for place in range(len(columns))]
    for line in cells:
        click.echo("  ".join(map(str.ljust, line, widths)).rstrip())


def show_json(value: Any) -> None:
    """A result for programs."""
    click.echo(json.dumps(value, ensure_ascii=False))


def say(result: dict[str, Any], sentence: str, in_json: bool) -> None:
    """What was done: a line for people, the result for programs."""
    if in_json:
        show_json(result)
    else:
        click.echo(sentence)


def password_from(stdin: bool) -> str:
    """A password from standard input's first line, or asked for twice."""
    if stdin:
        return _first_line()
    if not sys.stdin.isatty():
        raise Failure("Give the password with --password-stdin.", WRONG_USAGE)
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return password


def _first_line() -> str:
    try:
        line = sys.stdin.readline().rstrip("\r\n")
        line.encode("utf-8")
    except UnicodeError:
        raise Failure("The password is not text in UTF-8.", WRONG_USAGE) from None
    return line


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, list | tuple):
        return ",".join(str(item) for item in value)
    return str(value).lower() if isinstance(value, bool) else str(value)
