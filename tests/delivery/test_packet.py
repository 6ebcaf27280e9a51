"""Packets for auditors: what is in one, what verify.py finds, who may have it, what is left."""

import asyncio
import io
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette

from scriptrun_box.delivery.model import Payment
from scriptrun_box.delivery.packet import actions, drawing, records, store, verify
from scriptrun_box.delivery.packet.model import KEPT_MS, PACKAGES_MAX, Packet
from scriptrun_box.kernel import audit, clock
from scriptrun_box.kernel.db import Database, Reader
from scriptrun_box.kernel.errors import Conflict, DiskFull, Invalid, NotFound
from scriptrun_box.kernel.scope import CLI, Scope
from scriptrun_box.packages import redaction
from scriptrun_box.packages import store as packages
from scriptrun_box.patients import actions as arrivals
from scriptrun_box.patients import store as patients
from tests.pushing import push
from tests.shared_box import running
from tests.world import World, build_world, cookie

from .doors import SEEN, at_door, hand_over, out

pytestmark = pytest.mark.anyio
SECONDS = 20.0


async def delivered(client: httpx.AsyncClient, world: World, **order: Any) -> str:
    """The id of a package that Luis handed over, with a copay and an ID."""
    package_id = await out(client, world.db, world.scope, world.live, **order)
    paid = {package_id: [Payment("check", 1250, check_number="1042")]}
    await world.db.write(hand_over, world.scope, [package_id], at_door(), to=SEEN, paid=paid)
    return package_id


async def settled(db: Database, scope: Scope, packet: Packet) -> Packet:
    """The packet, once it is made or failed."""
    async with asyncio.timeout(SECONDS):
        while True:
            now = await db.read(actions.find, scope, packet.id)
            if now.state not in ("queued", "working"):
                return now
            await asyncio.sleep(0.02)


async def asked(world: World, *package_ids: str) -> Packet:
    """A packet of these packages that is ready."""
    made = await world.db.write(actions._ask, world.scope, CLI, "rx", package_ids)
    made = await settled(world.db, world.scope, made)
    assert made.state == "ready"
    return made


async def fetched(client: httpx.AsyncClient, world: World, packet: Packet) -> bytes:
    path = f"/packets/{packet.id}/packet.zip"
    answer = await client.get(path, headers=cookie_header(world, "pharmacist"))
    assert answer.status_code == 200, answer.text
    assert int(answer.headers["content-length"]) == len(answer.content)
    return answer.content


def cookie_header(world: World, who: str) -> dict[str, str]:
    return {"cookie": "; ".join(f"{k}={v}" for k, v in cookie(world, who).items())}


