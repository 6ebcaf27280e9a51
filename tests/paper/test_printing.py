"""Labels to a printer's port: what arrives, what goes wrong, and that it holds up nobody else."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

from scriptrun_box.kernel.addresses import AddressRefused, find_local
from scriptrun_box.kernel.db import Database
from scriptrun_box.kernel.errors import Conflict, Invalid, NotFound
from scriptrun_box.kernel.resolver import Resolver
from scriptrun_box.kernel.scope import CLI, Scope
from scriptrun_box.packages import actions as packages
from scriptrun_box.paper import actions, store
from scriptrun_box.paper.model import REASON_WORDS, Job
from scriptrun_box.paper.spooler import Spooler
from tests.drivers.people import audited, parcel
from tests.shared_box import LIMITS, client_of, running
from tests.world import World, build_world

from .printers import FakePrinter, break_after, hang, printing, read_all, unused_port
from .reading import fields_of

pytestmark = pytest.mark.anyio
LOOPBACK = {"allow_networks": ["127.0.0.0/8"]}
NETWORKS = (ip_network("127.0.0.0/8"),)


class Desk:
    """A box with printers and packages."""

    def __init__(self, app: Starlette, world: World, parcel: Callable[..., Awaitable[str]]) -> None:
        self.app = app
        self.world = world
        self.parcel = parcel
        self.db: Database = app.state.box.db

    @property
    def scope(self) -> Scope:
        return self.world.scope

    async def printer(self, port: int, dpi: int = 203) -> str:
        return await self.db.write(
            lambda w: (
                actions.add_printer(
                    w, self.scope.tenant_id, CLI, name="Front", host="127.0.0.1", port=port, dpi=dpi
                ).id
            )
        )

    async def move(self, printer_id: str, port: int) -> None:
        """The printer is somewhere else now."""
        change = actions.change_printer
        wish = {"name": "Front", "host": "127.0.0.1", "port": port, "dpi": 203}
        await self.db.write(
            lambda w: change(w, self.scope.tenant_id, CLI, printer_id, **wish)  # type: ignore[arg-type]
        )

    async def print(self, printer_id: str, *package_ids: str) -> Job:
        return await self.db.write(
            actions.print_labels, self.scope, CLI, printer_id, list(package_ids)
        )

    async def act(self, what: Any, job: Job) -> Job:
        made: Job = await self.db.write(what, self.scope, CLI, job.id)
        return made

    async def until(self, job: Job, *states: str) -> Job:
        """Wait until the job is in one of these states."""
        async with asyncio.timeout(10):
            while True:
                found = await self.db.read(store.job, self.scope, job.id)
                assert found is not None
                if found.state in states:
                    return found
                await asyncio.sleep(0.01)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with running(tmp_path / "data", limits=LIMITS, printers=LOOPBACK) as app:
        app.state.spooler._label_seconds = 0.3
        async with client_of(app) as client:
            world = await build_world(app.state.box.db)

            async def made(**fields: Any) -> str:
                return await parcel(client, world.live, **fields)

            yield Desk(app, world, made)


@asynccontextmanager
async def ready(desk: Desk, manners: Any = read_all) -> AsyncIterator[tuple[FakePrinter, str]]:
    """A printer and its id."""
    async with printing(manners) as printer:
        yield printer, await desk.printer(printer.port)


async def test_labels_arrive_in_the_order_they_were_asked_for(desk: Desk) -> None:
    names = ("Zoe", "Ann", "Mia")
    made = [await desk.parcel(patient_name=name) for name in names]
    async with ready(desk) as (printer, printer_id):
        job = await desk.until(await desk.print(printer_id, *made), "done")
        assert (job.sent, job.labels, job.attempts, job.reason) == (3, 3, 1, None)
        said = [[field.text for field in fields_of(each)] for each in printer.labels]
        assert [name in texts for name, texts in zip(names, said, strict=True)] == [True] * 3
        acts = [act for act, _, _ in await desk.db.read(audited, job.id)]
        assert acts == ["print_job.queued", "print_job.done"]


async def test_a_test_label_is_sent_in_the_printers_resolution(desk: Desk) -> None:
    async with printing() as printer:
        printer_id = await desk.printer(printer.port, dpi=300)
        job = await desk.db.write(actions.print_test, desk.scope, CLI, printer_id)
        await desk.until(job, "done")
        (label,) = printer.labels
        assert b"^PW1200" in label and b"TEST LABEL" in label


async def test_a_printer_that_is_off_says_so_and_what_it_missed_is_sent_on_later(
    desk: Desk,
) -> None:
    package_id = await desk.parcel()
    port = unused_port()
    printer_id = await desk.printer(port)
    job = await desk.until(await desk.print(printer_id, package_id), "failed")
    assert (job.reason, job.sent) == ("refused", 0)
    async with printing() as printer:
        await desk.move(printer_id, printer.port)
        await desk.until(await desk.act(actions.retry, job), "done")
        assert len(printer.labels) == 1


async def test_a_printer_that_hangs_fails_its_job_and_holds_up_no_other_printer(
    desk: Desk,
) -> None:
    made = [await desk.parcel(patient_name=f"Person {n}", notes="x" * 900) for n in range(60)]
    async with ready(desk, hang) as (stuck, stuck_id), ready(desk) as (printer, printer_id):
        slow = await desk.print(stuck_id, *made)
        job = await desk.until(await desk.print(printer_id, *made[:2]), "done")
        assert job.sent == 2
        slow = await desk.until(slow, "failed")
        assert slow.reason == "stalled"
        assert slow.sent < 60, "what the machines' own buffers took counts as sent"
        assert stuck.got == [bytearray()] and len(printer.labels) == 2


async def test_a_job_that_broke_off_is_sent_on_from_where_it_was(desk: Desk) -> None:
    made = [await desk.parcel(patient_name=f"Person {n}") for n in range(40)]
    async with ready(desk, break_after(3)) as (printer, printer_id):
        job = await desk.until(await desk.print(printer_id, *made), "failed")
        assert job.reason == "closed"
        assert 3 <= job.sent < 40
        printer.manners = read_all
        job = await desk.until(await desk.act(actions.retry, job), "done")
        assert (job.sent, job.attempts) == (40, 2)
        acts = {act: detail for act, _, detail in await desk.db.read(audited, job.id)}
        rest = 40 - acts["print_job.failed"]["sent"]
        assert printer.got[1].count(b"^XZ") == rest, "only the rest came the second time"


async def test_a_job_can_be_stopped_while_its_printer_is_busy(desk: Desk) -> None:
    desk.app.state.spooler._label_seconds = 30
    made = [await desk.parcel(patient_name=f"Person {n}") for n in range(40)]
    async with ready(desk, hang) as (_, printer_id):
        job = await desk.until(await desk.print(printer_id, *made), "sending")
        await desk.act(actions.cancel, job)
        again = await desk.print(printer_id, made[0])
        assert (await desk.until(job, "cancelled")).finished_at is not None
        assert (await desk.until(again, "sending", "failed", "done")).id == again.id


async def test_all_of_a_job_can_be_printed_again(desk: Desk) -> None:
    package_id = await desk.parcel()
    async with ready(desk) as (printer, printer_id):
        job = await desk.until(await desk.print(printer_id, package_id), "done")
        with pytest.raises(Conflict):
            await desk.act(actions.retry, job)
        with pytest.raises(Conflict):
            await desk.act(actions.cancel, job)
        await desk.until(await desk.act(actions.again, job), "done")
        assert len(printer.labels) == 2


async def test_a_package_that_ended_meanwhile_is_left_out(desk: Desk) -> None:
    stays, ends = await desk.parcel(patient_name="Stays"), await desk.parcel(patient_name="Ends")
    printer_id = await desk.printer(unused_port())
    job = await desk.until(await desk.print(printer_id, ends, stays), "failed")
    await desk.db.write(packages.cancel, desk.scope, CLI, ends, "other")
    async with printing() as printer:
        await desk.move(printer_id, printer.port)
        await desk.until(await desk.act(actions.retry, job), "done")
        assert len(printer.labels) == 1 and b"Stays" in printer.labels[0]
    await desk.db.write(packages.cancel, desk.scope, CLI, stays, "other")
    with pytest.raises(Conflict) as refused:
        await desk.act(actions.again, job)
    assert refused.value.code == "label_not_allowed"


async def test_what_waited_too_long_is_not_printed_by_surprise(desk: Desk) -> None:
    async with ready(desk) as (printer, printer_id):
        desk.app.state.spooler._stopping = True
        job = await desk.print(printer_id, await desk.parcel())
        await desk.db.write(
            lambda w: store.set_job(w, job, "queued", queued_at=w.now - actions.WAITS_MS - 1)
        )
        desk.app.state.spooler._stopping = False
        await desk.app.state.spooler.tick()
        assert (await desk.until(job, "failed", "done")).reason == "too_old"
        assert printer.got == []


async def test_what_a_stop_cut_short_is_said_to_have_failed_and_what_waits_is_sent(
    desk: Desk,
) -> None:
    desk.app.state.spooler._label_seconds = 30
    made = [await desk.parcel(patient_name=f"Person {n}") for n in range(40)]
    async with ready(desk, hang) as (printer, printer_id):
        cut = await desk.until(await desk.print(printer_id, *made), "sending")
        waits = await desk.print(printer_id, made[0])
        await desk.app.state.spooler.stop()
        assert (await desk.until(cut, "failed")).reason == "interrupted"
        printer.manners = read_all
        again = Spooler(desk.db, NETWORKS, frozenset())
        await again.start()
        try:
            await desk.until(waits, "done")
        finally:
            await again.stop()


async def test_a_removed_printer_gets_nothing_more(desk: Desk) -> None:
    desk.app.state.spooler._stopping = True
    printer_id = await desk.printer(unused_port())
    job = await desk.print(printer_id, await desk.parcel())
    await desk.db.write(actions.remove_printer, desk.scope.tenant_id, CLI, printer_id)
    assert (await desk.until(job, "failed")).reason == "removed"
    with pytest.raises(NotFound):
        await desk.print(printer_id, await desk.parcel())
    with pytest.raises(NotFound):
        await desk.act(actions.retry, job)


async def test_no_job_holds_a_patients_data(desk: Desk) -> None:
    desk.app.state.spooler._stopping = True
    package_id = await desk.parcel(patient_name="Zzcanary Zzname")
    await desk.print(await desk.printer(unused_port()), package_id)
    rows = await desk.db.read(lambda r: [tuple(row) for row in r.all("SELECT * FROM print_jobs")])
    assert "Zzcanary" not in repr(rows)


def test_every_reason_has_words() -> None:
    assert all(words.endswith((".", "?")) for words in REASON_WORDS.values())


@pytest.mark.parametrize(
    "host",
    [
        "8.8.8.8", "169.254.169.254", "100.100.100.200", "fd00:ec2::254", "::ffff:10.0.0.1",
        "0.0.0.0", "224.0.0.1", "64:ff9b::a00:1", "fe80::1", "127.0.0.1", "[::1]", "10.1",
        "0x7f.1", "user@10.0.0.1", "10.0.0.1/24", "", "a b",
    ],
)  # fmt: skip
async def test_a_printer_is_only_on_the_local_network(host: str) -> None:
    with pytest.raises(AddressRefused):
        await find_local(host, (), (), 9100, Resolver(lambda name: ["8.8.8.8"]))


@pytest.mark.parametrize("host", ["10.0.0.5", "192.168.1.50", "172.16.0.9", "fd12::5", "[fd12::5]"])
async def test_private_addresses_are_where_printers_are(host: str) -> None:
    (address,) = await find_local(host, (), (), 9100, Resolver())
    assert str(address) == host.strip("[]")


async def test_a_name_that_leads_outside_as_well_is_refused_and_one_that_leads_inside_is_not() -> (
    None
):
    inside = Resolver(lambda name: ["192.168.1.50"])
    assert len(await find_local("zebra.local", (), (), 9100, inside)) == 1
    both = Resolver(lambda name: ["192.168.1.50", "8.8.8.8"])
    with pytest.raises(AddressRefused):
        await find_local("zebra.local", (), (), 9100, both)


async def test_the_box_prints_to_no_port_of_its_own() -> None:
    with pytest.raises(AddressRefused) as refused:
        await find_local("127.0.0.1", NETWORKS, (8787,), 8787, Resolver())
    assert refused.value.code == "own_address"


@pytest.mark.parametrize("port", [0, 22, 80, 515, 6379, 5432, 70_000])
def test_ports_of_other_servers_are_refused(port: int) -> None:
    with pytest.raises(Invalid):
        actions.check("Front", port, 203)


@pytest.mark.parametrize("port", [9100, 9101, 6101])
def test_ports_of_label_printers_are_taken(port: int) -> None:
    actions.check("Front", port, 203)
