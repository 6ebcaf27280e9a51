"""Packages on their way to a door, and what can happen there."""

import io
from typing import Any

import httpx
from PIL import Image

from scriptrun_box.accounts.actions import NewKey
from scriptrun_box.delivery import door
from scriptrun_box.delivery.model import (
    AtTheDoor,
    Handed,
    Identification,
    Payment,
    Picture,
    Recipient,
    Signature,
    Stood,
)
from scriptrun_box.kernel import ids
from scriptrun_box.kernel.db import Writer
from scriptrun_box.kernel.links import Links
from scriptrun_box.kernel.scope import Actor, Scope
from scriptrun_box.packages import actions as packages
from tests.pushing import push

LINKS = Links("http://127.0.0.1:8787", "a secret of tests")
LUIS, DRIVER = "drv_luis", Actor("driver:drv_luis")
ACTED_AT = 1_776_710_517_000  # 2026-04-20T18:41:57Z
STROKES = [[[0.0, 0.0], [40.0, 20.0], [80.0, 0.0]], [[10.0, 30.0], [60.0, 30.0]]]
SIGNED = Signature("[[[0,0],[80,20]]]", Picture("image/png", b"a drawn name"))
MARIA = Recipient("Maria Rodriguez", "patient")
SEEN = Recipient("Maria Rodriguez", "patient", Identification("06", "FL", "R362-540-77-123-0"))


def at_door(**more: Any) -> AtTheDoor:
    """An act of Luis at a door, with an id of its own."""
    wish: dict[str, Any] = {"place": Stood(25.8612, -80.2983, 8.0), **more}
    return AtTheDoor(ids.hex_id(), LUIS, ACTED_AT, ACTED_AT + 1_500, ACTED_AT + 60_000, **wish)


async def out(client: httpx.AsyncClient, db: Any, scope: Scope, key: NewKey, **order: Any) -> str:
    """The id of a new package that Luis has with him."""
    (package_id,) = await push(client, key, {"barcode": ids.hex_id(), **order})
    await db.write(_send_out, scope, package_id)
    return package_id


def _send_out(w: Writer, scope: Scope, package_id: str) -> None:
    packages.move_on(w, scope, DRIVER, package_id, "assign", driver_id=LUIS)
    gates = ["packed_at", "released_at", "handed_over_at"]
    packages.set_gates(w, scope, DRIVER, packages.find(w, scope, package_id), gates)
    packages.move_on(w, scope, DRIVER, package_id, "start")
    left = ACTED_AT - 60 * 60 * 1_000
    w.run("UPDATE package_moves SET at = ? WHERE package_id = ?", (left, package_id))


def hand_over(
    w: Writer,
    scope: Scope,
    package_ids: list[str],
    at: AtTheDoor,
    *,
    to: Recipient | None = MARIA,
    signature: Signature | None = SIGNED,
    paid: dict[str, list[Payment]] | None = None,
    whole_ids: bool = False,
) -> door.Outcomes:
    """Luis hands packages to a person."""
    handed = Handed("to_person", to, signature)
    return door.deliver(
        w, scope, DRIVER, package_ids, at, handed, paid or {}, LINKS, whole_ids=whole_ids
    )


def leave(w: Writer, scope: Scope, package_ids: list[str], at: AtTheDoor) -> door.Outcomes:
    """Luis leaves packages at the door."""
    handed = Handed("left_at_door")
    return door.deliver(w, scope, DRIVER, package_ids, at, handed, {}, LINKS, whole_ids=False)


def photo(width: int = 64, height: int = 48, type: str = "JPEG", **more: Any) -> bytes:
    """A picture as a camera makes one."""
    out = io.BytesIO()
    Image.radial_gradient("L").resize((width, height)).convert("RGB").save(out, type, **more)
    return out.getvalue()
