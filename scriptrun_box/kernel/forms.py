"""Forms as browsers post them, with and without files, read strictly and in memory alone."""

import logging
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from python_multipart.multipart import FormParser, parse_options_header

from .errors import Invalid

FIELDS_MAX = 250  # 200 packages of the board, and what is said of them
FILES_MAX = 4
FIELD_MAX = 64 * 1024  # characters


logging.getLogger("python_multipart").disabled = True  # it quotes what it cannot read


@dataclass(slots=True)
class Form:
    """What was typed, every value of each field, and the files that came with it."""

    fields: dict[str, list[str]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)  # none for an input left empty


def read(content_type: str, body: bytes) -> Form:
    """A posted form; an empty one when the body is none. Raises Invalid for one that is broken.

    `body` is whole and bounded already. Nothing is ever written to a folder for temporary files,
    where a patient's data would be left lying about.
    """
    kind = content_type.partition(";")[0].strip().lower()
    try:
        if kind == "application/x-www-form-urlencoded":
            text = body.decode("utf-8")
            return Form(
                parse_qs(text, keep_blank_values=True, max_num_fields=FIELDS_MAX, errors="strict")
            )
        if kind == "multipart/form-data":
            return _with_files(content_type, body)
    except ValueError:  # the library's own errors are of this family
        raise Invalid("The form could not be read.", code="bad_form") from None
    return Form()


def _with_files(content_type: str, body: bytes) -> Form:
    made = Form()

    def on_field(each: Any) -> None:
        name = (each.field_name or b"").decode("utf-8")
        made.fields.setdefault(name, []).append((each.value or b"").decode("utf-8"))

    def on_file(each: Any) -> None:
        each.file_object.seek(0)
        if each.size:
            made.files[(each.field_name or b"").decode("utf-8")] = each.file_object.read()

    boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
    limits = {"MAX_MEMORY_FILE_SIZE": len(body) + 1}
    parser = FormParser("multipart/form-data", on_field, on_file, boundary=boundary, config=limits)
    parser.write(body)
    parser.finalize()
    typed = [value for values in made.fields.values() for value in values]
    if len(made.files) > FILES_MAX or len(typed) > FIELDS_MAX:
        raise ValueError("more than any form of ours")
    if any(len(value) > FIELD_MAX for value in typed):
        raise ValueError("a field as long as a file")
    return made
