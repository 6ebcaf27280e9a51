"""What is wrong with the shape of a body: field, stable code and a sentence, never a value."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from . import strict_json
from .errors import Invalid

Model = TypeVar("Model", bound=BaseModel)

_CODES = {
    "missing": "missing",
    "literal_error": "not_allowed",
    "extra_forbidden": "not_allowed",
    "string_too_short": "too_short",
    "string_too_long": "too_long",
    "too_short": "too_short",
    "too_long": "too_long",
    "greater_than_equal": "too_small",
    "less_than_equal": "too_large",
    "decimal_max_places": "bad_format",
    "string_pattern_mismatch": "bad_format",
    "bad_format": "bad_format",
}  # all else is wrong_type
_TYPES = {
    "string_type": "text",
    "bool_type": "true or false",
    "list_type": "a list",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "decimal_type": "a number",
    "finite_number": "a number",
    "is_instance_of": "a number",
    "model_type": "an object",
}


def checked(model: type[Model], given: dict[str, Any]) -> Model:
    """An object as a (small) model; raises Invalid with each of its problems."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise Invalid(details=problems(error, given)) from None


def problems(error: ValidationError, given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each thing that is wrong with what was given: field (in dots), code, message."""
    found = []
    for item in error.errors(include_input=False, include_url=False):
        field = _field(item, given)
        code = _CODES.get(item["type"], "wrong_type")
        found.append({"field": field, "code": code, "message": _sentence(field, code, item)})
    return found


def _field(item: ErrorDetails, given: Mapping[str, Any]) -> str:
    """Where something is wrong; a name that is not ours only as answers may show it.

    Of a list it is the list: which of its entries was refused says less than its name.
    """
    names = [part for part in item["loc"] if isinstance(part, str)]
    if item["type"] == "extra_forbidden":
        position = list(given).index(names[0])
        names[-1] = strict_json.shown_name(names[-1], position)
    return ".".join(names)


def _sentence(field: str, code: str, item: ErrorDetails) -> str:
    kind, context = item["type"], item.get("ctx", {})
    if code == "missing":
        return f"{field} is required."
    if code == "too_short":
        return f"{field} must not be empty."
    if code == "too_long":
        counted = "characters" if kind == "string_too_long" else "entries"
        return f"{field} has at most {context['max_length']} {counted}."
    if code == "too_small":
        return f"{field} is at least {context['ge']}."
    if code == "too_large":
        return f"{field} is at most {context['le']}."
    if kind == "extra_forbidden":
        return f"{field} is not known here."
    if code == "not_allowed":
        return f"{field} is one of {context['expected']}."
    if kind == "decimal_max_places":
        return f"{field} has at most two decimals."
    if kind == "string_pattern_mismatch":
        return f"{field} is not written as it should be."
    if code == "bad_format":
        return f"{field} {item['msg']}."
    return f"{field} must be {_TYPES.get(kind, 'of another type')}."
