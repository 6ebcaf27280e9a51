"""Pages: templates in one frame (navigation, person, sandbox), refusals, redirects, files."""

import asyncio
import hashlib
import mimetypes
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse, Response

from scriptrun_box.accounts import gates
from scriptrun_box.accounts.model import Person
from scriptrun_box.kernel.errors import NotFound, Refusal
from scriptrun_box.kernel.http import Call

from . import chilling, driving, leaflet, papers, parcel, queries, routing, words
from .controlled import words as controlled_words
from .phone import known

HERE = Path(__file__).parent
STATIC = HERE / "static"
FOREVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"
HASH_CHARS = 12
NEXT_MAX_CHARS = 500

TITLES = {
    403: "Not open to you",
    404: "Nothing here",
    409: "Not possible now",
    429: "A little slower, please",
    503: "Not ready",
    507: "The disk is full",
}


@dataclass(frozen=True, slots=True)
class NavItem:
    """A line of the side navigation; `key` opens it after `g`."""

    path: str
    label: str
    key: str = ""
    settings: bool = False
    roles: tuple[str, ...] = ("owner", "dispatcher", "pharmacist")


NAV = (
    NavItem("/", "Dashboard", "d"),
    NavItem("/board", "Board", "b"),
    NavItem("/packages", "Packages", "p"),
    NavItem("/routes", "Routes", "r"),
    NavItem("/cold", "Cold chain", "c"),
    NavItem("/drivers", "Drivers", "v"),
    NavItem("/patients", "Patients", "n"),
    NavItem("/addresses", "Addresses", "a"),
    NavItem("/controlled", "Controlled", "c", roles=("owner", "pharmacist")),
    NavItem("/packets", "Packets", "k", roles=("owner", "pharmacist")),
    NavItem("/settings/integrations", "Integrations", "i", settings=True),
    NavItem("/settings/users", "Users", "u", settings=True),
    NavItem("/settings/locations", "Locations", settings=True),
    NavItem("/settings/printers", "Printers", settings=True),
    NavItem("/settings/state-rules", "State rules", settings=True, roles=("owner", "pharmacist")),
    NavItem("/settings/usage", "Usage", settings=True),
    NavItem("/settings/system", "System", "s", settings=True),
)


# Pages are made on a thread of their own, one at a time: a long one, or the first of its kind,
# takes tens of milliseconds, and so the event loop shares the interpreter with one thread at most.
PAINTER = ThreadPoolExecutor(1, "pages")

UNDONE = {
    "undone": "Undone.",
    "off_route": "Undone; but its stop is gone: put it on the route again.",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A static file, read once."""

    body: bytes
    kind: str
    version: str


def _assets() -> dict[str, Asset]:
    found = {}
    own = {path.relative_to(STATIC).as_posix(): path for path in STATIC.rglob("*.*")}
    for name, file in sorted({**own, **{path.name: path for path in leaflet.assets()}}.items()):
        body = file.read_bytes()
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        version = hashlib.sha256(body).hexdigest()[:HASH_CHARS]
        found[name] = Asset(body, "text/javascript" if file.suffix == ".js" else kind, version)
    return found


ASSETS = _assets()


def static_url(name: str) -> str:
    """The address of a static file that changes with its content, so it may be kept for ever."""
    return f"/static/{name}?v={ASSETS[name].version}"


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    for filters in (words, parcel, driving, routing, papers, chilling, controlled_words, known):
        made.filters.update(filters.FILTERS)
    made.globals.update(static=static_url)
    return made


ENVIRONMENT = _environment()


async def render(call: Call, name: str, status: int = 200, **values: Any) -> Response:
    """A page in the frame of whoever is signed in, if anyone; `values` go to the template."""
    person = viewer(call)
    frame = queries.NO_FRAME
    if person is not None:
        frame = await call.box.db.read(queries.frame, person.scope)
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(PAINTER, _html, call, person, frame, name, status, values)


def refusal_page(call: Call, refusal: Refusal) -> Response:
    """A refusal as people see it: to the sign-in page where that helps, else one calm sentence."""
    if refusal.status == 401:
        return redirect(f"/sign-in?next={quote(_here(call), safe='/')}")
    caller = getattr(call, "caller", None)
    person = caller if isinstance(caller, Person) else None
    return _html(
        call,
        person,
        queries.NO_FRAME,
        "refusal.html",
        refusal.status,
        {"refusal": refusal, "title": TITLES.get(refusal.status, "This did not work")},
    )


def redirect(path: str) -> Response:
    """To another page of ours after a form was posted: a reload posts nothing again."""
    return RedirectResponse(path, 303)


def local_path(text: str) -> str:
    """Where to go next as given in a form or query: a path on this box, or the dashboard."""
    safe = (
        text.startswith("/")
        and not text.startswith(("//", "/\\"))
        and text.isprintable()
        and len(text) <= NEXT_MAX_CHARS
    )
    return text if safe else "/"


def done(call: Call, sentences: dict[str, str]) -> str:
    """The sentence for `?done=…`, with which a posted form comes back to its page; else empty."""
    return (sentences | UNDONE).get(call.query_params.get("done", ""), "")


def viewer(call: Call) -> Person | None:
    """The signed-in person, also where the page is open to anyone."""
    caller = getattr(call, "caller", None)
    return caller if isinstance(caller, Person) else gates.signed_in(call)


async def static(call: Call) -> Response:
    """GET /static/{name}."""
    return asset(call, call.path_params["name"])


def asset(call: Call, name: str) -> Response:
    """A static file, to be kept for ever where its address names its content."""
    found = ASSETS.get(name)
    if found is None:
        raise NotFound()
    fresh = call.query_params.get("v") == found.version
    headers = {"Cache-Control": FOREVER if fresh else ASK_AGAIN, "ETag": f'"{found.version}"'}
    if call.headers.get("if-none-match") == headers["ETag"]:
        return Response(b"", 304, headers)
    return Response(found.body, 200, headers, media_type=found.kind)


def _html(
    call: Call,
    person: Person | None,
    frame: queries.Frame,
    name: str,
    status: int,
    values: dict[str, Any],
) -> Response:
    text = ENVIRONMENT.get_template(name).render(
        {
            "person": person,
            "csrf": person.csrf if person else "",
            "sandbox": bool(person and person.scope.test),
            "nav": _nav(person),
            "counts": frame.counts,
            "zone": ZoneInfo(frame.time_zone),
            "path": call.url.path,
            "here": _here(call),
            "request_id": call.request_id,
            "notice": "",
            "undo": call.query_params.get("undo", ""),  # shown beside a notice only
            **values,
        }
    )
    return HTMLResponse(text, status)


def _nav(person: Person | None) -> list[NavItem]:
    return [] if person is None else [each for each in NAV if person.user.role in each.roles]


def _here(call: Call) -> str:
    """The page looked at, to come back to; after a form only its site's front page is safe."""
    if call.method not in gates.SAFE:
        return "/"
    query = f"?{call.url.query}" if call.url.query else ""
    return local_path(f"{call.url.path}{query}")
