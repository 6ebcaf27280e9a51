"""Addresses as people write them are taken apart, and each door has one spelling."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scriptrun_box.geocoding.reading import Parts, judge, read
from tests.geocoding.real import WAYS, addresses, drawn, written

SEED = 20_261_123


def test_of_500_real_addresses_at_least_95_in_100_are_read_right() -> None:
    """Real streets, towns, states and ZIPs; units and gates partly the data's own, partly made."""
    rng = random.Random(SEED)
    wrong = []
    for one in drawn(500, SEED):
        text, parts = written(one, rng.randrange(WAYS), rng.randrange(1, 400))
        got = read(text).parts
        found = (f"{got.number} {got.street}", got.unit, got.extra, got.town, got.state, got.zip)
        if [each.casefold() for each in found] != [each.casefold() for each in parts]:
            wrong.append((text, found))
    print(f"right: {(500 - len(wrong)) / 5:.1f} %")
    assert len(wrong) <= 25, wrong


def test_hardly_any_real_address_is_said_to_contradict_itself() -> None:
    rows = addresses()
    said = [
        problem
        for one in rows
        if (problem := read(f"{one.street}, {one.town}, {one.state} {one.zip}").problem)
    ]
    assert len(said) <= len(rows) * 0.01, said


@pytest.mark.parametrize(
    "text",
    [
        "123 Main St Apt 4B, Miami, FL 33178",
        "123 MAIN STREET #4b, Doral FL 33178-1234",
        "123 Main St., Unit 4B, Gate 4412, Miami, Florida 33178",
        "Apt 4B, 123 Main St, Miami, FL 33178, USA",
        "Maria Rodriguez, 123 Main St, Apt. 04B, Miami FL 33178",
    ],
)
def test_one_door_has_one_spelling_however_it_is_written(text: str) -> None:
    assert read(text).door == "123 main st, 33178 #4b"
    assert read(text).building == "123 main st, 33178"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Pier 4", "no_street"),
        ("Maria Rodriguez", "no_street"),
        ("Corner of 5th and Main, Miami FL", "no_street"),
        ("US Hwy 1 12345 Miami FL", "no_number"),
        ("12 Oak Ct", "no_town"),
        ("PO Box 44, Miami FL 33101", "po_box"),
        ("P.O. Box 44, Miami FL 33101", "po_box"),
        ("10 Downing Street, London SW1A 2AA", "abroad"),
        ("123 King St W, Toronto ON M5H 1J9, Canada", "abroad"),
        ("x" * 500, "too_long"),
        ("12 Oak St, Miami, FL 90210", "zip_state"),
        ("12 Oak St, Miami, FL 00000", "zip_unknown"),
        ("12 Oak St, Orlando, FL 33139", "zip_town"),
        ("200 Biscayne, Miami FL", ""),
        ("1 Ocean Dr, Miami Beach FL", ""),
    ],
)
def test_what_is_wrong_with_an_address_is_said_by_its_code(text: str, problem: str) -> None:
    assert read(text).problem == problem


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "38-12 Broadway, Astoria NY 11103",
            Parts("38-12", "Broadway", "", "", "Astoria", "NY", "11103"),
        ),
        (
            "123 Main St Miami FL 33178 gate 4412",
            Parts("123", "Main St", "", "gate 4412", "Miami", "FL", "33178"),
        ),
        (
            "100 Gate 5 Rd, Sausalito CA 94965",
            Parts("100", "Gate 5 Rd", "", "", "Sausalito", "CA", "94965"),
        ),
        (
            "12 Oak St., Washington, D.C. 20001",
            Parts("12", "Oak St.", "", "", "Washington", "DC", "20001"),
        ),
        (
            "123 1/2 N 5th Ave NW Bldg 3 Apt 2, Seattle WA 98101",
            Parts("123 1/2", "N 5th Ave NW", "Bldg 3 Apt 2", "", "Seattle", "WA", "98101"),
        ),
    ],
)
def test_parts_are_found_as_they_were_written(text: str, parts: Parts) -> None:
    assert read(text).parts == parts


@given(st.text(max_size=500))
def test_any_text_is_read_and_has_a_door(text: str) -> None:
    found = read(text)
    assert found.door
    assert found.door.startswith(found.building)
    assert found.problem or (found.parts.number and found.parts.street)


@given(st.builds(Parts, *[st.text(max_size=40)] * 7))
def test_any_parts_have_a_door_too(parts: Parts) -> None:
    found = judge(parts)
    assert found.door.startswith(found.building) and found.building


@given(st.sampled_from(addresses()), st.integers(0, WAYS - 1), st.integers(1, 399))
def test_what_was_read_is_read_the_same_from_its_own_parts(
    one: object, way: int, number: int
) -> None:
    first = read(written(one, way, number)[0])  # type: ignore[arg-type]
    again = judge(first.parts)
    if first.parts.street:
        assert (again.door, again.building, again.problem) == (
            first.door,
            first.building,
            first.problem,
        )
