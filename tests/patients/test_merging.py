"""POST …/merge and …/split: by hand, both ways, and no number ever without its one patient."""

import itertools
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette

from scriptrun_box.accounts import actions as accounts
from scriptrun_box.kernel import migrate
from scriptrun_box.kernel.connection import connect_writer
from scriptrun_box.kernel.db import Writer
from scriptrun_box.kernel.errors import Refusal
from scriptrun_box.kernel.scope import CLI, Scope
from scriptrun_box.orders.reading import Places, read_order
from scriptrun_box.packages import actions as packages
from scriptrun_box.packages import store as package_store
from scriptrun_box.patients import actions, store
from scriptrun_box.patients.model import Consent, Patient, Profile, both, may_leave_at_door
from tests.world import ORDER, World

from .people import act, audited, change, listed, patient, read

pytestmark = pytest.mark.anyio


async def test_two_become_one_and_two_again_with_their_own_words(
    app: Starlette, client: httpx.AsyncClient, world: World
) -> None:
    one, other = [await patient(app, client, world.live) for _ in range(2)]
    (own,), (theirs,) = one["external_patient_ids"], other["external_patient_ids"]
    await change(client, world.live, one["id"], instructions="Ring", leave_at_door=True)
    await change(client, world.live, other["id"], instructions="Knock", language="es")
    merged = (await act(client, world.live, one["id"], "merge", patient_id=other["id"])).json()
    assert merged["id"] == one["id"] and merged["external_patient_ids"] == [own, theirs]
    assert (merged["instructions"], merged["language"]) == ("Ring", "es")
    assert merged["leave_at_door"] is False, "the other one did not allow it"
    again = await act(client, world.live, one["id"], "merge", patient_id=other["id"])
    assert again.json() == merged, "it is so already"
    assert await read(client, world.live, other["id"]) == merged, "also by the old id"
    assert [
        each["id"] for each in await listed(client, world.live, external_patient_id=theirs)
    ] == [one["id"]]
    late = await change(client, world.live, other["id"], notes="to nobody")
    assert (late.status_code, late.json()["code"]) == (409, "patient_merged")
    assert late.json()["details"] == [{"patient_id": one["id"]}]
    apart = await act(client, world.live, one["id"], "split", external_patient_id=theirs)
    back = apart.json()
    assert (back["id"], back["external_patient_ids"]) == (other["id"], [theirs])
    assert (back["instructions"], back["language"]) == ("Knock", "es")
    assert (await read(client, world.live, one["id"]))["external_patient_ids"] == [own]
    told = [line for line in await world.db.read(audited, one["id"]) if line[0] != "patient.read"]
    assert [(name, detail) for name, _, detail in told[1:]] == [
        ("patient.merged", {"other": other["id"]}),
        ("patient.split", {"other": other["id"]}),
    ]


async def test_what_cannot_be_merged_or_split_is_refused(
    app: Starlette, client: httpx.AsyncClient, world: World
) -> None:
    one, other, third = [await patient(app, client, world.live) for _ in range(3)]
    sandboxed = await patient(app, client, world.sandbox)
    strange = await patient(app, client, world.stranger)
    for body, code in (
        ({"patient_id": one["id"]}, "not_allowed"),
        ({"patient_id": sandboxed["id"]}, "unknown_patient"),
        ({"patient_id": strange["id"]}, "unknown_patient"),
        ({"patient_id": "pat_" + "0" * 32}, "unknown_patient"),
    ):
        answer = await act(client, world.live, one["id"], "merge", **body)
        assert (answer.status_code, answer.json()["details"][0]["code"]) == (400, code)
    for number in (*one["external_patient_ids"], *other["external_patient_ids"], "never"):
        answer = await act(client, world.live, one["id"], "split", external_patient_id=number)
        assert (answer.status_code, answer.json()["details"][0]["code"]) == (400, "not_allowed")
    seen = one["version"]
    await change(client, world.live, one["id"], notes="meanwhile")
    stale = await act(client, world.live, one["id"], "merge", patient_id=other["id"], version=seen)
    assert (stale.status_code, stale.json()["code"]) == (409, "conflict")
    await act(client, world.live, one["id"], "merge", patient_id=other["id"])
    for keeper, lost in ((third, other), (other, third)):
        taken = await act(client, world.live, keeper["id"], "merge", patient_id=lost["id"])
        assert (taken.status_code, taken.json()["code"]) == (409, "patient_merged")


ALL = Profile("Ring", ("Jorge",), True, "es", Consent(True, 5, "user:usr_1"), "slow")
NONE = Profile()


def test_of_two_the_kept_ones_words_stand_and_a_no_wins() -> None:
    no = Consent(False, 9, "user:usr_2")
    assert both(ALL, NONE) == Profile("Ring", ("Jorge",), False, "es", ALL.messages, "slow")
    assert both(NONE, ALL) == both(ALL, NONE)
    assert both(ALL, ALL) == ALL
    assert both(ALL, Profile(messages=no)).messages == no
    assert both(Profile("Knock", messages=no), ALL).messages == no
    assert both(Profile("Knock"), ALL).instructions == "Knock"


# Any sequence of orders, merges and splits --------------------------------------------------------

