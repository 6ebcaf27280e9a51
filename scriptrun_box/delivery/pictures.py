"""Pictures of a door, made anew in the worker process: small, upright, without what a camera adds.

Nothing a phone sent is ever shown or stored as it came: it is decoded within bounds and encoded
again, so that place, device and whatever else was hidden in the file is gone.
"""

import asyncio
import base64
import io
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from scriptrun_box.kernel.errors import Invalid, Refusal, TooLarge, Unavailable, UnsupportedMedia
from scriptrun_box.kernel.worker import Job, Progress, Worker, WorkFailed, serve

from .model import Picture, Signature

if TYPE_CHECKING:
    from PIL.Image import Image

PICTURE_BYTES_MAX = 12 * 1024 * 1024  # as it comes in
PIXELS_MAX = 25_000_000
STORED_BYTES_MAX = 150_000
STORED_EDGE = 1_600  # pixels, of the longer side
QUALITIES = (82, 70, 58, 45)  # of JPEG, until it is small enough; then with half the edge
FORMATS = ("JPEG", "PNG", "WEBP")
ENCODE_SECONDS, DRAW_SECONDS = 20.0, 10.0

STROKES_MAX, POINTS_MAX = 400, 20_000
STROKE_EDGE_MIN = 8  # a dot or a slip of the finger is no signature
COORDINATE_MAX = 10_000.0
DRAWN_WIDTH, DRAWN_HEIGHT, DRAWN_MARGIN, PEN = 600, 240, 12, 3  # pixels

Point = Sequence[float]  # x, y, and perhaps milliseconds since the first
Strokes = list[list[Point]]

# A worker that ended, or had no time: the same picture is sent again.
NOT_ITS_FAULT = ("died", "cancelled", "out_of_time")
REFUSALS: dict[str, Refusal] = {
    "not_a_picture": UnsupportedMedia("Send a JPEG, PNG or WebP picture.", code="not_a_picture"),
    "too_many_pixels": TooLarge("The picture has too many pixels.", code="too_many_pixels"),
    "broken": Invalid("The picture is broken or not whole; send it again.", code="picture_broken"),
}


class Pictures:
    """Encodes pictures and draws signatures, in a process that is there while it is needed."""

    def __init__(self) -> None:
        self._worker = Worker(__name__)

    async def encode(self, body: bytes) -> Picture:
        """A photo as the box keeps it; raises a Refusal for what is none."""
        if not body:
            raise REFUSALS["not_a_picture"]
        job = {"photo": await asyncio.to_thread(_as_text, body)}
        return await self._picture(job, ENCODE_SECONDS)

    async def draw(self, strokes: Strokes) -> Signature:
        """A signature from what a finger drew, in any unit; raises Invalid for none."""
        need_signature(strokes)
        picture = await self._picture({"strokes": strokes}, DRAW_SECONDS)
        return Signature(json.dumps(strokes, separators=(",", ":")), picture)

    async def stop(self) -> None:
        """End with the box."""
        await self._worker.stop()

    async def _picture(self, job: Job, seconds: float) -> Picture:
        try:
            result = await self._worker.run(job, seconds, lambda percent: None)
        except WorkFailed as failed:
            if failed.reason in NOT_ITS_FAULT:
                raise Unavailable(headers={"Retry-After": "5"}) from None
            raise REFUSALS["broken"] from None
        if "refused" in result:
            raise REFUSALS[result["refused"]]
        return Picture(result["type"], base64.b64decode(result["body"]))


def _as_text(body: bytes) -> str:
    return base64.b64encode(body).decode()


