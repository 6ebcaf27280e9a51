"""Passwords: which may be used, and how they are kept."""

import pytest

from scriptrun_box.accounts import passwords
from scriptrun_box.kernel.errors import Invalid


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("", "too_short"),
        ("fourteen chars", "too_short"),
        ("🦊" * 14, "too_short"),
        ("x" * 257, "too_long"),
        ("aaaaaaaaaaaaaaaaaaaa", "not_allowed"),
        ("abababababababab", "not_allowed"),
        ("password12345678", "not_allowed"),
        ("PasswordPassword!", "not_allowed"),
        ("letmeinletmein123", "not_allowed"),
        ("scriptrunscriptrun", "not_allowed"),
        ("1234567812345678", "not_allowed"),
    ],
)
def test_what_is_too_short_or_guessed_at_once_is_refused(password: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        passwords.check(password)
    (detail,) = refused.value.details
    assert (detail["field"], detail["code"]) == ("password", code)
    assert not password or password not in str(detail)


@pytest.mark.parametrize(
    "password",
    [
        "fifteen letters",
        "correct horse battery",
        "пароль из нескольких слов",
        "x9" * 3 + " lamp river stone",
        "my password has many words",
        "q w e r t y u i o p" + "!" * 200,
    ],
)
def test_a_few_words_are_enough(password: str) -> None:
    passwords.check(password)


def test_what_looks_the_same_is_the_same_password() -> None:
    stored = passwords.hash_password("cafe\u0301 sur la place")
    assert passwords.matches("café sur la place", stored)
    assert not passwords.matches("cafe sur la place", stored)
    assert not passwords.matches("café sur la place ", stored)


def test_the_same_password_is_stored_differently_each_time() -> None:
    one, other = (passwords.hash_password("a dozen blue umbrellas") for _ in range(2))
    assert one != other
    assert one.startswith("scrypt$32768$8$1$")
    assert "umbrellas" not in one
    assert not passwords.matches("anything at all!", passwords.NOBODY)


@pytest.mark.anyio
async def test_where_there_is_nobody_no_password_is_right() -> None:
    assert not await passwords.matches_later("a dozen blue umbrellas", None)
