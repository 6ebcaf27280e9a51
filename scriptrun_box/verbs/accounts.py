"""init, key, tenant and user: making the box somebody's."""

import functools
from typing import Any

import click

from scriptrun_box.accounts import actions, passwords, store
from scriptrun_box.accounts.model import KEY_SCOPES, KINDS, ROLES, Key, Tenant, User
from scriptrun_box.accounts.plans import PLAN_NAMES
from scriptrun_box.kernel.clock import iso, iso_or_none
from scriptrun_box.kernel.db import Writer
from scriptrun_box.kernel.scope import CLI

from .common import (
    Failure,
    Shelf,
    as_json,
    of_tenant,
    password_from,
    say,
    show_json,
    show_list,
    verb,
)
from .lan import listen_on_lan

KEY_COLUMNS = ("id", "name", "prefix", "test", "scopes", "created_at", "last_used_at", "revoked_at")
TENANT_COLUMNS = ("id", "name", "kind", "plan", "overage", "created_at")
USER_COLUMNS = ("id", "name", "email", "role", "created_at", "last_sign_in_at", "disabled_at")


@click.command()
@click.option("--pharmacy", help="the pharmacy's name")
@click.option("--email", help="the owner's e-mail address, to sign in with")
@click.option("--plan", type=click.Choice(PLAN_NAMES), default="pro", show_default=True)
@click.option("--kind", type=click.Choice(KINDS), default="pharmacy", show_default=True)
@click.option("--listen", type=click.Choice(("local", "lan")), default="local", show_default=True)
@click.option("--password-stdin", is_flag=True, help="read the owner's password from stdin")
@as_json
@verb
def init(
    shelf: Shelf,
    pharmacy: str | None,
    email: str | None,
    plan: str,
    kind: str,
    listen: str,
    password_stdin: bool,
    as_json: bool,
) -> None:
    """Set up a new box: the pharmacy, its owner, and where it listens."""
    pharmacy = pharmacy or _ask("The pharmacy's name", password_stdin)
    email = email or _ask("Your e-mail address", password_stdin)
    password = password_from(password_stdin)
    passwords.check(password)
    owner = shelf.write(
        _init,
        pharmacy,
        email,
        plan,
        kind,
        shelf.settings.pharmacy.time_zone,
        passwords.hash_password(password),
        create=True,
    )
    address = listen_on_lan(shelf.settings) if listen == "lan" else None
    if as_json:
        show_json({"tenant_id": owner.tenant_id, "user_id": owner.id, "address": address})
        return
    click.echo(f"{pharmacy} is set up. Start it with: scriptrun-box serve")
    click.echo("With a CSV of your county's addresses: scriptrun-box geocode load FILE")
    if address:
        click.echo(f"It will listen on this network as {address}; other machines trust it with")
        click.echo(f"the certificate of its own authority, from {address}/ca.crt.")


def _init(
    w: Writer, pharmacy: str, email: str, plan: str, kind: str, time_zone: str, password: str
) -> User:
    if store.any_tenant(w):
        raise Failure("This box is already set up; see scriptrun-box tenant create.")
    return actions.create_owner(
        w,
        CLI,
        pharmacy=pharmacy,
        kind=kind,
        plan=plan,
        time_zone=time_zone,
        email=email,
        name=email.partition("@")[0],
        password=password,
    )


def _ask(question: str, not_now: bool) -> str:
    if not_now:
        raise Failure("Give --pharmacy and --email together with --password-stdin.", 2)
    answer: str = click.prompt(question)
    return answer


# keys -------------------------------------------------------------------------------------------


@click.group()
def key() -> None:
    """API keys: create, list, revoke."""


