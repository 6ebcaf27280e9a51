"""Whatever happens to addresses in whatever order: packages stand where their door stands."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scriptrun_box.accounts import actions as accounts
from scriptrun_box.accounts import store as accounts_store
from scriptrun_box.geocoding import actions, store
from scriptrun_box.geocoding.model import Place
from scriptrun_box.geocoding.provider import FAILED, Answer
from scriptrun_box.geocoding.reading import judge, read
from scriptrun_box.kernel import migrate
from scriptrun_box.kernel.connection import connect
from scriptrun_box.kernel.db import Writer
from scriptrun_box.kernel.errors import Refusal
from scriptrun_box.kernel.scope import CLI, Scope
from scriptrun_box.orders.reading import Places, read_order
from scriptrun_box.packages import actions as packages
from scriptrun_box.packages import doors
from scriptrun_box.packages import store as packages_store
from scriptrun_box.packages.model import Content
from tests.world import ORDER

ADDRESSES = (
    "12 Oak St, Miami, FL 33125", "12 Oak St #3, Miami, FL 33125", "14 Oak St, Miami, FL 33125",
    "16 Oak St, Miami, FL 33125", "18 Oak St, Miami, FL 33125", "12 Oak St, Miami, FL 90210",
    "Pier 4", "PO Box 44, Miami FL 33101",
)  # fmt: skip
READ = {text: read(text) for text in ADDRESSES}
ANSWERS = (FAILED, Answer(), Answer((25.78, -80.23)), Answer((47.6, -122.3)))
STEPS = ("order", "edit", "pin", "accept", "correct", "ask", "answer", "learn", "again")


class Desk:
    """One pharmacy in a file, and everything that can happen to its addresses."""

    def __init__(self, w: Writer) -> None:
        self.w = w
        tenant = accounts.create_tenant(
            w, CLI, name="Corner Drug", kind="pharmacy", plan="pro", time_zone="America/New_York"
        ).tenant
        self.scope = Scope(tenant.id)
        self.places = Places(accounts_store.locations(w, tenant.id))
        self.ids: list[str] = []

    def step(self, name: str, number: int, asks: bool) -> None:
        """One of STEPS; what is refused changes nothing."""
        self.w.connection.execute("SAVEPOINT step")
        try:
            getattr(self, name)(number, asks)
        except Refusal:
            self.w.connection.execute("ROLLBACK TO step")
        self.w.connection.execute("RELEASE step")

    def order(self, number: int, asks: bool) -> None:
        content = self._content(number)
        made = packages.create_many(self.w, self.scope, CLI, "api", [content])
        self.ids.append(made[0].package_id)
        self._look_up(asks)

    def edit(self, number: int, asks: bool) -> None:
        if not self.ids:
            return
        content = self._content(number)
        packages.edit(self.w, self.scope, CLI, self.ids[number % len(self.ids)], content)
        self._look_up(asks)

    def _content(self, number: int) -> Content:
        text = ADDRESSES[number % len(ADDRESSES)]
        order = {**ORDER, "patient_address": text, "copay_amount": None}
        content, _, _ = read_order(order, self.places, self.w.now)
        assert content is not None
        return content

    def _look_up(self, asks: bool) -> None:
        edited = doors.readdressed(self.w, 50)
        if edited:
            actions.take_in(self.w, [(each, READ[each.address]) for each in edited], None, asks)
        found, through = doors.behind(self.w, 0, 50)
        found = [each for each in found if self._package(each.id).door is None]
        actions.take_in(self.w, [(each, READ[each.address]) for each in found], through, asks)

    def pin(self, number: int, asks: bool) -> None:
        at = (25.7 + number / 1e4, -80.2)
        actions.pin(self.w, self.scope, CLI, self._place(number).id, *at, None)

    def accept(self, number: int, asks: bool) -> None:
        actions.accept(self.w, self.scope, CLI, self._place(number).id, None)

    def ask(self, number: int, asks: bool) -> None:
        actions.asked(self.w, self.scope, CLI, self._place(number).id, None)

    def correct(self, number: int, asks: bool) -> None:
        text = ADDRESSES[number % 5]
        told = judge(READ[text].parts)
        place = self._place(number // 5)
        actions.correct(self.w, self.scope, CLI, place.id, text, told, asks, None)

    def answer(self, number: int, asks: bool) -> None:
        for place in store.due(self.w, self.w.now + 10**9, 3):
            now = actions.look_again(self.w, place.id, place.scope, True)
            if now is not None:
                actions.answered(self.w, now, ANSWERS[number % len(ANSWERS)])

    def learn(self, number: int, asks: bool) -> None:
        for _ in range(number % 4):
            actions.learn(self.w, self.scope, self._place(number).door, 25.75, -80.25)

    def again(self, number: int, asks: bool) -> None:
        store.look_again(self.w)

    def _place(self, number: int) -> Place:
        known = self.all()
        if not known:
            raise Refusal("There is none yet.")
        return known[number % len(known)]

    def all(self) -> list[Place]:
        rows = self.w.all("SELECT id FROM places ORDER BY seq")
        return [actions.find(self.w, self.scope, row["id"]) for row in rows]

    def _package(self, package_id: str) -> Any:
        return packages_store.get(self.w, self.scope, package_id)

    def check(self) -> None:
        """What must hold after every step."""
        for package_id in self.ids:
            package = self._package(package_id)
            assert package.door is not None
            place = store.at_door(self.w, self.scope, package.door)
            assert place is not None and place.same_as is None
            assert package.location == place.location, (package.door, place)
        for place in self.all():
            assert (place.reason == "") == (place.state == "located")
            assert place.same_as is None or place.same_as != place.door


@contextmanager
def desk(folder: Path) -> Iterator[Desk]:
    connection = connect(folder / "box.db")
    try:
        if not migrate.version(connection):
            migrate.migrate(connection)
        connection.execute("BEGIN IMMEDIATE")
        yield Desk(Writer(connection))
    finally:
        connection.execute("ROLLBACK")
        connection.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("file")


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 39), st.booleans()), max_size=25))
def test_packages_stand_where_their_door_stands_whatever_happens(
    folder: Path, steps: list[tuple[str, int, bool]]
) -> None:
    with desk(folder) as made:
        for number in range(4):
            made.order(number, False)
        for step in steps:
            made.step(*step)
            made.check()


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(("order", "answer", "learn", "again")),
                          st.integers(0, 39), st.booleans()), max_size=20))  # fmt: skip
def test_nothing_automatic_moves_what_a_person_pinned(
    folder: Path, steps: list[tuple[str, int, bool]]
) -> None:
    with desk(folder) as made:
        made.order(0, False)
        place = made._place(0)
        pinned = actions.pin(made.w, made.scope, CLI, place.id, 25.7, -80.2, None)
        for step in steps:
            made.step(*step)
        assert actions.find(made.w, made.scope, place.id).location == pinned.location
