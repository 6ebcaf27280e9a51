"""Every field of an order: what is accepted and as what it is stored, what is refused and why."""

import json
from typing import Any, get_args

import pytest

from scriptrun_box.orders.model import FIELDS, OrderIn
from tests.orders.read import MAIN, TODAY, WEST, read, read_json, read_raw

V1_FIELDS = (
    "patient_name patient_address patient_phone rx_number medications copay_amount priority"
    " delivery_date requires_signature cold_chain controlled_substance dea_schedule"
    " external_patient_id pharmacy_id notes barcode"
).split()
OURS = ["fill_number", "fill_date", "deliver_after", "deliver_by"]
FLAGS = ["requires_signature", "cold_chain", "controlled_substance"]
SHORT_TEXTS = ["rx_number", "external_patient_id", "barcode", "fill_number"]
ENDS = ["\\u0000Ana", "Ana\\u001f", "\\u001cAna"]  # a control character is one at the ends too
LINES = ["patient_name", "patient_address", "patient_phone", *SHORT_TEXTS]


def test_an_order_has_the_sixteen_published_fields_and_four_of_ours() -> None:
    assert set(V1_FIELDS + OURS) == FIELDS
    required = {name for name, field in OrderIn.model_fields.items() if field.is_required()}
    assert required == {"patient_name", "patient_address"}


def test_what_is_left_out_has_its_published_default() -> None:
    content = read().accepted
    assert content.priority == "routine"
    assert content.delivery_date == TODAY
    assert content.location_id == MAIN.id
    for flag in FLAGS:
        assert getattr(content, flag) is False
    for name in ("patient_phone", "medications", "copay_cents", "dea_schedule", "notes", *OURS):
        assert getattr(content, name) is None


@pytest.mark.parametrize("field", sorted(FIELDS - {"patient_name", "patient_address"}))
def test_null_says_the_same_as_leaving_an_optional_field_out(field: str) -> None:
    with_null = read(**{field: None})
    assert with_null.accepted == read().accepted
    assert with_null.warnings == []


@pytest.mark.parametrize("field", ["patient_name", "patient_address"])
@pytest.mark.parametrize("value", [..., None])
def test_a_required_field_may_not_be_missing(field: str, value: Any) -> None:
    assert read(**{field: value}).problems == [(field, "missing")]


ACCEPTED: list[tuple[str, str, str, Any]] = [
    # field, JSON as sent, attribute, value as stored
    ("patient_name", '"A"', "patient_name", "A"),
    ("patient_name", json.dumps("x" * 200), "patient_name", "x" * 200),
    ("patient_name", json.dumps("😀" * 200), "patient_name", "😀" * 200),
    ("patient_name", '"  Ana Sol \\n"', "patient_name", "Ana Sol"),
    ("patient_name", '"Null"', "patient_name", "Null"),
    ("patient_name", '"</script><b>O\'Brien"', "patient_name", "</script><b>O'Brien"),
    ("patient_address", json.dumps("1 " + "x" * 498), "patient_address", "1 " + "x" * 498),
    ("patient_phone", '"+13055551234"', "patient_phone", "+13055551234"),
    ("patient_phone", '"+442071234567"', "patient_phone", "+442071234567"),
    ("rx_number", '"RX-8872341"', "rx_number", "RX-8872341"),
    ("rx_number", '""', "rx_number", None),
    ("medications", "[]", "medications", []),
    ("medications", json.dumps(["x"] * 100), "medications", ["x"] * 100),
    ("medications", json.dumps(["x" * 200]), "medications", ["x" * 200]),
    ("medications", '[" Metformin 500 mg "]', "medications", ["Metformin 500 mg"]),
    ("copay_amount", "0", "copay_cents", 0),
    ("copay_amount", "-0.0", "copay_cents", 0),
    ("copay_amount", "12.50", "copay_cents", 1250),
    ("copay_amount", "12.500", "copay_cents", 1250),
    ("copay_amount", "0.29", "copay_cents", 29),
    ("copay_amount", "1.15", "copay_cents", 115),
    ("copay_amount", "4.35", "copay_cents", 435),
    ("copay_amount", "1e2", "copay_cents", 10_000),
    ("copay_amount", "99999.99", "copay_cents", 9_999_999),
    ("priority", '"routine"', "priority", "routine"),
    ("priority", '"urgent"', "priority", "urgent"),
    ("priority", '"stat"', "priority", "stat"),
    ("delivery_date", '"2026-04-21"', "delivery_date", "2026-04-21"),
    ("delivery_date", '"2028-02-29"', "delivery_date", "2028-02-29"),
    ("delivery_date", '"2025-04-20"', "delivery_date", "2025-04-20"),
    ("delivery_date", '"2028-04-20"', "delivery_date", "2028-04-20"),
    ("requires_signature", "true", "requires_signature", True),
    ("cold_chain", "true", "cold_chain", True),
    ("controlled_substance", "true", "controlled_substance", True),
    ("controlled_substance", "false", "controlled_substance", False),
    ("pharmacy_id", f'"{WEST.id}"', "location_id", WEST.id),
    ("pharmacy_id", f'"{WEST.id.upper()}"', "location_id", WEST.id),
    ("notes", '"Ring twice.\\r\\nThen\\twait."', "notes", "Ring twice.\r\nThen\twait."),
    ("notes", json.dumps("x" * 2_000), "notes", "x" * 2_000),
    ("fill_date", '"1999-12-31"', "fill_date", "1999-12-31"),
    ("deliver_after", '"00:00"', "deliver_after", "00:00"),
    ("deliver_by", '"23:59"', "deliver_by", "23:59"),
    *((field, json.dumps("x" * 128), field, "x" * 128) for field in SHORT_TEXTS),
]


