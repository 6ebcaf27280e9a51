"""Forms as browsers post them: every field and file as it was sent, nothing on the disk."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scriptrun_box.kernel.errors import Invalid
from scriptrun_box.kernel.forms import FIELDS_MAX, FILES_MAX, Form, read

KIND = "multipart/form-data; boundary=aB1"


def part(name: str, body: bytes, file: str | None = None) -> bytes:
    """One part, as browsers write it."""
    named = f'; filename="{file}"' if file is not None else ""
    head = f'--aB1\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'
    return head.encode() + body + b"\r\n"


def whole(*parts: bytes) -> bytes:
    """A body of these parts."""
    return b"".join(parts) + b"--aB1--\r\n"


def test_fields_and_files_come_as_they_were_sent() -> None:
    photo = bytes(range(256)) * 8_000  # over a megabyte: libraries like to write that to /tmp
    body = whole(
        part("who", "Zoë 名".encode()),
        part("who", b""),
        part("photo", photo, "a.jpg"),
        part("none", b"", ""),
    )
    assert read(KIND, body) == Form({"who": ["Zoë 名", ""]}, {"photo": photo})


def test_a_plain_form_keeps_every_value() -> None:
    made = read("application/x-www-form-urlencoded; charset=utf-8", b"a=1&a=2&b=&c=%C3%A9")
    assert made == Form({"a": ["1", "2"], "b": [""], "c": ["é"]})


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/x-www-form-urlencoded", b"a=%ff"),
        ("application/x-www-form-urlencoded", b"&".join([b"a=1"] * (FIELDS_MAX + 1))),
        ("multipart/form-data", whole(part("a", b"1"))),
        (KIND, whole(part("a", b"\xff"))),
        (KIND, whole(*[part(f"a{n}", b"1") for n in range(FIELDS_MAX + 1)])),
        (KIND, whole(*[part(f"a{n}", b"1", "x") for n in range(FILES_MAX + 1)])),
        (KIND, whole(part("a", b"x" * 70_000))),
        (KIND, b"no boundary at all"),
    ],
)
def test_what_is_no_form_of_ours_is_refused(kind: str, body: bytes) -> None:
    with pytest.raises(Invalid) as refused:
        read(kind, body)
    assert refused.value.code == "bad_form"


def test_another_kind_of_body_is_no_form() -> None:
    assert read("application/json", b"{}") == Form() == read("", b"a=1")


@given(st.binary(max_size=300))
def test_whatever_comes_is_read_or_refused(noise: bytes) -> None:
    for body in (noise, whole(part("a", noise)), part("a", noise, "x") + noise):
        try:
            assert isinstance(read(KIND, body), Form)
        except Invalid:
            pass