NAMES = ("a", "b", "c", "d", "e")
STEP = st.one_of(
    st.tuples(st.just("order"), st.sampled_from(NAMES)),
    st.tuples(st.just("order"), st.none()),
    st.tuples(st.just("merge"), st.sampled_from(NAMES), st.sampled_from(NAMES)),
    st.tuples(st.just("split"), st.sampled_from(NAMES), st.sampled_from(NAMES)),
    st.tuples(st.just("read on"), st.integers(1, 4)),
)


class Story:
    """A small file, and beside it what ought to be in it."""

    def __init__(self, w: Writer) -> None:
        self.w = w
        made = accounts.create_tenant(
            w, CLI, name="Prop", kind="pharmacy", plan="enterprise", time_zone="UTC"
        )
        self.scope = Scope(made.tenant.id)
        self.places = Places([made.location])
        self.read_to = store.newest_package(w)
        self.packages: dict[str, str | None] = {}
        self.groups: dict[str, set[str]] = {}  # by number: everybody it is one person with

    def order(self, number: str | None) -> None:
        named = {"external_patient_id": number, "barcode": f"B{len(self.packages)}"}
        order = {**ORDER, "copay_amount": None, **named}
        content, _, _ = read_order(order, self.places, self.w.now)
        assert content is not None
        (made,) = packages.create_many(self.w, self.scope, CLI, "api", [content])
        self.packages[made.package_id] = number

    def read_on(self, count: int) -> None:
        newest = store.newest_package(self.w)
        through = min(newest, self.read_to + count)
        actions.know(self.w, self.read_to, through)
        self.read_to = through
        for number in self.known():
            self.groups.setdefault(number, {number})

    def known(self) -> set[str]:
        rows = self.w.all(
            "SELECT number FROM patients WHERE tenant_id = ?", (self.scope.tenant_id,)
        )
        return {row["number"] for row in rows}

    def living(self, number: str) -> list[Patient]:
        return store.page(self.w, self.scope, "", number, None, 10)

    def merge(self, one: str, other: str) -> None:
        kept, lost = self.living(one), self.living(other)
        if not (kept and lost):
            return
        try:
            actions.merge(self.w, self.scope, CLI, kept[0].id, lost[0].id)
        except Refusal:
            assert kept == lost
            return
        together = self.groups[one] | self.groups[other]
        for number in together:
            self.groups[number] = together

    def split(self, one: str, number: str) -> None:
        found = self.living(one)
        if not found:
            return
        try:
            apart = actions.split(self.w, self.scope, CLI, found[0].id, number)
        except Refusal:
            assert number not in self.groups[one] or found[0].number == number
            return
        assert apart.number == number
        rest = self.groups[one] - {number}
        for each in rest:
            self.groups[each] = rest
        self.groups[number] = {number}

    def check(self) -> None:
        """Each number has one living patient, with exactly its group; no package is lost."""
        for number in self.known():
            (patient,) = self.living(number)
            assert patient.merged_into is None
            numbers = store.numbers_of(store.all_of(self.w, patient))
            assert set(numbers) == self.groups[number] and len(numbers) == len(set(numbers))
            mine = [each.id for each in store.packages_of(self.w, patient, numbers, None, 100)]
            wanted = [name for name, of in self.packages.items() if of in self.groups[number]]
            assert mine == wanted[::-1]
            assert store.count_packages(self.w, patient, numbers) == len(wanted)
        for package_id, number in self.packages.items():
            package = package_store.get(self.w, self.scope, package_id)
            assert package is not None
            found = store.for_package(self.w, package)
            assert (found is None) is (number is None or number not in self.known())


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Any:
    made: Path = tmp_path_factory.mktemp("property") / "box.db"
    connection = connect_writer(made)
    migrate.migrate(connection)
    yield connection
    connection.close()


@settings(max_examples=60)
@given(steps=st.lists(STEP, max_size=14))
def test_every_number_has_one_living_patient_and_no_package_is_lost(
    file: Any, steps: list[tuple[Any, ...]]
) -> None:
    file.execute("BEGIN")
    try:
        story = Story(Writer(file))
        for what, *args in itertools.chain(steps, [("read on", 100)]):
            getattr(story, what.replace(" ", "_"))(*args)
            story.check()
    finally:
        file.execute("ROLLBACK")


# At the door --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "allowed", "may"),
    [
        ({}, True, True),
        ({"copay_amount": Decimal(0)}, True, True),
        ({}, False, False),
        ({}, None, False),
        ({"requires_signature": True}, True, False),
        ({"cold_chain": True}, True, False),
        ({"controlled_substance": True, "dea_schedule": "IV"}, True, False),
        ({"copay_amount": Decimal("0.01")}, True, False),
    ],
)
def test_a_package_stays_at_the_door_only_where_nothing_forbids_it(
    file: Any, order: dict[str, Any], allowed: bool | None, may: bool
) -> None:
    file.execute("BEGIN")
    try:
        story = Story(Writer(file))
        plain = {**ORDER, "requires_signature": False, "copay_amount": None}
        fields = {**plain, **order, "external_patient_id": "N"}
        content, problems, _ = read_order(fields, story.places, story.w.now)
        assert content is not None, problems
        (made,) = packages.create_many(story.w, story.scope, CLI, "api", [content])
        package = package_store.get(story.w, story.scope, made.package_id)
        assert package is not None
        story.read_on(1)
        patient = store.for_package(story.w, package) if allowed is not None else None
        if patient and allowed:
            patient = actions.change(story.w, story.scope, CLI, patient.id, {"leave_at_door": True})
        assert may_leave_at_door(package, patient) is may
    finally:
        file.execute("ROLLBACK")
