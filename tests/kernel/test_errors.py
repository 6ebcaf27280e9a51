"""The family of refusals: one tree, one shape, sentences for people and codes for programs."""

import json
import re
from collections.abc import Iterator

import pytest

from scriptrun_box.kernel import errors
from scriptrun_box.kernel.errors import DiskFull, Invalid, Refusal

STATUSES = {400, 401, 402, 403, 404, 405, 408, 409, 410, 413, 415, 421, 429, 500, 503, 507}


def family(kind: type[Refusal] = Refusal) -> Iterator[type[Refusal]]:
    for each in kind.__subclasses__():
        yield each
        yield from family(each)


FAMILY = [each for each in family() if each.__module__ == errors.__name__]


def test_there_is_one_class_for_every_status_of_ours() -> None:
    assert sorted(each.status for each in FAMILY) == sorted(STATUSES)


@pytest.mark.parametrize("kind", FAMILY)
def test_every_refusal_has_the_one_shape(kind: type[Refusal]) -> None:
    refusal = kind()
    shape = json.loads(refusal.body("req_1"))
    assert list(shape) == ["error", "code", "details", "request_id"]
    assert shape["request_id"] == "req_1"
    assert shape["details"] == []
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", shape["code"])
    assert re.fullmatch(r"[A-Z][^\n]*\.", shape["error"])


@pytest.mark.parametrize("kind", FAMILY)
def test_every_refusal_stands_in_the_tree_with_its_status_and_code(kind: type[Refusal]) -> None:
    tree = errors.__doc__ or ""
    line = re.search(rf"── {kind.__name__} +(\d+) +(.+)", tree)
    assert line, kind
    assert int(line[1]) == kind.status
    assert kind.code in line[2]


def test_a_refusal_says_what_it_was_given_and_its_text_is_only_a_code() -> None:
    refusal = Invalid("Say when.", code="bad_when", details=[{"field": "when"}], headers={"A": "b"})
    shape = json.loads(refusal.body("req_2"))
    assert shape == {
        "error": "Say when.",
        "code": "bad_when",
        "details": [{"field": "when"}],
        "request_id": "req_2",
    }
    assert refusal.headers == {"A": "b"}
    assert str(refusal) == "bad_when"  # what a traceback or a log would show


def test_a_full_disk_says_when_to_come_again() -> None:
    assert DiskFull().headers == {"Retry-After": "60"}


def test_letters_beyond_ascii_are_sent_as_they_are() -> None:
    assert "señor" in Invalid("Sí, señor.").body("req_3").decode()
