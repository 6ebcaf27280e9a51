"""What every page of paper has: for the browser's own print, as PDF, and to a label printer."""

import asyncio
from collections.abc import Iterable
from typing import Any

from markupsafe import Markup
from starlette.responses import Response

from scriptrun_box.kernel.http import Call
from scriptrun_box.paper import store
from scriptrun_box.paper.api import PDF, press_of
from scriptrun_box.paper.press import MISSING, Drawable, can_draw
from scriptrun_box.ui import pages


async def show(call: Call, template: str, drawn: Iterable[str], **values: Any) -> Response:
    """A page that prints as it stands; `drawn` are the texts of its QR codes."""
    texts = list(dict.fromkeys(drawn))
    codes = await press_of(call).codes(texts)
    qr = {text: Markup(code) for text, code in zip(texts, codes, strict=True)}  # noqa: S704 - ours
    return await pages.render(
        call,
        template,
        qr=qr,
        printers=await call.box.db.read(store.printers, call.whose.tenant_id),
        no_pdf="" if await asyncio.to_thread(can_draw) else MISSING,
        **values,
    )


async def as_pdf(call: Call, paper: Drawable, name: str) -> Response:
    """The same as a PDF that the browser shows."""
    headers = {"Content-Disposition": f'inline; filename="{name}.pdf"'}
    return Response(await press_of(call).draw(paper), headers=headers, media_type=PDF)
