"""The addresses of the board, for the table in `scriptrun_box/urls.py`."""

from collections.abc import Sequence

from scriptrun_box.accounts.gates import STAFF
from scriptrun_box.kernel.http import Url
from scriptrun_box.ui import live

from . import acts, pages

PAGES: Sequence[Url] = [
    Url("GET", "/board", pages.board, STAFF, page=True),
    Url("GET", "/board.csv", pages.export, STAFF, page=True),
    Url("GET", "/live/board", pages.live_board, live.WATCHING, page=True),
    Url("GET", "/live/board-map", pages.live_map, live.WATCHING, page=True),
    Url("POST", "/board/move", acts.move, STAFF, page=True),
    Url("POST", "/board/undo", acts.undo, STAFF, page=True),
]