@key.command("create")
@click.option("--name", required=True, help="what the key is for")
@click.option("--test", is_flag=True, help="a sandbox key (sk_test_…)")
@click.option("--scope", "scopes", multiple=True, type=click.Choice(KEY_SCOPES))
@click.option("--network", "networks", multiple=True, help="only from this CIDR")
@click.option("--location", "location_id", help="only for this location's id")
@click.option("--rate-ingest", type=click.IntRange(1), help="requests a minute")
@click.option("--orders-per-hour", type=click.IntRange(1))
@of_tenant
@as_json
@verb
def key_create(shelf: Shelf, tenant_id: str | None, as_json: bool, **wish: Any) -> None:
    """Make a key; the key itself goes to stdout, once."""
    tenant = shelf.tenant(tenant_id)
    made = shelf.write(
        functools.partial(
            actions.create_key,
            tenant_id=tenant.id,
            actor=CLI,
            name=wish["name"],
            test=wish["test"],
            scopes=wish["scopes"] or None,
            networks=wish["networks"] or None,
            location_id=wish["location_id"],
            ingest_per_minute=wish["rate_ingest"],
            orders_per_hour=wish["orders_per_hour"],
        )
    )
    if as_json:
        show_json({**key_row(made.key), "key": made.secret})
    else:
        click.echo(made.secret)


@key.command("list")
@of_tenant
@as_json
@verb
def key_list(shelf: Shelf, tenant_id: str | None, as_json: bool) -> None:
    """List the keys, revoked ones too."""
    keys = shelf.read(store.keys, shelf.tenant(tenant_id).id)
    show_list([key_row(each) for each in keys], KEY_COLUMNS, as_json)


@key.command("revoke")
@click.argument("key_id")
@of_tenant
@as_json
@verb
def key_revoke(shelf: Shelf, key_id: str, tenant_id: str | None, as_json: bool) -> None:
    """Revoke a key at once."""
    shelf.write(actions.revoke_key, shelf.tenant(tenant_id).id, CLI, key_id)
    say({"id": key_id, "revoked": True}, "The key is revoked.", as_json)


def key_row(made: Key) -> dict[str, Any]:
    """A key as lists show it."""
    return {
        "id": made.id,
        "name": made.name,
        "prefix": made.prefix,
        "test": made.test,
        "scopes": list(made.scopes or KEY_SCOPES),
        "networks": list(made.networks) if made.networks else None,
        "created_at": iso(made.created_at),
        "last_used_at": iso_or_none(made.last_used_at),
        "revoked_at": iso_or_none(made.revoked_at),
    }


# tenants ----------------------------------------------------------------------------------------


@click.group()
def tenant() -> None:
    """Tenants: create, set, list."""


@tenant.command("create")
@click.option("--name", required=True)
@click.option("--kind", type=click.Choice(KINDS), default="pharmacy", show_default=True)
@click.option("--plan", type=click.Choice(PLAN_NAMES), default="pro", show_default=True)
@as_json
@verb
def tenant_create(shelf: Shelf, name: str, kind: str, plan: str, as_json: bool) -> None:
    """Make another tenant."""
    time_zone = shelf.settings.pharmacy.time_zone
    made = shelf.write(
        functools.partial(
            actions.create_tenant, actor=CLI, name=name, kind=kind, plan=plan, time_zone=time_zone
        ),
        create=True,
    )
    if as_json:
        show_json(tenant_row(made.tenant))
    else:
        click.echo(made.tenant.id)


@tenant.command("set")
@click.option("--plan", type=click.Choice(PLAN_NAMES))
@click.option("--overage", type=click.Choice(("on", "off")))
@of_tenant
@as_json
@verb
def tenant_set(
    shelf: Shelf, plan: str | None, overage: str | None, tenant_id: str | None, as_json: bool
) -> None:
    """Change a tenant's plan or switch its overage."""
    if plan is None and overage is None:
        raise Failure("Say what to change: --plan or --overage.", 2)
    chosen = shelf.tenant(tenant_id)
    over = None if overage is None else overage == "on"
    change = functools.partial(
        actions.update_tenant, tenant_id=chosen.id, actor=CLI, plan=plan, overage=over
    )
    shelf.write(change)
    say(tenant_row(shelf.tenant(chosen.id)), "Changed.", as_json)


