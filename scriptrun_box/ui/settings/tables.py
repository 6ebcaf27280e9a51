"""Tables to take away as CSV."""

from collections.abc import Iterable, Sequence
from typing import Any

from starlette.responses import Response

from scriptrun_box.ui.spreadsheet import BYTE_ORDER_MARK, csv_lines


def csv_answer(name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Response:
    """A file to download."""
    text = BYTE_ORDER_MARK + csv_lines([columns, *rows])
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, headers=headers, media_type="text/csv; charset=utf-8")
