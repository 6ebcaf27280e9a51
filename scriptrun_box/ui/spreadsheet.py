"""CSV that opens safely in a spreadsheet: no text in it is taken for a formula."""

import csv
import io
from collections.abc import Iterable, Sequence

BYTE_ORDER_MARK = "\ufeff"  # without it, spreadsheets on Windows take UTF-8 for something else
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def csv_lines(rows: Iterable[Sequence[object]]) -> str:
    """A line for each row."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows([cell(each) for each in row] for row in rows)
    return out.getvalue()


def cell(value: object) -> str:
    """A value as a cell; an apostrophe before what looks like a formula says it is text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return str(value)
