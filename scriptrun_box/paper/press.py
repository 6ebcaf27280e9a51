"""Draws PDFs in a process of its own, so that neither the event loop nor its threads wait for it.

Run as a module it is that process: a pickled paper comes in on standard input, the PDF goes out.
"""

import asyncio
import pickle
import subprocess
import sys
from functools import cache

from scriptrun_box.kernel.errors import Unavailable
from scriptrun_box.kernel.log import log

from . import pdf, sheets
from .model import Label, Manifest, PickList

Drawable = tuple[Label, ...] | Manifest | PickList
SECONDS = 30.0  # for one paper; 300 labels take about two
AT_ONCE = 2
EXTRA = "pdf"
MISSING = (
    "PDFs need the extra pdf: pip install 'scriptrun-box[pdf]'."
    " The page itself prints from any browser."
)


@cache
def can_draw() -> bool:
    """Whether what PDFs are drawn with is installed."""
    try:
        import font_roboto  # noqa: F401
        import reportlab  # noqa: F401
    except ImportError:
        return False
    return True


class Press:
    """Draws a few papers at a time."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def draw(self, paper: Drawable) -> bytes:
        """The paper as PDF; raises Unavailable where the extra is missing or it takes too long."""
        if not can_draw():
            raise Unavailable(MISSING, code="extra_missing", details=[{"extra": EXTRA}])
        async with self._turns:
            return await asyncio.to_thread(_draw_apart, pickle.dumps(paper))


def _draw_apart(paper: bytes) -> bytes:
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", __name__],
            input=paper,
            capture_output=True,
            timeout=SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        log.failure("a paper could not be drawn", error)
        sentence = "The PDF could not be made right now; please try again."
        raise Unavailable(sentence, headers={"Retry-After": "5"}) from None
    return done.stdout


def draw(paper: Drawable) -> bytes:
    """The paper as PDF, here and now."""
    if isinstance(paper, PickList):
        return sheets.pick_list(paper)
    if isinstance(paper, Manifest):
        return sheets.manifest(paper)
    return pdf.labels(paper)


if __name__ == "__main__":
    sys.stdout.buffer.write(draw(pickle.load(sys.stdin.buffer)))  # noqa: S301 - our own parent's
