"""Draws PDFs and many QR codes in a process of its own: the event loop does not wait for them.

Run as a module it is that process: `kernel/worker.py` hands it one paper after the other.
"""

import asyncio
import pickle
from base64 import b64decode, b64encode
from collections.abc import Sequence
from contextlib import suppress
from functools import cache

from scriptrun_box.kernel.errors import Conflict, Unavailable
from scriptrun_box.kernel.log import log
from scriptrun_box.kernel.worker import Job, Progress, Worker, WorkFailed, serve

from . import codes, pdf, sheets
from .model import Label, Manifest, PickList

Drawable = tuple[Label, ...] | Manifest | PickList
SECONDS = 30.0  # for one paper; 300 labels take about two
RETRY_SECONDS = 5
CODES_HERE = 5  # 0.7 ms each
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
    """Draws papers, one after the other."""

    def __init__(self) -> None:
        self._worker = Worker(__name__)

    async def draw(self, paper: Drawable) -> bytes:
        """The paper as PDF; Conflict where the extra is missing, Unavailable where it failed."""
        if not can_draw():
            raise Conflict(MISSING, code="extra_missing", details=[{"extra": EXTRA}])
        job = {"paper": b64encode(pickle.dumps(paper)).decode()}
        try:
            done = await self._worker.run(job, SECONDS, lambda percent: None)
        except WorkFailed as failure:
            log.warning("a paper could not be drawn", reason=failure.reason)
            sentence = "The PDF could not be made right now; please try again."
            raise Unavailable(sentence, headers={"Retry-After": str(RETRY_SECONDS)}) from None
        return b64decode(done["pdf"])

    async def codes(self, texts: Sequence[str]) -> list[str]:
        """Each QR code as an inline drawing; a few of them cost less than handing them over."""
        if len(texts) > CODES_HERE:
            with suppress(WorkFailed):
                job = {"codes": list(texts)}
                done = await self._worker.run(job, SECONDS, lambda percent: None)
                return list(done["codes"])
        return await asyncio.to_thread(_codes, texts)

    async def stop(self) -> None:
        """End with the box."""
        await self._worker.stop()


def draw(paper: Drawable) -> bytes:
    """The paper as PDF, here and now."""
    if isinstance(paper, PickList):
        return sheets.pick_list(paper)
    if isinstance(paper, Manifest):
        return sheets.manifest(paper)
    return pdf.labels(paper)


def _codes(texts: Sequence[str]) -> list[str]:
    return [codes.svg(text) for text in texts]


def _work(job: Job, progress: Progress) -> Job:
    if "codes" in job:
        return {"codes": _codes(job["codes"])}
    paper = pickle.loads(b64decode(job["paper"]))  # noqa: S301 - comes from our own parent
    return {"pdf": b64encode(draw(paper)).decode()}


if __name__ == "__main__":
    serve(_work)