def need_signature(strokes: Strokes) -> None:
    """Refuse what is no signature: nothing drawn, a dot, or more than a hand draws."""
    points = [point for stroke in strokes for point in stroke]
    if len(strokes) > STROKES_MAX or len(points) > POINTS_MAX:
        raise Invalid("The signature has more points than a hand draws.", code="signature_bad")
    if any(len(p) < 2 or max(abs(p[0]), abs(p[1])) > COORDINATE_MAX for p in points):
        raise Invalid("The signature is not drawn in points.", code="signature_bad")
    left, top, right, bottom = _bounds(points)
    if max(right - left, bottom - top) < STROKE_EDGE_MIN:
        raise Invalid("There is no signature yet.", code="signature_empty")


def _bounds(points: list[Point]) -> tuple[float, float, float, float]:
    across, down = [point[0] for point in points], [point[1] for point in points]
    if not points:
        return 0.0, 0.0, 0.0, 0.0
    return min(across), min(down), max(across), max(down)


# In the worker's process -------------------------------------------------------------------------


def _run(job: Job, progress: Progress) -> Job:
    if "strokes" in job:
        return _answer("image/png", _drawn(job["strokes"]))
    return _encoded(base64.b64decode(job["photo"]))


def _answer(type: str, body: bytes) -> Job:
    return {"type": type, "body": base64.b64encode(body).decode()}


def _encoded(body: bytes) -> Job:
    from PIL import Image, ImageOps, UnidentifiedImageError

    Image.MAX_IMAGE_PIXELS = None  # the head is looked at before anything is decoded
    try:
        with Image.open(io.BytesIO(body), formats=FORMATS) as opened:
            if opened.width * opened.height > PIXELS_MAX:
                return {"refused": "too_many_pixels"}
            opened.draft("RGB", (STORED_EDGE, STORED_EDGE))
            upright = ImageOps.exif_transpose(opened)
            picture = _on_white(upright)
    except UnidentifiedImageError:
        return {"refused": "not_a_picture"}
    except MemoryError:
        raise
    except Exception:  # whatever a decoder makes of a broken file
        return {"refused": "broken"}
    return _answer("image/jpeg", _small(picture))


def _on_white(picture: "Image") -> "Image":
    """Three colours, no palette; what was see-through is white."""
    from PIL import Image

    if picture.mode not in ("RGBA", "LA", "PA", "P"):
        return picture.convert("RGB")
    seen = picture.convert("RGBA")
    ground = Image.new("RGB", seen.size, "white")
    ground.paste(seen, mask=seen.getchannel("A"))
    return ground


def _small(picture: "Image") -> bytes:
    """As a JPEG that is small enough, the best there is."""
    edge = STORED_EDGE
    while True:
        picture.thumbnail((edge, edge))
        for quality in QUALITIES:
            out = io.BytesIO()
            picture.save(out, "JPEG", quality=quality, optimize=True, progressive=True)
            if out.tell() <= STORED_BYTES_MAX:
                return out.getvalue()
        edge //= 2


def _drawn(strokes: Strokes) -> bytes:
    """Black on white, as large as fits, in its own proportions."""
    from PIL import Image, ImageDraw

    left, top, right, bottom = _bounds([point for stroke in strokes for point in stroke])
    scale = min(
        (DRAWN_WIDTH - 2 * DRAWN_MARGIN) / max(right - left, 1.0),
        (DRAWN_HEIGHT - 2 * DRAWN_MARGIN) / max(bottom - top, 1.0),
    )
    sheet = Image.new("L", (DRAWN_WIDTH, DRAWN_HEIGHT), 255)
    pen = ImageDraw.Draw(sheet)
    for stroke in strokes:
        line = [
            (DRAWN_MARGIN + (p[0] - left) * scale, DRAWN_MARGIN + (p[1] - top) * scale)
            for p in stroke
        ]
        pen.line(line, fill=0, width=PEN, joint="curve")
        for x, y in line[:1]:
            pen.ellipse((x - 1, y - 1, x + 1, y + 1), fill=0)
    out = io.BytesIO()
    sheet.quantize(4).save(out, "PNG", optimize=True)
    return out.getvalue()


if __name__ == "__main__":
    serve(_run)
