"""JSON as callers must send it: what is taken, what is refused, and nothing else can happen."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scriptrun_box.kernel import strict_json
from scriptrun_box.kernel.errors import Invalid

texts = st.text(st.characters(exclude_categories=["Cs"]))
scalars = st.none() | st.booleans() | st.integers(-(10**38), 10**38) | texts
values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=30
)


def code_of(raw: bytes) -> str:
    """The code a document is refused with; "" when it is taken."""
    try:
        strict_json.loads(raw)
    except Invalid as refusal:
        return refusal.code
    return ""


@given(values, st.booleans())
def test_what_pythons_own_writer_makes_is_read_back(value: Any, ascii_only: bool) -> None:
    assert strict_json.loads(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(values)
def test_what_we_write_is_read_back(value: Any) -> None:
    assert strict_json.loads(strict_json.dumps(value)) == value


@given(st.binary())
@example(b"1e999999999999999999999")
@example(b"-1e-999999999999999999999")
@example(b'{"a": 0e99999999999999999999}')
@example(b'["\\ud800"]')
@example(b"\xef\xbb\xbf{}")
@example(b'"' + b'\\"' * 1000)
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    assert code_of(raw) in ("", "invalid_json", "duplicate_key", "too_deep")


@given(st.text('[]{}",:\\ue1290.-+ntrfals \n', max_size=60))
def test_anything_that_looks_like_json_is_read_as_python_reads_it_or_refused(text: str) -> None:
    if code_of(text.encode()) == "":
        assert strict_json.loads(text.encode()) == json.loads(text, parse_float=Decimal)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "invalid_json"),
        (b" ", "invalid_json"),
        (b"{", "invalid_json"),
        (b"{} {}", "invalid_json"),
        (b"{'a': 1}", "invalid_json"),
        (b'{"a": 1,}', "invalid_json"),
        (b"// no\n{}", "invalid_json"),
        (b"NaN", "invalid_json"),
        (b'{"a": Infinity}', "invalid_json"),
        (b"[-Infinity]", "invalid_json"),
        (b"01", "invalid_json"),
        (b"1" * 41, "invalid_json"),
        (b"0." + b"1" * 39, "invalid_json"),
        (b'"a\nb"', "invalid_json"),
        (b'"\xff"', "invalid_json"),
        (b'"\xed\xa0\x80"', "invalid_json"),
        (b'"\\ud800"', "invalid_json"),
        (b'{"\\udfff": 1}', "invalid_json"),
        (b'[{"a": ["\\ud83d x"]}]', "invalid_json"),
        (b"\xef\xbb\xbf{}", "invalid_json"),
        ("{}".encode("utf-16"), "invalid_json"),
        ('{"a": 1}'.encode("utf-16-be"), "invalid_json"),
        ("{}".encode("utf-32"), "invalid_json"),
        (b'{"a": 1, "a": 1}', "duplicate_key"),
        (b'{"a": {"b": 1, "\\u0062": 2}}', "duplicate_key"),
        (b"[" * 33 + b"]" * 33, "too_deep"),
        (b'{"a":' * 33 + b"1" + b"}" * 33, "too_deep"),
        (b"[" * 500_000, "too_deep"),
        (b"[" * 32 + b"]" * 32, ""),
        (b"[" + b"[]," * 5_000 + b"[]]", ""),
        (b'"' + b"[" * 100 + b'"', ""),
        (b'"\\ud83d\\ude00"', ""),
        (b"1" * 40, ""),
        (b"1e400", ""),
        (b" \r\n\t{} ", ""),
    ],
)
def test_the_rules(raw: bytes, code: str) -> None:
    assert code_of(raw) == code


def test_money_stays_exact() -> None:
    assert strict_json.loads(b"12.10") == Decimal("12.10")
    assert str(strict_json.loads(b"12.10")) == "12.10"
    assert type(strict_json.loads(b"12")) is int


@pytest.mark.parametrize("raw", [b"1", b"[]", b'"{}"', b"null"])
def test_a_body_that_must_be_an_object_is_one(raw: bytes) -> None:
    with pytest.raises(Invalid) as caught:
        strict_json.load_object(raw)
    assert caught.value.code == "not_an_object"


def test_a_refusal_never_repeats_what_was_sent() -> None:
    for raw in (b'{"Maria": 1, "Maria": 2}', b'{"Maria"', b'"Maria \xff"'):
        with pytest.raises(Invalid) as caught:
            strict_json.loads(raw)
        assert "Maria" not in caught.value.sentence
        assert "Maria" not in str(caught.value)
        assert not caught.value.details