def run_verify(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """As somebody runs it who has nothing but Python."""
    command = [sys.executable, "-I", "-S", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
async def packed(
    app: Starlette, client: httpx.AsyncClient, world: World, tmp_path_factory: Any
) -> tuple[Path, Packet, list[str]]:
    """A packet of three packages, unpacked; where, its row, and the packages."""
    order = {"rx_number": "RX-77001", "fill_date": "2026-04-18", "fill_number": "2"}
    one = await delivered(client, world, **order, copay_amount=12.5)
    two = await delivered(client, world, rx_number="RX-77002", patient_name="Zoë <b>Núñez</b>")
    (three,) = await push(client, world.live, {"rx_number": "RX-77003"})
    made = await asked(world, one, two, three)
    folder: Path = tmp_path_factory.mktemp("packet")
    with zipfile.ZipFile(io.BytesIO(await fetched(client, world, made))) as packet:
        packet.extractall(folder / "packet")
    return folder / "packet", made, [one, two, three]


Packed = tuple[Path, Packet, list[str]]


def record_of(folder: Path, package_id: str) -> Any:
    (path,) = folder.glob(f"records/*-{package_id}.json")
    return json.loads(path.read_text("utf-8"))


# What is in one -----------------------------------------------------------------------------------


async def test_a_packet_is_whole_and_says_the_digest_that_the_box_keeps(packed: Packed) -> None:
    folder, made, _ = packed
    done = run_verify("verify.py", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"Digest {made.digest}" in done.stdout


async def test_a_record_has_the_order_the_door_the_money_and_who_looked(packed: Packed) -> None:
    folder, _, (one, _, three) = packed
    record = record_of(folder, one)
    assert record["package"]["rx_number"] == "RX-77001"
    (attempt,) = record["attempts"]
    assert attempt["recipient"] == "Maria Rodriguez" and attempt["acted_at"].endswith("Z")
    assert attempt["id_last_four"] and "id_number" not in attempt
    assert (folder / attempt["signature_file"]).read_bytes() == b"a drawn name"
    assert record["payments"][0] | {"cents": 1250, "check_number": "1042"} == record["payments"][0]
    acts = [move["act"] for move in record["timeline"]]
    assert acts[0] == "create" and acts[-1] == "deliver"
    assert {each["act"] for each in record["audit"]} > {"package.deliver"}
    assert "attempts" not in record_of(folder, three)


async def test_the_whole_number_of_an_id_is_in_no_file(packed: Packed) -> None:
    folder, _, _ = packed
    assert SEEN.identification is not None
    number = SEEN.identification.number.encode()
    assert not any(number in path.read_bytes() for path in folder.rglob("*.*"))


async def test_the_log_has_the_columns_payers_ask_for_and_no_markup_of_others(
    packed: Packed,
) -> None:
    folder, _, _ = packed
    page = (folder / "summary.html").read_text("utf-8")
    for word in ("RX-77001", "2026-04-18, fill 2", "Date delivered", "ending in", "$12.50 due"):
        assert word in page
    assert "Zoë &lt;b&gt;Núñez" in page and "<b>Núñez" not in page
    assert page.count("not delivered (created)") == 1
    assert page.count("<img ") == 2


async def test_the_acts_are_rows_of_the_boxs_own_chain(packed: Packed, world: World) -> None:
    folder, _, _ = packed
    lines = (folder / "audit.jsonl").read_text("utf-8").splitlines()
    known = {row["seq"]: row["hash"] for row in await world.db.read(lambda r: list(audit.rows(r)))}
    assert lines and all(
        known[json.loads(line)["seq"]] == json.loads(line)["hash"] for line in lines
    )


# What verify.py finds -----------------------------------------------------------------------------


def names_in(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def files_of(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in names_in(folder)}


def told(files: dict[str, bytes]) -> list[str]:
    return list(verify.problems({name: (lambda body=body: body) for name, body in files.items()}))  # type: ignore[misc]


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
async def test_a_changed_byte_in_any_file_is_found_and_only_that_file_named(
    packed: Packed, data: Any
) -> None:
    files = files_of(packed[0])
    assert told(files) == []
    name = data.draw(st.sampled_from(sorted(files)))
    at = data.draw(st.integers(0, len(files[name]) - 1))
    body = bytearray(files[name])
    body[at] ^= data.draw(st.integers(1, 255))
    found = told(files | {name: bytes(body)})
    assert found and all(each.startswith(f"{name}: ") for each in found)


async def test_each_file_in_turn_changed_missing_or_added_is_named(
    packed: Packed, tmp_path: Path
) -> None:
    folder, _, (one, *_) = packed
    copy, program = tmp_path / "copy", tmp_path / "verify.py"
    shutil.copytree(folder, copy)
    shutil.copy(folder / "verify.py", program)
    for name in names_in(folder):
        whole = (copy / name).read_bytes()
        (copy / name).write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        # A changed program proves nothing: the one that runs is the pharmacy's.
        with zipfile.ZipFile(tmp_path / "changed.zip", "w") as packet:
            for each in names_in(copy):
                packet.write(copy / each, each)
        done = run_verify(str(program), "changed.zip", cwd=tmp_path)
        assert done.returncode == 1 and done.stdout.startswith(f"{name}: "), (name, done)
        (copy / name).write_bytes(whole)
    (record,) = copy.glob(f"records/*-{one}.json")
    record.write_bytes(record.read_bytes().replace(b"RX-77001", b"RX-77009"))
    (copy / "notes.txt").write_text("mine")
    (copy / "summary.html").unlink()
    done = run_verify("verify.py", cwd=copy)
    assert done.returncode == 1
    assert f"It is the record of package {one}, Rx RX-77001." in done.stdout
    assert "notes.txt: added." in done.stdout and "summary.html: missing." in done.stdout


async def test_a_changed_row_of_the_audit_is_named_by_its_number(packed: Packed) -> None:
    files = files_of(packed[0])
    row = json.loads(files["audit.jsonl"].splitlines()[1])
    changed = files["audit.jsonl"].replace(row["hash"].encode(), b"0" * 64, 1)
    found = told(files | {"audit.jsonl": changed})
    assert any(f"row {row['seq']} (line 2) was changed" in each for each in found)


async def test_a_broken_zip_is_said_to_be_no_packet(packed: Packed, tmp_path: Path) -> None:
    (tmp_path / "packet.zip").write_bytes(b"PK\x03\x04 and nothing more")
    done = run_verify(str(packed[0] / "verify.py"), "packet.zip", cwd=tmp_path)
    assert done.returncode == 1 and "no packet" in done.stdout


# Asking for one -----------------------------------------------------------------------------------


async def test_a_payers_list_finds_its_fills_and_says_which_lines_have_none(
    packed: Packed, world: World
) -> None:
    _, _, (one, _, three) = packed

    def ask(text: str, leave_out: bool = False) -> Any:
        return world.db.write(actions.ask_for_rx, world.scope, CLI, text, leave_out)

    made = await ask("RX-77001, 2026-04-18\n\nRX-77003\n")
    assert made.package_ids == (one, three)
    with pytest.raises(Invalid) as refused:
        await ask("RX-77001 2026-04-01\nRX-77003\nRX-NOPE")
    assert "see lines 1, 3." in refused.value.sentence
    made = await ask("RX-77003\nRX-NOPE", leave_out=True)
    assert made.package_ids == (three,)
    for text in ("", "RX-1 yesterday", "RX-1 2026-04-18 3", "RX-NOPE"):
        with pytest.raises(Invalid):
            await ask(text, leave_out=True)


async def test_dates_and_patients_find_theirs_and_strangers_nothing(
    client: httpx.AsyncClient, world: World
) -> None:
    far = clock.local_date(clock.now_ms() + 400 * clock.DAY_MS, "UTC")
    order = {"delivery_date": far, "external_patient_id": "PMS-31"}
    first, second = await push(client, world.live, order, {**order, "rx_number": "RX-31"})
    day = (far, far)
    made = await world.db.write(actions.ask_for_dates, world.scope, CLI, *day)
    assert made.package_ids == (first, second)
    await world.db.write(arrivals.know, 0, PACKAGES_MAX)
    package = (await world.db.read(packages.these, world.scope, [first]))[0]
    patient = await world.db.read(patients.for_package, package)
    assert patient is not None
    made = await world.db.write(actions.ask_for_patient, world.scope, CLI, patient.id)
    assert made.package_ids == (first, second)
    stranger = Scope(world.elsewhere.tenant.id)
    for ask in (
        lambda w: actions.ask_for_dates(w, stranger, CLI, *day),
        lambda w: actions.ask_for_package(w, stranger, CLI, first),
        lambda w: actions.ask_for_rx(w, stranger, CLI, "RX-31", True),
        lambda w: actions.ask_for_patient(w, stranger, CLI, patient.id),
        lambda w: actions.again(w, stranger, CLI, made.id),
        lambda w: actions.fetch(w, stranger, CLI, made.id),
    ):
        with pytest.raises((Conflict, NotFound, Invalid)):
            await world.db.write(ask)
    for wrong in (("2031-05-07", "2031-05-06"), ("", ""), ("2031-02-30", "2031-03-01")):
        with pytest.raises(Invalid):
            await world.db.write(actions.ask_for_dates, world.scope, CLI, *wrong)
    many = [str(number) for number in range(PACKAGES_MAX + 1)]
    with pytest.raises(Conflict, match="packet_too_large"):
        await world.db.write(actions._ask, world.scope, CLI, "dates", many)


async def test_an_erased_patient_appears_as_erased_with_the_proof_that_is_kept(
    client: httpx.AsyncClient, world: World
) -> None:
    package_id = await delivered(client, world, patient_name="Quentin Vanish", rx_number="RX-9")
    found = await world.db.read(packages.these, world.scope, [package_id])
    await world.db.write(redaction.redact, world.scope, CLI, found)
    raw = await fetched(client, world, await asked(world, package_id))
    with zipfile.ZipFile(io.BytesIO(raw)) as packet:
        texts = {name: packet.read(name) for name in packet.namelist()}
    assert not any(b"Vanish" in body for body in texts.values())
    assert b"Erased on request" in texts["summary.html"] and b"RX-9" in texts["summary.html"]


# What stays ---------------------------------------------------------------------------------------


async def test_making_and_downloading_one_is_in_the_audit_of_each_package(
    packed: Packed, world: World
) -> None:
    _, made, (one, *_) = packed
    about = await world.db.read(audit.about, world.scope.tenant_id, [made.id])
    assert [each["act"] for each in about][:2] == ["packet.asked", "packet.made"]
    last = about[-1]
    assert last["act"] == "packet.downloaded" and last["actor"] == f"user:{world.pharmacist.id}"
    assert made.digest in about[1]["detail"]
    acts = await world.db.read(audit.about, world.scope.tenant_id, [one])
    assert any(a["act"] == "package.in_packet" and made.id in a["detail"] for a in acts)
    assert await world.db.read(audit.verify) is None


async def test_its_file_is_noise_for_its_owner_alone(packed: Packed, app: Starlette) -> None:
    _, made, _ = packed
    path = app.state.packets._sealed[made.id].path
    assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700
    raw = path.read_bytes()
    assert len(raw) == made.bytes and b"manifest" not in raw and not raw.startswith(b"PK")


async def test_the_log_is_drawn_as_pdf_where_the_extra_is_there(packed: Packed) -> None:
    folder, _, _ = packed
    assert drawing.can_draw()
    assert (folder / "summary.pdf").read_bytes().startswith(b"%PDF-")


async def test_without_the_extra_it_has_the_page_alone(
    client: httpx.AsyncClient, world: World, packed: Packed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawing, "can_draw", lambda: False)
    raw = await fetched(client, world, await asked(world, packed[2][0]))
    with zipfile.ZipFile(io.BytesIO(raw)) as packet:
        assert "summary.html" in packet.namelist() and "summary.pdf" not in packet.namelist()


async def test_after_an_hour_and_after_a_restart_nothing_of_it_is_left(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    async with running(folder) as app:
        world = await build_world(app.state.box.db)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8787"
        ) as client:
            (one,) = await push(client, world.live, {})
            first, second = await asked(world, one), await asked(world, one)
            kept = folder / "live" / "packets"
            assert len(list(kept.iterdir())) == 2
            await world.db.write(_age, first)
            await app.state.packets.tick()
            assert [path.stem for path in kept.iterdir()] == [second.id]
            gone = await client.get(
                f"/packets/{first.id}/packet.zip", headers=cookie_header(world, "owner")
            )
            assert gone.status_code == 409 and gone.json()["code"] == "packet_not_ready"
            cut = await world.db.write(actions._ask, world.scope, CLI, "rx", [one])
    assert not kept.exists()
    async with running(folder) as app:
        db = app.state.box.db
        assert (await db.read(actions.find, world.scope, second.id)).state == "gone"
        assert (await settled(db, world.scope, cut)).state == "ready"


def _age(w: Any, packet: Packet) -> None:
    store.move(w, packet, "ready", finished_at=w.now - KEPT_MS)


async def test_a_full_disk_fails_a_packet_in_words_and_the_next_one_is_made(
    world: World, packed: Packed, app: Starlette, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.state.box.disk, "is_low", lambda: True)
    made = await world.db.write(actions._ask, world.scope, CLI, "rx", packed[2])
    failed = await settled(world.db, world.scope, made)
    assert (failed.state, failed.reason) == ("failed", "disk_full")
    monkeypatch.undo()
    again = await world.db.write(actions.again, world.scope, CLI, failed.id)
    assert (await settled(world.db, world.scope, again)).state == "ready"


async def test_a_packet_whose_end_could_not_be_written_is_made_at_the_next_beat(
    world: World, packed: Packed, app: Starlette, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise DiskFull

    monkeypatch.setattr(actions, "finish", refuse)
    monkeypatch.setattr(actions, "fail", refuse)
    made = await world.db.write(actions._ask, world.scope, CLI, "rx", packed[2])
    async with asyncio.timeout(SECONDS):
        while not app.state.packets._task.done():
            await asyncio.sleep(0.02)
    assert (await world.db.read(actions.find, world.scope, made.id)).state == "working"
    monkeypatch.undo()
    await app.state.packets.tick()
    assert (await settled(world.db, world.scope, made)).state == "ready"


async def test_a_slice_adds_its_section_in_one_line(
    world: World, packed: Packed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def temperatures(r: Reader, package: Any) -> Any:
        return {"degrees": [2.0, 8.0]} if package.id == packed[2][0] else None

    monkeypatch.setitem(records.SECTIONS, "cold", temperatures)
    sheets = await world.db.read(records.gather, world.scope, packed[2], 1)
    assert ["cold" in sheet.record for sheet in sheets] == [True, False, False]
