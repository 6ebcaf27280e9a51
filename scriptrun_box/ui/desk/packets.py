"""Packets for auditors: ask for one, watch it being made, download it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response, StreamingResponse

from scriptrun_box.accounts import gates
from scriptrun_box.accounts.names import actor_name
from scriptrun_box.delivery.packet import actions, store
from scriptrun_box.delivery.packet.drawing import can_draw
from scriptrun_box.delivery.packet.model import REASON_WORDS, Packet
from scriptrun_box.delivery.packet.summary import KIND_WORDS
from scriptrun_box.kernel import clock
from scriptrun_box.kernel.clock import iso, iso_or_none
from scriptrun_box.kernel.db import Reader, Writer
from scriptrun_box.kernel.errors import Conflict, Invalid
from scriptrun_box.kernel.http import Call
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.ui import live, pages
from scriptrun_box.ui.settings.tables import csv_answer

PATH = "/packets"
SHOWN = 100
EXPORTED_MAX = 10_000
WATCHING = live.Watching(gates.PHARMACISTS.roles)
DONE = {"asked": "The packet is being made."}
STATE_WORDS = {
    "queued": ("Waiting", ""),
    "working": ("Being made", "info"),
    "ready": ("Ready", "ok"),
    "gone": ("Taken away", ""),
    "failed": ("Failed", "bad"),
}
COLUMNS = (
    "id", "kind", "packages", "state", "reason", "digest", "created_at", "finished_at",
    "created_by",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """A packet as the list shows it."""

    packet: Packet
    kind: str
    by: str
    word: str
    tone: str
    reason: str


async def packets(call: Call) -> Response:
    """GET /packets."""
    return await _page(call, notice=pages.done(call, DONE))


async def live_packets(call: Call) -> Response:
    """GET /live/packets: the changing part of the same list."""
    return await pages.render(call, "desk/packets_live.html", **await _list(call))


async def export(call: Call) -> Response:
    """GET /packets.csv."""
    lines = await call.box.db.read(_lines, call.whose, EXPORTED_MAX, "")
    return csv_answer("packets.csv", COLUMNS, (_cells(line) for line in lines))


async def ask(call: Call) -> Response:
    """POST /packets: of one package, a patient, a list of Rx numbers, or dates."""
    form = gates.form(call)
    whose, actor = call.whose, call.caller.actor
    asked: dict[str, Callable[[Writer], Packet]] = {
        "package": lambda w: actions.ask_for_package(w, whose, actor, form.get("package", "")),
        "patient": lambda w: actions.ask_for_patient(w, whose, actor, form.get("patient", "")),
        "dates": lambda w: actions.ask_for_dates(
            w, whose, actor, form.get("from", ""), form.get("until", "")
        ),
        "rx": lambda w: actions.ask_for_rx(
            w, whose, actor, form.get("rx", ""), leave_out="leave_out" in form
        ),
    }
    if form.get("kind") not in asked:
        return await _page(call, 400, problem="Say what the packet is to cover.")
    return await _do(call, asked[form["kind"]])


async def again(call: Call) -> Response:
    """POST /packets/{id}/again: the same packages, as they are now."""
    whose, actor, packet_id = call.whose, call.caller.actor, call.path_params["id"]
    return await _do(call, lambda w: actions.again(w, whose, actor, packet_id))


async def download(call: Call) -> Response:
    """GET /packets/{id}/packet.zip."""
    packet_id: str = call.path_params["id"]
    if call.method == "HEAD":
        await call.box.db.read(actions.find, call.whose, packet_id)
        return Response(media_type="application/zip")
    found = await call.box.db.write(actions.fetch, call.whose, call.caller.actor, packet_id)
    day = clock.local_date(found.created_at, "UTC")
    headers = {
        "Content-Disposition": f'attachment; filename="packet-{day}-{found.id[-8:]}.zip"',
        "Content-Length": str(found.bytes),
    }
    pieces = call.app.state.packets.read(found)
    return StreamingResponse(pieces, headers=headers, media_type="application/zip")


async def _do(call: Call, act: Callable[[Writer], Packet]) -> Response:
    call.box.disk.check()
    try:
        await call.box.db.write(act)
    except (Conflict, Invalid) as refusal:
        return await _page(call, refusal.status, problem=refusal.sentence)
    return pages.redirect(f"{PATH}?done=asked")


async def _page(call: Call, status: int = 200, *, problem: str = "", notice: str = "") -> Response:
    return await pages.render(
        call,
        "desk/packets.html",
        status,
        **await _list(call),
        form=gates.form(call) if problem else {},
        can_draw=await asyncio.to_thread(can_draw),
        problem=problem,
        notice=notice,
    )


async def _list(call: Call) -> dict[str, Any]:
    query = call.query_params.get("q", "").strip()
    return {"lines": await call.box.db.read(_lines, call.whose, SHOWN, query), "query": query}


def _lines(r: Reader, scope: Scope, limit: int, query: str) -> list[Line]:
    people: dict[str, str] = {}
    lines = []
    for packet in store.page(r, scope, limit):
        if packet.created_by not in people:
            people[packet.created_by] = actor_name(r, scope.tenant_id, packet.created_by)
        word, tone = STATE_WORDS[packet.state]
        reason = REASON_WORDS[packet.reason] if packet.reason else ""
        line = Line(packet, KIND_WORDS[packet.kind], people[packet.created_by], word, tone, reason)
        if query.casefold() in f"{line.kind} {line.by} {word} {packet.digest}".casefold():
            lines.append(line)
    return lines


def _cells(line: Line) -> list[object]:
    packet = line.packet
    return [
        packet.id,
        packet.kind,
        packet.packages,
        packet.state,
        line.reason,
        packet.digest,
        iso(packet.created_at),
        iso_or_none(packet.finished_at),
        line.by,
    ]
