"""The phone's app as files: its pages, its service worker, its manifest and its modules.

None of them holds anybody's data: what a driver sees is fetched by the app, and kept encrypted.
"""

import hashlib
import json

from starlette.responses import Response

from scriptrun_box.delivery.phone import devices
from scriptrun_box.kernel import clock
from scriptrun_box.kernel.errors import NotFound
from scriptrun_box.kernel.http import Call
from scriptrun_box.ui import pages

TOKEN_MAX = 200  # characters of a code that are looked at
FOLDER = "phone/"
SHELL = ("/phone", "/phone/help", "/phone/manifest.webmanifest")
SHARED = ("box.css", "icon.svg")
TEMPLATES = tuple(pages.HERE / "templates" / "phone" / name for name in ("app.html", "help.html"))
MANIFEST = {
    "name": "ScriptRun Driver",
    "short_name": "Driver",
    "id": "/phone",
    "start_url": "/phone",
    "scope": "/phone",
    "display": "standalone",
    "orientation": "portrait",
    "background_color": "#f5f7f9",
    "theme_color": "#0b6b5d",
}


def _version() -> str:
    """Changes with any file of the app: then phones fetch all of it anew."""
    names = [name for name in pages.ASSETS if name.startswith(FOLDER)]
    made = hashlib.sha256()
    for name in (*names, *SHARED):
        made.update(pages.ASSETS[name].body)
    for path in TEMPLATES:
        made.update(path.read_bytes())
    return made.hexdigest()[: pages.HASH_CHARS]


VERSION = _version()


async def app(call: Call) -> Response:
    """GET /phone: the shell of the app; everything in it is drawn by its modules."""
    return await pages.render(call, "phone/app.html")


async def help_page(call: Call) -> Response:
    """GET /phone/help: how a phone gets to the box, and whether this one does."""
    has_authority = call.box.settings.server.tls_cert is not None
    return await pages.render(call, "phone/help.html", has_authority=has_authority)


async def join(call: Call) -> Response:
    """GET /phone/join/{id}: where a code leads to."""
    token = str(call.path_params["id"])[:TOKEN_MAX]
    name = call.box.db.peek(devices.driver_of_code, token, clock.now_ms())
    return await pages.render(call, "phone/join.html", 200 if name else 404, driver=name)


async def manifest(call: Call) -> Response:
    """GET /phone/manifest.webmanifest: what makes the app installable."""
    icons = [
        {
            "src": pages.static_url(f"{FOLDER}icon-{size}.png"),
            "sizes": f"{size}x{size}",
            "type": "image/png",
            "purpose": "any maskable",
        }
        for size in (192, 512)
    ]
    body = json.dumps(MANIFEST | {"icons": icons})
    headers = {"Cache-Control": pages.ASK_AGAIN}
    return Response(body, headers=headers, media_type="application/manifest+json")


async def service_worker(call: Call) -> Response:
    """GET /phone/sw.js: keeps the app's own files, so that it opens without a network."""
    names = [name for name in pages.ASSETS if name.startswith(FOLDER)]
    files = [*SHELL, *(f"/static/{name}" for name in (*names, *SHARED))]
    head = f"const VERSION = {json.dumps(VERSION)};\nconst FILES = {json.dumps(files)};\n"
    body = head + pages.ASSETS[f"{FOLDER}worker.js"].body.decode()
    headers = {"Cache-Control": pages.ASK_AGAIN, "Service-Worker-Allowed": "/phone"}
    return Response(body, headers=headers, media_type="text/javascript")


async def static(call: Call) -> Response:
    """GET /static/phone/{name}."""
    name = f"{FOLDER}{call.path_params['name']}"
    if name not in pages.ASSETS:
        raise NotFound()
    return pages.asset(call, name)
