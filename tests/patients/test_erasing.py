"""Erasure on request: refused while something is open, complete in rows and bytes, and proven."""

import hashlib
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from scriptrun_box.kernel.db import Database, Reader, Writer
from scriptrun_box.kernel.errors import Conflict, NotFound
from scriptrun_box.kernel.scope import Actor
from scriptrun_box.packages.redaction import ERASED
from scriptrun_box.patients import erasing, store
from scriptrun_box.patients.erasing import Erasure
from tests.boxes import KEY, key_file
from tests.shared_box import LIMITS, client_of, running
from tests.world import World, build_world, header

from .pages import plain_bytes
from .people import act, audited, change, listed, order, patient, read

pytestmark = pytest.mark.anyio
OWNER = Actor("user:usr_tests")
SECRETS: dict[str, Any] = {
    "patient_name": "Ottokar Xylander",
    "patient_address": "77 Whisperwood Ter, Miami, FL 33178",
    "patient_phone": "+13057779911",
    "medications": ["hushdrugol 5 mg"],
    "notes": "beware of the zebrafinch",
    "rx_number": None,
}
STANDING: dict[str, Any] = {
    "instructions": "the quokka opens",
    "may_receive": ["Ludmilla Xylander"],
    "notes": "likes axolotls",
}
WORDS = (
    "Ottokar", "ottokar", "Xylander", "xylander", "Whisperwood", "3057779911",
    "7779911", "hushdrugol", "zebrafinch", "quokka", "Ludmilla", "axolotl",
)  # fmt: skip


async def cancel(client: httpx.AsyncClient, key: Any, package_id: str) -> None:
    answer = await client.post(f"/api/packages/{package_id}/cancel", headers=header(key))
    assert answer.status_code == 200, answer.text


async def erase(world: World, patient_id: str) -> Erasure:
    return (await world.db.write(erasing.erase, world.scope, OWNER, patient_id)).erasure


async def certificate(world: World, patient_id: str) -> Erasure:
    return await world.db.read(erasing.find, world.scope, patient_id)


def bytes_of(db: Database) -> bytes:
    """The live file and whatever log lies beside it."""
    log = Path(f"{db.path}-wal")
    return db.path.read_bytes() + (log.read_bytes() if log.exists() else b"")


def left(db: Database, words: tuple[str, ...] = WORDS, key: bytes | None = None) -> list[str]:
    held = plain_bytes(db.path, key) if key else bytes_of(db)
    return [word for word in words if word.encode() in held]


def forget_bodies(w: Writer) -> None:
    """As retention does after its days: bodies of events hold numbers and barcodes, no more."""
    with w.leaving_no_trace():
        w.run("UPDATE events SET body = NULL")


async def test_an_open_package_comes_first(
    app: Starlette, client: httpx.AsyncClient, world: World
) -> None:
    one = await patient(app, client, world.live)
    with pytest.raises(Conflict) as refused:
        await erase(world, one["id"])
    assert (refused.value.code, refused.value.details) == (
        "patient_has_packages",
        [{"packages": 1}],
    )
    assert await read(client, world.live, one["id"]) == one
    with pytest.raises(NotFound):
        await certificate(world, one["id"])


async def test_nothing_of_them_is_left_in_the_rows_or_the_bytes_and_nothing_of_others_is_lost(
    app: Starlette, client: httpx.AsyncClient, world: World
) -> None:
    named, merged = "VANISH-1", "VANISH-2"
    others = [
        await order(client, world.live, patient_name=f"Bystander {n}", external_patient_id=f"O{n}")
        for n in range(40)
    ]
    mine = []
    for n in range(30):  # among those of others, so that pages of the indexes are split
        fields = {**SECRETS, "external_patient_id": (named, merged)[n % 2], "rx_number": f"RX-K{n}"}
        mine.append(await order(client, world.live, **fields))
        await order(client, world.live, external_patient_id=f"O{n}", patient_name=f"Later {n}")
    await app.state.arrivals.catch_up()
    (one,) = await listed(client, world.live, external_patient_id=named)
    (other,) = await listed(client, world.live, external_patient_id=merged)
    await change(client, world.live, one["id"], **STANDING)
    await change(client, world.live, other["id"], **STANDING)
    await act(client, world.live, one["id"], "merge", patient_id=other["id"])
    for package_id in mine:
        await cancel(client, world.live, package_id)
    await world.db.write(forget_bodies)
    await world.db.checkpoint()
    assert set(left(world.db)) == set(WORDS), "the words can be seen in a plain file"
    was = [await shape(client, world, package_id) for package_id in (mine[0], *others)]

    made = await erase(world, one["id"])
    await app.state.erasing.tick()

    proof = await certificate(world, one["id"])
    assert proof.finished_at is not None and proof.packages == 30
    assert left(world.db, (*WORDS, named, merged)) == []
    for patient_id in (one["id"], other["id"]):
        gone = await client.get(f"/api/patients/{patient_id}", headers=header(world.live))
        assert gone.status_code == 404
    assert await listed(client, world.live, q="ottokar") == []
    found = await client.get("/api/packages?q=xylander", headers=header(world.live))
    assert found.json()["data"] == []
    now = await shape(client, world, mine[0])
    kept = ("id", "status", "rx_number", "delivery_date", "created_at", "requires_signature")
    assert {name: now[name] for name in kept} == {name: was[0][name] for name in kept}
    assert (now["patient_name"], now["patient_address"]) == (ERASED, ERASED)
    for name in ("patient_phone", "medications", "notes", "barcode", "external_patient_id"):
        assert now[name] is None, name
    assert [await shape(client, world, package_id) for package_id in others] == was[1:]
    by_rx = await client.get("/api/packages?q=RX-K0", headers=header(world.live))
    assert [each["id"] for each in by_rx.json()["data"]] == [mine[0]]
    bystanders = await client.get("/api/packages?q=bystander+7", headers=header(world.live))
    assert others[7] in [each["id"] for each in bystanders.json()["data"]]
    assert await world.db.read(search_is_whole)
    assert made.digest == digest(proof, mine)