@tenant.command("list")
@as_json
@verb
def tenant_list(shelf: Shelf, as_json: bool) -> None:
    """List the tenants."""
    tenants = shelf.read(store.tenants)
    show_list([tenant_row(each) for each in tenants], TENANT_COLUMNS, as_json)


def tenant_row(made: Tenant) -> dict[str, Any]:
    """A tenant as lists show it."""
    return {
        "id": made.id,
        "name": made.name,
        "kind": made.kind,
        "plan": made.plan,
        "overage": made.overage,
        "created_at": iso(made.created_at),
    }


# people -----------------------------------------------------------------------------------------


@click.group()
def user() -> None:
    """People: add, list, reset-password."""


@user.command("add")
@click.option("--email", required=True)
@click.option("--name", required=True)
@click.option("--role", type=click.Choice(ROLES), default="dispatcher", show_default=True)
@click.option("--password-stdin", is_flag=True, help="set a password now, read from stdin")
@of_tenant
@as_json
@verb
def user_add(
    shelf: Shelf,
    email: str,
    name: str,
    role: str,
    password_stdin: bool,
    tenant_id: str | None,
    as_json: bool,
) -> None:
    """Add a person; prints the end of the link with which they set their password."""
    chosen = shelf.tenant(tenant_id)
    password = None
    if password_stdin:
        text = password_from(True)
        passwords.check(text)
        password = passwords.hash_password(text)
    made, token = shelf.write(_add_user, chosen.id, email, name, role, password)
    link = None if password else link_of(token)
    say({"id": made.id, "link": link}, link or made.id, as_json)


def _add_user(
    w: Writer, tenant_id: str, email: str, name: str, role: str, password: str | None
) -> tuple[User, str]:
    made, token = actions.add_user(w, tenant_id, CLI, email=email, name=name, role=role)
    if password is not None:
        actions.set_password(w, tenant_id, CLI, made.id, password)
    return made, token


@user.command("list")
@of_tenant
@as_json
@verb
def user_list(shelf: Shelf, tenant_id: str | None, as_json: bool) -> None:
    """List the people."""
    people = shelf.read(store.users, shelf.tenant(tenant_id).id)
    show_list([user_row(each) for each in people], USER_COLUMNS, as_json)


@user.command("reset-password")
@click.argument("email")
@click.option("--password-stdin", is_flag=True, help="set it now, read from stdin")
@of_tenant
@as_json
@verb
def user_reset_password(
    shelf: Shelf, email: str, password_stdin: bool, tenant_id: str | None, as_json: bool
) -> None:
    """End a person's sessions and let them set a new password."""
    chosen = shelf.tenant(tenant_id)
    found = shelf.read(store.user_by_email, email.strip().casefold())
    if found is None or found.tenant_id != chosen.id:
        raise Failure("There is no person with this e-mail address.")
    if password_stdin:
        text = password_from(True)
        passwords.check(text)
        hashed = passwords.hash_password(text)
        shelf.write(actions.set_password, chosen.id, CLI, found.id, hashed)
        say({"id": found.id, "link": None}, "The password is set.", as_json)
    else:
        link = link_of(shelf.write(actions.reset_password, chosen.id, CLI, found.id))
        say({"id": found.id, "link": link}, link, as_json)


def link_of(token: str) -> str:
    """The end of a one-time link: the box's address goes before it."""
    return f"/link?token={token}"


def user_row(made: User) -> dict[str, Any]:
    """A person as lists show them."""
    return {
        "id": made.id,
        "name": made.name,
        "email": made.email,
        "role": made.role,
        "created_at": iso(made.created_at),
        "last_sign_in_at": iso_or_none(made.last_sign_in_at),
        "disabled_at": iso_or_none(made.disabled_at),
    }
