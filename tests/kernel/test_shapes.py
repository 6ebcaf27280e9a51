"""What is wrong with a body is said field by field, in sentences that repeat no value."""

from decimal import Decimal
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from scriptrun_box.kernel.errors import Invalid
from scriptrun_box.kernel.shapes import checked


class Inner(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    at: int = 0


class Shape(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=5)]
    kind: Literal["a", "b"] = "a"
    count: Annotated[int, Field(ge=1, le=9)] = 1
    zip: Annotated[str, Field(pattern=r"^[0-9]{5}$")] = "00000"
    on: bool = False
    price: Annotated[Decimal, Field(decimal_places=2)] = Decimal(0)
    words: Annotated[list[Literal["x", "y"]], Field(max_length=2)] = []
    inner: Inner = Inner()


@pytest.mark.parametrize(
    ("given", "field", "code", "message"),
    [
        ({}, "name", "missing", "name is required."),
        ({"name": ""}, "name", "too_short", "name must not be empty."),
        ({"name": "secret"}, "name", "too_long", "name has at most 5 characters."),
        ({"name": 7}, "name", "wrong_type", "name must be text."),
        ({"kind": "secret"}, "kind", "not_allowed", "kind is one of 'a' or 'b'."),
        ({"count": 0}, "count", "too_small", "count is at least 1."),
        ({"count": 10}, "count", "too_large", "count is at most 9."),
        ({"count": "7"}, "count", "wrong_type", "count must be a whole number."),
        ({"zip": "secret"}, "zip", "bad_format", "zip is not written as it should be."),
        ({"on": "yes"}, "on", "wrong_type", "on must be true or false."),
        ({"price": Decimal("1.005")}, "price", "bad_format", "price has at most two decimals."),
        ({"words": "x"}, "words", "wrong_type", "words must be a list."),
        ({"words": ["x", "secret"]}, "words", "not_allowed", "words is one of 'x' or 'y'."),
        ({"words": ["x"] * 3}, "words", "too_long", "words has at most 2 entries."),
        ({"inner": {"at": "secret"}}, "inner.at", "wrong_type", "inner.at must be a whole number."),
        ({"inner": 5}, "inner", "wrong_type", "inner must be an object."),
        ({"extra": 1}, "extra", "not_allowed", "extra is not known here."),
        ({"<b>secret": 1}, "field_1", "not_allowed", "field_1 is not known here."),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence_without_the_value(
    given: dict[str, Any], field: str, code: str, message: str
) -> None:
    given = given if given == {} or "name" in given else {"name": "Ann", **given}
    with pytest.raises(Invalid) as refused:
        checked(Shape, given)
    assert refused.value.details == [{"field": field, "code": code, "message": message}]
    assert "secret" not in message


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(Invalid) as refused:
        checked(Shape, {"kind": "c", "on": 1})
    assert [each["field"] for each in refused.value.details] == ["name", "kind", "on"]
