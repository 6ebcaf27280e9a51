"""JSON as callers must send it: UTF-8, no key twice, no NaN, not too deep; money stays exact."""

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from pydantic_core import to_json

from .errors import Invalid

MAX_DEPTH = 32
MAX_NUMBER_CHARS = 40
SHOWABLE_NAME = re.compile(r"[A-Za-z0-9_]{1,40}")


class _Duplicate(ValueError):
    """An object names the same key twice."""


def loads(raw: bytes) -> Any:
    """The value of a JSON document, numbers with a point as Decimal; raises Invalid."""
    try:
        value = _DECODER.decode(raw.decode("utf-8"))
        if b"\\u" in raw:
            _refuse_lone_surrogates(value)
    except _Duplicate:
        raise Invalid("The body names a key twice.", code="duplicate_key") from None
    except RecursionError:
        raise _too_deep() from None
    except (ValueError, InvalidOperation):  # the latter: an exponent beyond any number
        raise Invalid("The body is not valid JSON in UTF-8.", code="invalid_json") from None
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH and _deeper_than(value, MAX_DEPTH):
        raise _too_deep()
    return value


def load_object(raw: bytes) -> dict[str, Any]:
    """As `loads`, where the document must be an object."""
    value = loads(raw)
    if not isinstance(value, dict):
        raise Invalid("The body must be a JSON object.", code="not_an_object")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _Duplicate
    return made


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _decimal(text: str) -> Decimal:
    if len(text) > MAX_NUMBER_CHARS:
        raise ValueError("number too long")
    return Decimal(text)


def _integer(text: str) -> int:
    if len(text) > MAX_NUMBER_CHARS:
        raise ValueError("number too long")
    return int(text)


def _refuse_lone_surrogates(value: Any) -> None:
    """Half a surrogate pair is no text: it cannot be stored or sent."""
    json.dumps(value, ensure_ascii=False, default=str).encode("utf-8")


def _deeper_than(value: Any, levels: int) -> bool:
    """Whether lists and objects are nested in each other more than `levels` times."""
    if isinstance(value, dict):
        return levels == 0 or any(
            _deeper_than(each, levels - 1)
            for each in value.values()
            if isinstance(each, dict | list)
        )
    if isinstance(value, list):
        return levels == 0 or any(
            _deeper_than(each, levels - 1) for each in value if isinstance(each, dict | list)
        )
    return False


def _too_deep() -> Invalid:
    return Invalid(f"The body is nested deeper than {MAX_DEPTH} levels.", code="too_deep")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_constant=_refuse_constant,
    parse_float=_decimal,
    parse_int=_integer,
)


def dumps(value: Any) -> bytes:
    """Compact JSON in UTF-8, keys in the order they were put in."""
    return to_json(value)


def shown_name(name: str, position: int) -> str:
    """How an answer names a key it does not know: a name may be somebody's data as well."""
    return name if SHOWABLE_NAME.fullmatch(name) else f"field_{position}"