@pytest.mark.parametrize(("field", "sent", "attribute", "stored"), ACCEPTED)
def test_a_good_value_is_stored_as_it_was_meant(
    field: str, sent: str, attribute: str, stored: Any
) -> None:
    assert getattr(read_raw(field, sent).accepted, attribute) == stored


REFUSED: list[tuple[str, str, str]] = [
    # field, JSON as sent, code
    ("patient_name", '""', "too_short"),
    ("patient_name", '"   "', "too_short"),
    ("patient_name", '"\\u200b\\ufeff"', "too_short"),
    ("patient_name", json.dumps("x" * 201), "too_long"),
    ("patient_address", '" "', "too_short"),
    ("patient_address", json.dumps("x" * 501), "too_long"),
    ("medications", json.dumps(["x"] * 101), "too_long"),
    ("medications", json.dumps(["x" * 201]), "too_long"),
    ("medications", '[""]', "too_short"),
    ("medications", "[null]", "wrong_type"),
    ("medications", "[1]", "wrong_type"),
    ("medications", '[["Metformin"]]', "wrong_type"),
    ("medications", '"Metformin"', "wrong_type"),
    ("medications", '{"0": "Metformin"}', "wrong_type"),
    ("copay_amount", "-0.01", "too_small"),
    ("copay_amount", "100000", "too_large"),
    ("copay_amount", "99999.995", "bad_format"),
    ("copay_amount", "1e400", "too_large"),
    ("copay_amount", "1" * 40, "too_large"),
    ("copay_amount", "12.505", "bad_format"),
    ("copay_amount", "1e-400", "bad_format"),
    ("copay_amount", '"12.50"', "wrong_type"),
    ("copay_amount", "true", "wrong_type"),
    ("copay_amount", "[12.5]", "wrong_type"),
    ("priority", '"Routine"', "not_allowed"),
    ("priority", '""', "not_allowed"),
    ("priority", "1", "not_allowed"),
    ("dea_schedule", '"I"', "not_allowed"),
    ("dea_schedule", '"ii"', "not_allowed"),
    ("dea_schedule", '"VI"', "not_allowed"),
    ("dea_schedule", "2", "not_allowed"),
    ("delivery_date", '"2026-4-20"', "bad_format"),
    ("delivery_date", '"20260420"', "bad_format"),
    ("delivery_date", '"2026-04-20T10:00:00Z"', "bad_format"),
    ("delivery_date", '"2026-02-30"', "bad_format"),
    ("delivery_date", '"0000-01-01"', "bad_format"),
    ("delivery_date", '"04/20/2026"', "bad_format"),
    ("delivery_date", '"٢٠٢٦-٠٤-٢٠"', "bad_format"),
    ("delivery_date", '""', "bad_format"),
    ("delivery_date", "20260420", "wrong_type"),
    ("delivery_date", '"2025-04-18"', "too_small"),
    ("delivery_date", '"0001-01-01"', "too_small"),
    ("delivery_date", '"2028-04-22"', "too_large"),
    ("delivery_date", '"9999-12-31"', "too_large"),
    ("fill_date", '"yesterday"', "bad_format"),
    ("fill_date", "1", "wrong_type"),
    ("deliver_after", '"24:00"', "bad_format"),
    ("deliver_after", '"9:00"', "bad_format"),
    ("deliver_after", '"0٩:00"', "bad_format"),
    ("deliver_by", '"12:60"', "bad_format"),
    ("deliver_by", '"12:00:00"', "bad_format"),
    ("deliver_by", "12", "wrong_type"),
    ("pharmacy_id", '"7c0f8c1e-5a55-4a39-9d5c-2f6b3b1d0a99"', "unknown_location"),
    ("pharmacy_id", '"main"', "bad_format"),
    ("pharmacy_id", '""', "bad_format"),
    ("pharmacy_id", "1", "wrong_type"),
    ("notes", json.dumps("x" * 2_001), "too_long"),
    ("notes", '["Ring"]', "wrong_type"),
    *((field, json.dumps("x" * 129), "too_long") for field in SHORT_TEXTS),
    *((field, json.dumps("1" * 129), "too_long") for field in ["patient_phone"]),
    *((field, "8872341", "wrong_type") for field in LINES),
    *((field, "{}", "wrong_type") for field in LINES),
    *((field, text, "wrong_type") for field in FLAGS for text in ('"yes"', '"true"', "1", "0")),
    # a line has no line break, and no text a control character or a line separator
    *((field, '"a\\nb"', "bad_characters") for field in LINES),
    *((field, '"a\\tb"', "bad_characters") for field in LINES),
    *((field, '"a\\u0000b"', "bad_characters") for field in [*LINES, "notes"]),
    *((field, '"a\\u001bb"', "bad_characters") for field in [*LINES, "notes"]),
    *((field, '"a\\u0085b"', "bad_characters") for field in [*LINES, "notes"]),
    *((field, '"a\\u2028b"', "bad_characters") for field in [*LINES, "notes"]),
    *((field, '"a\\u2029b"', "bad_characters") for field in [*LINES, "notes"]),
    *((field, f'"{end}"', "bad_characters") for field in LINES for end in ENDS),
    ("medications", '["a\\u007fb"]', "bad_characters"),
]


