"""Leaflet's files, from the package that the extra `map` installs; nothing where it is absent."""

from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

PACKAGE = "js_lib_leaflet"  # its name says Django; its files need none
FILES = ("leaflet.js", "leaflet.css")


def assets() -> list[Path]:
    """The two files a page needs."""
    try:
        folder = files(PACKAGE).joinpath("static", PACKAGE)
    except ModuleNotFoundError:
        return []
    found = [Path(str(folder.joinpath(name))) for name in FILES]
    return found if all(file.is_file() for file in found) else []


def tile_host(tile_url: str) -> str:
    """Where a page with this map may fetch pictures from, as a content security policy says it."""
    parts = urlsplit(tile_url)
    return f"{parts.scheme}://{parts.netloc.replace('{s}.', '*.')}"
