"""What stands on paper, read back from it; and what never does."""

import re
import string
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scriptrun_box.accounts.model import Location
from scriptrun_box.orders.reading import Places, read_order
from scriptrun_box.packages.model import Package
from scriptrun_box.paper import codes, pdf, sheets, zpl
from scriptrun_box.paper.doors import door_of
from scriptrun_box.paper.fitting import fit
from scriptrun_box.paper.letters import plain_letters, spelled
from scriptrun_box.paper.model import (
    Label,
    Manifest,
    Pharmacy,
    Place,
    Stop,
    bag_of,
    label_of,
    phone_text,
)
from scriptrun_box.patients.driver_view import DriverPackage, for_driver
from scriptrun_box.patients.model import Patient, Profile

from .reading import codes_of, fields_of, pages_of, words_of

MAIN = Location("7c0f8c1e-5a55-4a39-9d5c-2f6b3b1d0a01", "ten_1", "Main", "", "America/New_York")
PHARMACY = Pharmacy("Corner Drug", "(305) 555-0142")
PACKAGE_ID = "0654f1c2a9b7e3d40123456789abcdef"
NOW = 1_776_700_000_000
ORDER = {
    "patient_name": "Maria Rodriguez",
    "patient_address": "123 Main St Apt 4B, Gate code 4471#, Miami, FL 33178",
    "patient_phone": "+13055550199",
    "delivery_date": "2026-04-21",
}
RX, DRUG = "ZZRX7788", "Zzoxycontin"
FORBIDDEN = (RX, DRUG, "controlled", "CONTROLLED", "schedule", "C-II", "ZZBAR", "ZZPMS")


def package(**fields: Any) -> Package:
    """A package as an order makes it, notes withheld where they must be."""
    content, problems, _ = read_order({**ORDER, **fields}, Places([MAIN]), NOW)
    assert content is not None, problems
    nothing = dict.fromkeys(Package.__dataclass_fields__)
    stored = {**nothing, "seq": 1, "id": PACKAGE_ID, "test": False, "status": "created"}
    return Package(**{**stored, "content": content})


def view(said: Profile | None = None, **fields: Any) -> DriverPackage:
    """A package as its driver sees it, with what is said of its patient."""
    nothing = dict.fromkeys(Patient.__dataclass_fields__)
    patient = None if said is None else Patient(**{**nothing, "profile": said})
    return for_driver(package(**fields), patient)


def label(place: Place | None = None, **fields: Any) -> Label:
    return label_of(view(**fields), PHARMACY, place or Place())


def manifest(*packages: DriverPackage) -> Manifest:
    stops = [
        Stop(number, door_of(each.address), "9:12", (bag_of(each),))
        for number, each in enumerate(packages, 1)
    ]
    route = "rte_" + PACKAGE_ID
    return Manifest(
        route,
        PHARMACY,
        "Luis Ortega",
        "Van 3",
        "2026-04-21",
        "Tue, Apr 21",
        "9:00",
        tuple(stops),
        "",
        False,
    )


def test_a_label_says_who_where_when_and_what_to_do() -> None:
    wanted = label(
        Place(stop=7, stops=23, bag=1, bags=2),
        copay_amount=Decimal("12.50"),
        cold_chain=True,
        controlled_substance=True,
        priority="stat",
        deliver_after="09:00",
        deliver_by="12:00",
    )
    (text,) = pages_of(pdf.labels([wanted]))
    printed = " ".join(field.text for field in fields_of(zpl.label(wanted, 203)))
    for paper in (text, printed):
        for part in (
            "Maria Rodriguez", "123 Main St", "Apt 4B, Gate code 4471#", "Miami, FL 33178",
            "STOP", "of 23", "BAG 1 OF 2", "ID CHECK", "SIGN", "FRIDGE", "COLLECT $12.50", "STAT",
            "Tue, Apr 21", "9:00-12:00", "Corner Drug", "(305) 555-0142", "89ABCDEF",
        ):  # fmt: skip
            assert part in paper, part
        assert re.search(r"\b7 ?(of|\b)", paper)


def test_what_is_not_to_be_done_is_not_said() -> None:
    (text,) = pages_of(pdf.labels([label(copay_amount=0)]))
    for word in ("SIGN", "FRIDGE", "ID CHECK", "COLLECT", "STOP", "BAG", "STAT", "SANDBOX"):
        assert word not in text


plain_text = st.text(string.ascii_letters + string.digits + " .,#'-", min_size=3, max_size=60)
drugs = st.lists(st.just(DRUG) | st.just(f"{DRUG} 10 mg"), min_size=1, max_size=3)
notes = plain_text | st.sampled_from([f"take {RX}", f"{DRUG} inside", f"{DRUG.lower()} 2x", RX])