def digest(proof: Erasure, package_ids: list[str]) -> str:
    """As the page tells people to check it."""
    shown = erasing.wire(proof)
    lines = [shown["patient_id"], shown["erased_at"], shown["erased_by"], *sorted(package_ids)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def search_is_whole(r: Reader) -> bool:
    r.connection.execute("PRAGMA integrity_check").fetchone()
    return bool(r.value("PRAGMA integrity_check") == "ok")


async def shape(client: httpx.AsyncClient, world: World, package_id: str) -> dict[str, Any]:
    answer = await client.get(f"/api/packages/{package_id}", headers=header(world.live))
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


async def test_nothing_of_them_is_left_under_the_cipher_of_an_encrypted_file(
    tmp_path: Path,
) -> None:
    folder, file = tmp_path / "data", key_file(tmp_path)
    async with running(folder, key_file=file, limits=LIMITS) as app, client_of(app) as client:
        world = await build_world(app.state.box.db)
        for n in range(30):
            await order(client, world.live, patient_name=f"Bystander {n}")
            fields = {**SECRETS, "external_patient_id": "VANISH-3", "rx_number": f"RX-E{n}"}
            await cancel(client, world.live, await order(client, world.live, **fields))
        await app.state.arrivals.catch_up()
        (one,) = await listed(client, world.live, external_patient_id="VANISH-3")
        await change(client, world.live, one["id"], **STANDING)
        await world.db.write(forget_bodies)
        assert left(world.db) == [], "the file is encrypted"
        assert set(left(world.db, key=KEY)) == set(WORDS), "and these are its pages in plain"
        await world.db.checkpoint()
        assert set(left(world.db, key=KEY)) == set(WORDS)
        await erase(world, one["id"])
        await app.state.erasing.tick()
        assert (await certificate(world, one["id"])).finished_at is not None
        assert left(world.db, (*WORDS, "VANISH-3"), KEY) == []
        assert left(world.db, ("Bystander 7",), KEY) == ["Bystander 7"]
        await app.state.box.publisher.publish()
        copied = plain_bytes(folder / "scriptrun-box.sqlite", KEY)
        assert [word for word in (*WORDS, "VANISH-3") if word.encode() in copied] == []
        assert b"Bystander 7" in copied, "the next copy, too"


async def test_the_proof_and_the_audit_hold_no_word_of_them(
    app: Starlette, client: httpx.AsyncClient, world: World
) -> None:
    one = await patient(app, client, world.live, **SECRETS)
    (package,) = (await client.get("/api/packages?q=ottokar", headers=header(world.live))).json()[
        "data"
    ]
    await cancel(client, world.live, package["id"])
    made = await erase(world, one["id"])
    assert erasing.wire(made)["erased_by"] == OWNER.id
    told = [line for line in await world.db.read(audited, one["id"]) if line[1] == OWNER.id]
    assert told == [("patient.erased", OWNER.id, {"packages": 1, "digest": made.digest})]
    moves = await client.get(f"/api/packages/{package['id']}/timeline", headers=header(world.live))
    assert [line["act"] for line in moves.json()["data"]] == ["create", "cancel", "erase"]
    with pytest.raises(NotFound):
        await erase(world, one["id"])


async def test_a_later_order_of_the_same_number_makes_a_fresh_patient(
    app: Starlette, client: httpx.AsyncClient, world: World
) -> None:
    one = await patient(app, client, world.live, **SECRETS)
    (named,) = one["external_patient_ids"]
    await change(client, world.live, one["id"], leave_at_door=True, **STANDING)
    (package,) = (
        await client.get(f"/api/packages?external_patient_id={named}", headers=header(world.live))
    ).json()["data"]
    await cancel(client, world.live, package["id"])
    await erase(world, one["id"])
    fresh = await patient(
        app, client, world.live, external_patient_id=named, patient_name="Comes Back"
    )
    assert fresh["id"] != one["id"] and fresh["name"] == "Comes Back"
    assert (fresh["leave_at_door"], fresh["instructions"], fresh["version"]) == (False, None, 1)
    again = await world.db.read(store.get, world.scope, fresh["id"])
    assert again is not None
    theirs = await world.db.read(store.packages_of, again, [named], None, 10)
    assert [each.content.patient_name for each in theirs] == ["Comes Back"]


async def test_where_a_reader_holds_the_log_up_the_next_beat_finishes(
    app: Starlette, client: httpx.AsyncClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await patient(app, client, world.live, **SECRETS)
    named = one["external_patient_ids"][0]
    (package,) = (
        await client.get(f"/api/packages?external_patient_id={named}", headers=header(world.live))
    ).json()["data"]
    await cancel(client, world.live, package["id"])
    await erase(world, one["id"])
    with monkeypatch.context() as patched:
        patched.setattr(Database, "checkpoint", _held_up)
        await app.state.erasing.tick()
    assert (await certificate(world, one["id"])).finished_at is None
    await app.state.erasing.tick()
    assert (await certificate(world, one["id"])).finished_at is not None


async def _held_up(_: Database) -> bool:
    return False
