"""Every parser of ours against text nobody meant: it reads it or refuses it, and never breaks."""

import string
import unicodedata
from contextlib import suppress
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scriptrun_box.accounts.gates import comes_from
from scriptrun_box.kernel import addresses, config, framing, outgoing
from scriptrun_box.kernel.addresses import AddressRefused
from scriptrun_box.kernel.errors import Invalid
from scriptrun_box.kernel.http import host_name
from scriptrun_box.kernel.links import LIFE_MS, Links
from scriptrun_box.kernel.texts import clean, phone
from scriptrun_box.orders import texts
from scriptrun_box.packages import api
from scriptrun_box.packages.treatment import names_treatment
from scriptrun_box.ui import words
from scriptrun_box.ui.texts import markup

NOW = 1_780_000_000_000
HOUR_SECONDS = 3_600
places = st.lists(st.integers(0, 10**18 - 1), min_size=1, max_size=2).map(tuple)
urlish = st.builds(
    "{}{}{}{}{}".format,
    st.sampled_from(["https://", "http://", "https:/", "//", "ftp://", "HTTPS://", ""]),
    st.text(string.ascii_letters + "@:[]%.0123456789-_ü\\", max_size=30),
    st.sampled_from(["", ":443", ":0", ":99999", ":x", ":", ":१"]),
    st.text(max_size=20),
    st.sampled_from(["", "#x", "?q", "\r\nHost: x", " "]),
)


@given(places)
def test_a_cursor_leads_back_to_its_place(place: tuple[int, ...]) -> None:
    assert api.decode_cursor(api.encode_cursor(place), len(place)) == place


@given(st.text(), st.integers(1, 2))
@example("ä", 1)
@example("MQ==", 1)
@example("MS4y", 2)
def test_any_other_cursor_is_read_or_refused(text: str, parts: int) -> None:
    with suppress(Invalid):
        found = api.decode_cursor(text, parts)
        assert len(found) == parts and all(number >= 0 for number in found)


@given(st.one_of(st.text(), st.from_regex(r"[0-9]{1,40}(\.[0-9]{0,40})?"), st.none()))
@example("1e9")
@example("٣")
@example("Wed, 21 Oct 2099 07:28:00 GMT")
@example("Wed, 99 Oct 2099 07:28:00 +9999")
def test_what_a_receiver_asks_for_is_at_most_an_hour(value: str | None) -> None:
    asked = outgoing.retry_after(value, NOW)
    assert asked is None or 0 < asked <= HOUR_SECONDS


@given(st.one_of(st.text(), urlish))
def test_a_url_is_taken_apart_or_refused(url: str) -> None:
    try:
        target = addresses.parse(url)
    except AddressRefused:
        return
    assert target.scheme in ("http", "https")
    assert 0 < target.port < 65_536
    assert target.host.isascii() and not set(target.host) & set(" @/\\?#\r\n")
    assert target.path.startswith(b"/") and not set(target.path) & set(b" \r\n\x00")


@given(st.text())
def test_a_host_is_a_name_without_port_or_case(header: str) -> None:
    name = host_name(header)
    assert name == name.lower()
    assert ":" not in name or header.startswith("[")


@given(st.one_of(st.text(), st.ip_addresses().map(str)), st.ip_addresses().map(lambda ip: f"{ip}"))
def test_an_address_lies_in_its_own_network_and_rubbish_in_none(text: str, own: str) -> None:
    whole = ("0.0.0.0/0", "::/0")
    try:
        ip_address(text)
    except ValueError:
        assert not comes_from(text, whole)
    else:
        assert comes_from(text, whole)
    assert comes_from(own, whole)


@given(st.text(), st.text(), st.text())
def test_a_made_up_link_opens_nothing(path: str, expires: str, signature: str) -> None:
    assert not Links("https://box", "secret").holds(path, expires, signature, NOW)


@given(st.integers(0, LIFE_MS + 10_000))
def test_a_link_of_ours_opens_until_its_end(later: int) -> None:
    links = Links("https://box", "secret")
    query = dict(part.split("=") for part in links.make("/p", NOW).partition("?")[2].split("&"))
    held = links.holds("/p", query["expires"], query["signature"], NOW + later)
    assert held == (int(query["expires"]) * 1000 > NOW + later)


@given(st.text(), st.booleans())
def test_a_cleaned_text_is_clean_and_cleaning_it_again_changes_nothing(
    text: str, lines: bool
) -> None:
    made = clean(text, lines=lines)
    if made is None:
        return
    assert clean(made[0], lines=lines) == (made[0], False)
    assert made[0] == made[0].strip() == unicodedata.normalize("NFC", made[0])
    allowed = "\n\r\t" if lines else ""
    assert not any(unicodedata.category(sign) in ("Cc", "Cs") and sign not in allowed
                   for sign in made[0])  # fmt: skip


@given(st.one_of(st.text(), st.from_regex(r"\+?[0-9 ().-]{5,20}", fullmatch=True)))
def test_a_phone_is_e164_or_no_phone(text: str) -> None:
    made = phone(text)
    if made is not None:
        number, changed = made
        assert number[0] == "+" and number[1:].isascii() and number[1:].isdigit()
        assert 8 <= len(number) <= 16
        assert changed == (number != text)
        assert phone(number) is not None


@given(st.text(min_size=1), st.text(), st.lists(st.text(min_size=1), max_size=3))
def test_any_address_and_notes_are_looked_at_without_a_fault(
    address: str, notes: str, drugs: list[str]
) -> None:
    assert texts.address_incomplete(address) in (True, False)
    assert names_treatment(notes, notes or None, drugs) in (True, False)


@given(st.binary(max_size=200))
@example(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
def test_any_head_is_read_or_refused(head: bytes) -> None:
    with suppress(Invalid):
        _, length = framing.read_head(head)
        assert length == framing.CHUNKED or length >= 0


@given(st.dictionaries(
    st.text(string.ascii_uppercase + "_", max_size=12).map(lambda name: f"SCRIPTRUN_BOX_{name}"),
    st.text(max_size=20).filter(lambda text: "\x00" not in text),
    max_size=3,
))  # fmt: skip
def test_any_environment_is_settings_or_a_sentence(environ: dict[str, str]) -> None:
    with suppress(config.ConfigError):
        assert config.load(environ=environ).server.port >= 0


@given(st.text())
def test_any_text_of_an_owner_becomes_blocks(text: str) -> None:
    shown = "".join(_letters(markup.blocks(text)))
    assert set(shown) <= {*text, " "}  # lines of a paragraph are joined by a space


def _letters(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, list | tuple):
        return [letter for each in value for letter in _letters(each)]
    lines = getattr(value, "lines", None) or getattr(value, "text", "")
    return _letters(lines) if lines else []


@pytest.mark.parametrize("cents", [0, 1, 9, 10, 99, 100, 12_50, 9_999_999])
def test_money_has_two_decimals(cents: int) -> None:
    assert words.money_text(cents).replace(",", "").endswith(f".{cents % 100:02}")