@given(
    name=plain_text.filter(str.strip),
    medications=drugs,
    said=notes,
    standing=notes,
    schedule=st.sampled_from(["II", "III", "IV", "V"]),
    cold=st.booleans(),
    copay=st.none() | st.integers(0, 9_999_999),
)
@example("Ann", [DRUG], f"{DRUG} and {RX}", f"{DRUG} to the nurse", "II", True, 1250)
def test_no_rx_number_no_drug_and_not_the_word_controlled_on_any_drivers_paper(
    name: str,
    medications: list[str],
    said: str,
    standing: str,
    schedule: str,
    cold: bool,
    copay: int | None,
) -> None:
    seen = view(
        Profile(instructions=standing, may_receive=("Jorge", standing), leave_at_door=True),
        patient_name=name.strip(),
        rx_number=RX,
        medications=medications,
        notes=said,
        dea_schedule=schedule,
        controlled_substance=True,
        cold_chain=cold,
        copay_amount=None if copay is None else Decimal(copay) / 100,
        barcode="ZZBAR",
        external_patient_id="ZZPMS",
    )
    wanted = label_of(seen, PHARMACY, Place(1, 2, 1, 2))
    papers = [
        repr(seen),
        *pages_of(pdf.labels([wanted])),
        *pages_of(sheets.manifest(manifest(seen))),
    ]
    papers += [field.text for dpi in zpl.DPIS for field in fields_of(zpl.label(wanted, dpi))]
    papers += [repr(seen), repr(wanted), repr(bag_of(seen))]
    for paper in papers:
        found = [word for word in FORBIDDEN if word.lower() in paper.lower()]
        assert [word for word in found if word.lower() not in name.lower()] == []


def test_the_manifest_says_what_a_patient_asks_for_every_time_and_nothing_of_their_treatment() -> (
    None
):
    said = Profile("Ring twice", ("Jorge, son", f"the nurse, {DRUG} too"), leave_at_door=True)
    bag = bag_of(view(said, rx_number=RX, medications=[DRUG], notes="Side door"))
    assert bag.notes == ("Side door", "Ring twice", "May receive it: Jorge, son")
    assert bag.words == ("MAY BE LEFT AT DOOR",)
    signed = bag_of(view(said, requires_signature=True))
    assert signed.words == ("SIGN",), "what needs a signature is handed over"
    (text,) = pages_of(sheets.manifest(manifest(view(said))))
    assert "Ring twice" in text and "MAY BE LEFT AT DOOR" in text


def test_the_codes_of_labels_are_read_back_by_a_scanner() -> None:
    wanted = label()
    assert codes_of(pdf.labels([wanted] * 2)) == [[f"SRB:P:{PACKAGE_ID.upper()}"]] * 2
    assert codes.read(wanted.code) == ("package", PACKAGE_ID)


def test_the_codes_of_a_manifest_are_those_of_the_route_and_of_every_bag() -> None:
    made = manifest(view(), view(notes="Ring twice"))
    (found,) = codes_of(sheets.manifest(made))
    assert found == [made.stops[0].bags[0].code] * 2 + [made.code]
    assert codes.read(made.code) == ("route", "rte_" + PACKAGE_ID)


@pytest.mark.parametrize("text", ["", "https://example.com", "SRB:P:12", "SRB:X:" + "A" * 32])
def test_a_code_of_somebody_else_is_none_of_ours(text: str) -> None:
    assert codes.read(text) is None


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=40)
)
@example("^XA~JR_5E^FS")
@example("Ñandú O'Brien")
def test_no_text_is_a_command_to_a_printer(text: str) -> None:
    name = f"Ann {text}"
    made = zpl.label(label(patient_name=name), 203)
    assert made.isascii()
    bare = re.sub(rb"\^FD.*?\^FS", b"", made, flags=re.DOTALL)
    commands = re.findall(rb"[\^~][A-Z][A-Z0-9]", bare)
    assert set(commands) <= {
        b"^XA", b"^CI", b"^LH", b"^PW", b"^LL", b"^FO", b"^A0", b"^FB", b"^FR", b"^FH", b"^FS",
        b"^GB", b"^BQ", b"^PQ", b"^XZ",
    }  # fmt: skip
    for inside in re.findall(rb"\^FD(.*?)\^FS", made, flags=re.DOTALL):
        assert b"^" not in inside and b"~" not in inside
    assert made.count(b"^XA") == made.count(b"^XZ") == 1


LONG = st.text(st.sampled_from("Wilm M.,-#9"), min_size=1, max_size=480)


