"""Papers as the browser prints them: it cannot fit text into a box, so long ones begin smaller."""

from collections.abc import Callable
from typing import Any

from scriptrun_box.paper.letters import plain_letters
from scriptrun_box.paper.model import Label

# Characters of name and address together, and the size that holds even so many wide ones.
SIZES = ((70, ""), (150, "mid"), (320, "small"))


def text_size(label: Label) -> str:
    """The class of a label's text."""
    door = label.door
    length = sum(len(text) for text in (label.name, door.street, door.unit, door.town))
    return next((name for most, name in SIZES if length <= most), "tiny")


FILTERS: dict[str, Callable[..., Any]] = {"plain_letters": plain_letters, "text_size": text_size}
