"""The delivery log of a packet as PDF, drawn in a process of its own.

Run as a module it is that process. Small signatures are drawn into it, larger ones are named.
"""

import asyncio
import io
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from html import escape
from typing import Any

from scriptrun_box.kernel.log import log
from scriptrun_box.kernel.worker import Job, Progress, Worker, WorkFailed, serve

from . import summary
from .model import Cover, Line

SECONDS = 120.0
SIGNATURES_BYTES_MAX = 3 * 1024 * 1024  # drawn into one PDF; those beyond are named
SIGNATURE_BYTES_MAX = 24 * 1024  # a larger one is a photographed sheet
WIDTHS = (82, 62, 62, 72, 130, 112, 92, 72, 70)  # points, of the columns
SIGNATURE_WIDTH, SIGNATURE_HEIGHT = 80, 32  # points
FONT, BOLD = "Roboto", "Roboto-Bold"


@cache
def can_draw() -> bool:
    """Whether what PDFs are drawn with is installed."""
    try:
        import font_roboto  # noqa: F401
        import reportlab  # noqa: F401
    except ImportError:
        return False
    return True


class Drawer:
    """Draws logs, one after the other."""

    def __init__(self) -> None:
        self._worker = Worker(__name__)

    async def draw(
        self, cover: Cover, lines: Sequence[Line], signatures: Mapping[str, bytes]
    ) -> bytes | None:
        """The log as PDF; None where the extra is missing or drawing failed."""
        if not await asyncio.to_thread(can_draw):  # the first time it loads what draws
            return None
        job = await asyncio.to_thread(_job, cover, lines, signatures)
        try:
            done = await self._worker.run(job, SECONDS, lambda percent: None)
        except WorkFailed as failure:
            log.warning("the log of a packet could not be drawn", reason=failure.reason)
            return None
        return await asyncio.to_thread(b64decode, done["pdf"])

    async def stop(self) -> None:
        """End with the box."""
        await self._worker.stop()


def _job(cover: Cover, lines: Sequence[Line], signatures: Mapping[str, bytes]) -> Job:
    return {
        "title": summary.title(cover),
        "told": summary.told(cover, len(lines)),
        "lines": [asdict(line) for line in lines],
        "signatures": {name: b64encode(body).decode() for name, body in signatures.items()},
    }


# In the worker's process --------------------------------------------------------------------------


def _work(job: Job, progress: Progress) -> Job:
    return {"pdf": b64encode(_drawn(job)).decode()}


def _drawn(job: Job) -> bytes:
    import font_roboto
    from reportlab.lib.colors import HexColor
    from reportlab.lib.pagesizes import landscape, letter
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont
    from reportlab.platypus import LongTable, Paragraph, SimpleDocTemplate

    pdfmetrics.registerFont(TTFont(FONT, font_roboto.Roboto))
    pdfmetrics.registerFont(TTFont(BOLD, font_roboto.RobotoBold))
    plain = ParagraphStyle("plain", fontName=FONT, fontSize=7.5, leading=9.5)
    bold = ParagraphStyle("bold", parent=plain, fontName=BOLD)
    large = ParagraphStyle("large", parent=bold, fontSize=13, leading=18)
    rows: list[list[Any]] = [[Paragraph(head, bold) for head in summary.HEADS]]
    for line in job["lines"]:
        rows.append(_cells(Line(**line), job["signatures"], plain))
    table = LongTable(rows, colWidths=WIDTHS, repeatRows=1)
    grey, light = HexColor("#c8d0d8"), HexColor("#eef2f5")
    table.setStyle(
        [
            ("GRID", (0, 0), (-1, -1), 0.4, grey),
            ("BACKGROUND", (0, 0), (-1, 0), light),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (-1, -1), 4),
            ("RIGHTPADDING", (0, 0), (-1, -1), 4),
        ]
    )
    out = io.BytesIO()
    paper = SimpleDocTemplate(
        out,
        pagesize=landscape(letter),
        leftMargin=18,
        rightMargin=18,
        topMargin=28,
        bottomMargin=28,
        title=job["title"],
    )
    head = [
        Paragraph(escape(job[name]), style) for name, style in (("title", large), ("told", plain))
    ]
    paper.build([*head, Paragraph(summary.VERIFY, plain), Paragraph("&nbsp;", plain), table])
    return out.getvalue()


def _cells(line: Line, signatures: Mapping[str, str], style: Any) -> list[Any]:
    from reportlab.lib.utils import ImageReader
    from reportlab.platypus import Image, Paragraph

    texts = [
        line.patient,
        line.rx or "no Rx",
        line.filled or "not given",
        line.delivered,
        line.address,
        line.received,
    ]
    signature: Any = Paragraph(escape(line.signature or "none"), style)
    if line.signature in signatures:
        body = io.BytesIO(b64decode(signatures[line.signature]))
        with suppress(Exception):  # one that cannot be drawn is named, as a large one is
            ImageReader(body)
            signature = Image(body, SIGNATURE_WIDTH, SIGNATURE_HEIGHT, kind="proportional")
    number = line.record.partition("/")[2].partition("-")[0]
    return [
        *(Paragraph(escape(each), style) for each in texts),
        signature,
        Paragraph(escape(line.copay), style),
        Paragraph(f"record {number}", style),
    ]


if __name__ == "__main__":
    serve(_work)