@given(name=LONG.map(lambda text: f"A{text[:199]}"), address=LONG.map(lambda text: f"1 {text}"))
@example("W" * 200, "W" * 500)
def test_long_names_and_addresses_stay_whole_and_on_the_label(name: str, address: str) -> None:
    wanted = label(Place(123, 300, 10, 12), patient_name=name, patient_address=address)
    door = wanted.door
    for dpi in zpl.DPIS:
        fields = fields_of(zpl.label(wanted, dpi))
        for field in fields:
            width = 0 if field.right else zpl.text_width(field.text, field.size)
            assert field.x + width <= 4 * dpi
            assert field.y + field.size <= 6 * dpi
        said = "".join(field.text for field in fields)
        for text in (wanted.name, door.street, door.unit, door.town):
            assert "".join(words_of(text)) in "".join(words_of(said))
    (page,) = pages_of(pdf.labels([wanted]))
    assert "".join(words_of(wanted.name)) in "".join(words_of(page))


@given(st.text(string.ascii_letters + string.digits + " ,#.-", min_size=1, max_size=80))
@example("123 Main St Apt 4B, Gate code 4471#, Miami, FL 33178")
@example("Unit 2, # 4, Suite 5")
def test_an_address_loses_no_word_when_it_is_taken_apart(address: str) -> None:
    door = door_of(address)
    together = f"{door.street} {door.unit} {door.town}"
    assert sorted(words_of(together)) == sorted(words_of(address))


@pytest.mark.parametrize(
    ("address", "unit"),
    [
        ("123 Main St Apt 4B, Miami, FL 33178", "Apt 4B"),
        ("123 Main St #12, Miami, FL 33178", "#12"),
        ("9 Oak Ave, Unit C, Gate code 4471#, Miami, FL", "Unit C, Gate code 4471#"),
        ("1 Bay Rd, 3rd floor, Miami, FL", "3rd floor"),
        ("12 Ste Genevieve Ave, Miami, FL 33178", ""),
        ("200 Biscayne, Miami FL", ""),
        ("Pier 4", ""),
    ],
)
def test_unit_and_gate_code_stand_by_themselves(address: str, unit: str) -> None:
    assert door_of(address).unit == unit


@pytest.mark.parametrize(
    ("name", "on_pdf", "on_zpl"),
    [
        ("José Núñez", "José Núñez", "José Núñez"),
        ("Łukasz Żak", "Łukasz Żak", "Łukasz Żak"),
        ("Nguyễn Ánh", "Nguyễn Ánh", "Nguyen Ánh"),
        ("Иван Петров", "Иван Петров", "Ivan Petrov"),
        ("王小明 Lee", "WangXiaoMing Lee", "WangXiaoMing Lee"),
        ("محمد", "mhmd", "mhmd"),
        ("\U000f1234\U000f1235", "??", "??"),
    ],
)
def test_letters_a_printer_lacks_are_spelled_and_said_to_be(
    name: str, on_pdf: str, on_zpl: str
) -> None:
    wanted = label(patient_name=name)
    (page,) = pages_of(pdf.labels([wanted]))
    assert on_pdf in page
    assert ("spelled in plain letters" in page) is (on_pdf != name)
    printed = [field.text for field in fields_of(zpl.label(wanted, 203))]
    assert on_zpl in printed
    assert ("Name or address spelled" in " ".join(printed)) is (on_zpl != name)


@pytest.mark.parametrize(
    ("name", "plain"),
    [("José Núñez", ""), ("O'Brien-Łuk", ""), ("王小明 Lee", "WangXiaoMing Lee"), ("Иван", "Ivan")],
)
def test_a_name_in_other_letters_is_spelled_beside_them_on_the_page(name: str, plain: str) -> None:
    assert plain_letters(name) == plain


def test_a_word_is_spelled_as_a_whole() -> None:
    assert spelled("Ana Müller王", lambda sign: sign < "\u0100") == ("Ana MullerWang", True)


@given(st.text(max_size=300), st.floats(20, 300), st.floats(20, 300))
def test_a_fitted_text_is_whole_and_in_its_box(text: str, width: float, height: float) -> None:
    made = fit(text, width, height, 30, lambda line, size: 0.6 * size * len(line))
    assert "".join("".join(made.lines).split()) == "".join(text.split())
    if made.size > 30 * 0.06:
        assert made.height <= height
    assert all(0.6 * made.size * len(line) <= width or len(line) == 1 for line in made.lines)


def test_a_phone_is_written_as_people_read_it() -> None:
    assert phone_text("+13055550199") == "(305) 555-0199"
    assert phone_text("+442079460000") == "+442079460000"
    assert phone_text(None) == ""


def test_a_test_label_names_its_printer() -> None:
    texts = [field.text for field in fields_of(zpl.test_label("Front desk", "Corner", "noon", 300))]
    assert "TEST LABEL" in texts and "Front desk" in texts
