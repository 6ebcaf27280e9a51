"""The texts as they stand before an owner has worded their own: only what this box really does."""

from functools import cache
from pathlib import Path

from scriptrun_box.kernel.config import Settings

FOLDER = Path(__file__).parents[1] / "templates" / "texts"
OWNER = "the owner of this box"
TITLES = {"security": "Security", "baa": "Business associate agreement", "terms": "Terms"}


def default_text(name: str, settings: Settings) -> str:
    """A page's default wording, with this box's contacts in it."""
    support = settings.support
    return _file(name).format(
        security=support.security or OWNER,
        contracts=support.contracts or OWNER,
        engineering=support.engineering or OWNER,
    )


@cache
def _file(name: str) -> str:
    return (FOLDER / f"{name}.txt").read_text("utf-8")
