"""The board's page, its live parts, and the same as a CSV file."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from scriptrun_box.kernel import clock
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.http import CSP, Call
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.packages.api import PACKAGE_ID, Q_MAX, look
from scriptrun_box.ui import leaflet, pages, parcel
from scriptrun_box.ui.desk import sheet

from . import queries
from .drawing import draw
from .model import Board, Card, Choice

PATH = "/board"
IDS_MAX = 200  # cards asked for by name
LOCATION = re.compile(r"[0-9a-f-]{36}")
DONE = {"moved": "Done."}


async def board(call: Call) -> Response:
    """GET /board."""
    return await page(call, choice_of(call), notice=pages.done(call, DONE))


async def live_board(call: Call) -> Response:
    """GET /live/board: the whole of what changes, or with `ids` the cards of these packages."""
    ids = [
        each for each in call.query_params.get("ids", "").split(",") if PACKAGE_ID.fullmatch(each)
    ]
    if ids:
        return await some(call, choice_of(call), ids[:IDS_MAX])
    shown = await _read(call, choice_of(call))
    return await pages.render(call, "board/live.html", **await _words(call, shown))


async def export(call: Call) -> Response:
    """GET /board.csv: what the board shows."""
    shown = await call.box.db.read(queries.board, call.whose, choice_of(call), clock.now_ms())
    rows = [card.package for column in shown.columns for card in column.cards]
    look(call, "packages.exported", None, count=len(rows))
    headers = {"Content-Disposition": f'attachment; filename="board-{shown.choice.date}.csv"'}
    return Response(sheet.head() + sheet.lines(rows), 200, headers, media_type="text/csv")


async def live_map(call: Call) -> Response:
    """GET /live/board-map: the drawing alone, once somebody has moved something."""
    shown = await _read(call, replace(choice_of(call), map=True))
    return await pages.render(call, "board/map.html", **await _words(call, shown))


async def page(
    call: Call,
    choice: Choice,
    status: int = 200,
    *,
    problems: Sequence[str] = (),
    notice: str = "",
    undo: str = "",
) -> Response:
    """The page; `problems` say what could not be moved."""
    shown = await _read(call, choice)
    more = {"undo": undo} if undo else {}
    answer = await pages.render(
        call,
        "board/board.html",
        status,
        **await _words(call, shown),
        problems=problems,
        notice=notice,
        **more,
    )
    tiles = _tiles(call, shown.choice)
    if tiles:
        answer.headers["Content-Security-Policy"] = CSP.replace(
            "img-src ", f"img-src {leaflet.tile_host(tiles)} "
        )
    return answer


async def some(
    call: Call,
    choice: Choice,
    ids: Sequence[str],
    *,
    problems: Sequence[str] = (),
    notice: str = "",
    undo: str = "",
) -> Response:
    """Only the cards of these packages, and the heads of all columns."""
    shown, found = await call.box.db.read(_some, call.whose, choice, ids)
    look(call, "packages.listed", None, count=len(found))
    gone = set(ids) - {card.package.id for card in found}
    return await pages.render(
        call,
        "board/some.html",
        **await _words(call, shown),
        cards=found,
        gone=sorted(gone),
        problems=problems,
        notice=notice,
        undo=undo,
    )


def choice_of(call: Call) -> Choice:
    """The filters in the address."""
    return chosen(call.query_params)


def chosen(query: Mapping[str, str]) -> Choice:
    """What a query asks for; anything it cannot mean is left out."""
    location = query.get("location", "")
    return Choice(
        date=_date(query.get("date", "")),
        q=query.get("q", "").strip()[:Q_MAX],
        location_id=location if LOCATION.fullmatch(location) else "",
        map=query.get("map", "") == "1",
    )


def query_of(choice: Choice, **changed: str) -> str:
    """The address's query for a choice: `?…`, or nothing."""
    fields = {
        "date": choice.date,
        "q": choice.q,
        "location": choice.location_id,
        "map": "1" if choice.map else "",
        **changed,
    }
    given = {name: value for name, value in fields.items() if value}
    return f"?{urlencode(given)}" if given else ""


async def _read(call: Call, choice: Choice) -> Board:
    shown = await call.box.db.read(queries.board, call.whose, choice, clock.now_ms())
    look(call, "packages.listed", None, count=shown.shown)
    return shown


def _some(r: Reader, scope: Scope, choice: Choice, ids: Sequence[str]) -> tuple[Board, list[Card]]:
    now = clock.now_ms()
    return queries.heads(r, scope, choice, now), queries.cards(r, scope, choice, ids, now)


def _tiles(call: Call, choice: Choice) -> str:
    """The owner's tile server, where the page shows a map of it."""
    known = choice.map and "leaflet.js" in pages.ASSETS
    return call.box.settings.map.tile_url if known else ""


async def _words(call: Call, shown: Board) -> dict[str, Any]:
    drawing = None
    if shown.choice.map:
        places = await call.box.db.read(queries.shops, call.whose, shown.choice.location_id)
        cards = [card for column in shown.columns for card in column.cards]
        drawing = draw(cards, places, dict(shown.tones))
    return {
        "board": shown,
        "drawing": drawing,
        "tiles": _tiles(call, shown.choice),
        "attribution": call.box.settings.map.attribution,
        "undo_next": f"{PATH}{query_of(shown.choice)}",
        "query_of": query_of,
        "problem_words": {
            "failed": "Could not be delivered",
            "duplicate": "Possible duplicate",
            "address": "Check address",
        },
        "cancel_reasons": parcel.CANCEL_WORDS,
    }


def _date(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return ""