@pytest.mark.parametrize(("field", "sent", "code"), REFUSED)
def test_a_bad_value_is_refused_by_its_code_and_never_repeated(
    field: str, sent: str, code: str
) -> None:
    result = read_raw(field, sent)
    assert result.content is None
    assert result.problems[0] == (field, code)
    assert {name for name, _ in result.problems} == {field}
    for item in result.items:
        assert item["message"].endswith(".")
        assert sent.strip('"') not in item["message"] or len(sent) < 8


def test_every_problem_of_an_order_is_told_at_once() -> None:
    result = read(patient_name="", priority="soon", copay_amount=-1, notes="a\x00")
    assert set(result.problems) == {
        ("patient_name", "too_short"),
        ("priority", "not_allowed"),
        ("copay_amount", "too_small"),
        ("notes", "bad_characters"),
    }


@pytest.mark.parametrize("order", ["1", '"Ana"', "[]", "null", "true"])
def test_an_order_that_is_no_object_is_its_own_problem(order: str) -> None:
    assert read_json(order).problems == [("", "wrong_type")]


@pytest.mark.parametrize("field", ["id", "status", "tenant_id", "test", "driver_id", "seq"])
def test_a_column_of_ours_cannot_be_set_from_outside(field: str) -> None:
    result = read(**{field: "delivered"})
    assert result.accepted == read().accepted
    assert result.warnings == [(field, "unknown_field")]


def test_an_unknown_field_is_named_only_when_its_name_is_harmless() -> None:
    result = read(**{"Maria Rodriguez": 1, "x" * 41: 1, "señora": 1, "ok_1": 1, "": 1})
    assert [name for name, _ in result.warnings] == [
        "field_2", "field_3", "field_4", "ok_1", "field_6",
    ]  # fmt: skip


def test_thousands_of_unknown_fields_do_not_make_thousands_of_warnings() -> None:
    result = read(**{f"extra_{number}": number for number in range(5_000)})
    assert len(result.warnings) == 20


def test_every_message_names_the_choices_and_bounds() -> None:
    def message(**fields: Any) -> str:
        return str(read(**fields).items[0]["message"])

    assert message(priority="x") == "priority is one of 'routine', 'urgent' or 'stat'."
    assert message(patient_name="x" * 201) == "patient_name has at most 200 characters."
    assert message(medications=["x"] * 101) == "medications has at most 100 entries."
    assert message(copay_amount=-1) == "copay_amount is at least 0."
    assert message(copay_amount=100_000) == "copay_amount is at most 99999.99."
    assert message(cold_chain=1) == "cold_chain must be true or false."
    assert get_args(OrderIn.model_fields["priority"].annotation) == ("routine", "urgent", "stat")
