"""The rules between the fields of an order, and each warning it may be accepted with."""

import pytest

from tests.orders.read import MAIN, NOW, TODAY, WEST, Result, read

HOUR_MS = 3_600_000


def controlled(result: Result) -> tuple[bool, str | None, bool]:
    content = result.accepted
    return content.controlled_substance, content.dea_schedule, content.requires_signature


@pytest.mark.parametrize("schedule", ["II", "III", "IV", "V"])
def test_a_controlled_substance_always_needs_a_signature(schedule: str) -> None:
    result = read(controlled_substance=True, dea_schedule=schedule, requires_signature=False)
    assert controlled(result) == (True, schedule, True)
    assert result.warnings == []


def test_a_schedule_alone_makes_the_order_controlled() -> None:
    result = read(dea_schedule="IV")
    assert controlled(result) == (True, "IV", True)
    assert result.warnings == [("controlled_substance", "controlled_substance_inferred")]


def test_a_controlled_order_without_a_schedule_is_stored_without_one() -> None:
    result = read(controlled_substance=True)
    assert controlled(result) == (True, None, True)
    assert result.warnings == [("dea_schedule", "dea_schedule_missing")]


def test_a_schedule_on_an_order_that_is_not_controlled_is_a_conflict() -> None:
    result = read(controlled_substance=False, dea_schedule="II")
    assert result.problems == [("dea_schedule", "conflict")]


@pytest.mark.parametrize(
    ("offset_hours", "at_main", "at_west"),
    [
        (0, "2026-04-20", "2026-04-20"),  # 11:00 in New York, 08:00 in Los Angeles
        (-11.001, "2026-04-19", "2026-04-19"),  # 23:59 and 20:59 of the day before
        (-10.999, "2026-04-20", "2026-04-19"),  # midnight has passed in New York only
        (13.001, "2026-04-21", "2026-04-20"),
        (16.001, "2026-04-21", "2026-04-21"),
    ],
)
def test_today_is_the_date_at_the_orders_own_location(
    offset_hours: float, at_main: str, at_west: str
) -> None:
    now = NOW + int(offset_hours * HOUR_MS)
    assert read(now=now).accepted.delivery_date == at_main
    assert read(now=now, pharmacy_id=MAIN.id).accepted.delivery_date == at_main
    assert read(now=now, pharmacy_id=WEST.id).accepted.delivery_date == at_west


def test_a_day_that_is_over_is_stored_with_a_warning() -> None:
    assert read(delivery_date=TODAY).warnings == []
    result = read(delivery_date="2026-04-19")
    assert result.accepted.delivery_date == "2026-04-19"
    assert result.warnings == [("delivery_date", "delivery_date_in_past")]


@pytest.mark.parametrize(
    ("address", "complete"),
    [
        ("123 Main St, Miami, FL 33178", True),
        ("123 Main St, Miami, FL 33178-1234", True),
        ("123 Main St, Miami, FL 33178, USA", True),
        ("123 Main St, Miami, FL, United States", True),
        ("1 Ocean Dr, Miami Beach FL", True),
        ("200 Biscayne, Miami fl.", True),
        ("17 Elm Court, Fargo, North Dakota", True),
        ("5 Calle Luna, San Juan, Puerto Rico", True),
        ("12345 Main St, 33178", True),
        ("PO Box 12, Bangor, ME 04401", True),
        ("Main St, Miami, FL 33178", False),  # no house number: the ZIP is none
        ("Main St, Miami, FL 33178, USA", False),
        ("123 Main St, Miami", False),  # neither ZIP nor state
        ("123 Main St", False),
        ("33178", False),
        ("1", False),
        ("7 ,.", False),
        ("the yellow house", False),
    ],
)
def test_an_address_with_a_gap_is_stored_with_a_warning(address: str, complete: bool) -> None:
    result = read(patient_address=address)
    assert result.accepted.patient_address == address
    assert result.accepted.address_incomplete is not complete
    assert result.warnings == ([] if complete else [("patient_address", "address_incomplete")])


@pytest.mark.parametrize(
    ("notes", "withheld"),
    [
        ("Leave with the doorman", False),
        ("Rx RX-8872341 is heavy", True),
        ("number rx 887 2341", True),
        ("see 8872341", True),
        ("see 8872342", False),
        ("her METFORMIN is in the blue bag", True),
        ("métformin", True),
        ("the Vitamin D drops are cold", True),  # by the drug's first word
        ("call the metro desk", False),
    ],
)
def test_notes_that_name_the_treatment_are_kept_from_the_driver(notes: str, withheld: bool) -> None:
    result = read(
        notes=notes, rx_number="RX-8872341", medications=["Metformin 500 mg", "vitamin D"]
    )
    assert result.accepted.notes == notes
    assert result.accepted.notes_withheld is withheld
    assert result.warnings == ([("notes", "notes_withheld")] if withheld else [])


def test_notes_of_an_order_without_a_treatment_are_the_drivers() -> None:
    assert read(notes="Metformin, RX-1").accepted.notes_withheld is False


def test_text_is_stored_in_its_composed_form() -> None:
    result = read(patient_name="Jose\u0301 Nun\u0303ez", notes="cafe\u0301")
    assert result.accepted.patient_name == "José Nuñez"
    assert result.accepted.notes == "café"
    assert result.warnings == []


def test_otherwise_text_is_stored_as_it_was_sent() -> None:
    name = "ﬁ ½ Ａ Ⅳ  two  spaces 👩‍👩‍👧 نور"
    assert read(patient_name=name).accepted.patient_name == name


@pytest.mark.parametrize(
    "sign", ["\u200b", "\u2060", "\ufeff", "\u200e", "\u200f", "\u061c", "\u202e", "\u2066"]
)
@pytest.mark.parametrize("field", ["patient_name", "notes", "rx_number", "medications"])
def test_invisible_characters_are_removed_with_a_warning(field: str, sign: str) -> None:
    text = f"Ana{sign} Sol{sign}"
    result = read(**{field: [text] if field == "medications" else text})
    stored = getattr(result.accepted, field)
    assert stored in ("Ana Sol", ["Ana Sol"])
    assert result.warnings == [(field, "characters_removed")]


def test_joiners_that_shape_letters_and_families_are_no_invisible_characters() -> None:
    result = read(patient_name="نمی‌دانم 👩‍🚀")
    assert result.accepted.patient_name == "نمی‌دانم 👩‍🚀"
    assert result.warnings == []


@pytest.mark.parametrize(
    "typed",
    [
        "(305) 555-1234",
        "305-555-1234",
        "305.555.1234",
        "3055551234",
        "1 305 555 1234",
        "1-305-555-1234",
        "+1 (305) 555-1234",
        "+1-305-555-1234",
        "  +1 305 5551234 ",
    ],
)
def test_north_american_punctuation_is_turned_into_e164(typed: str) -> None:
    result = read(patient_phone=typed)
    assert result.accepted.patient_phone == "+13055551234"
    assert result.warnings == [("patient_phone", "phone_normalised")]


@pytest.mark.parametrize(
    "typed",
    [
        "555-1234",
        "+15551234",  # a local number behind a country code
        "+1305555123",
        "+130555512345",
        "+1305555123４",
        "305555１２３４",
        "+44 20 7123 4567",
        "442071234567",
        "+999123456789",
        "+0123456789",
        "+1234567890123456",
        "305-555-1234 ext 5",
        "305-555-1234/5",
        "call the son",
        "+",
        "055-555-1234",
    ],
)
def test_anything_else_that_is_not_e164_is_refused(typed: str) -> None:
    assert read(patient_phone=typed).problems == [("patient_phone", "bad_format")]
