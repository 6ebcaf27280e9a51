"""The little markup of an owner's texts: paragraphs, `# headings` and `- lists`, nothing else."""

import re
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

Kind = Literal["heading", "list", "paragraph"]
NOT_IN_ANCHORS = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Block:
    """A heading or paragraph with one line, or a list with one line for each item."""

    kind: Kind
    lines: tuple[str, ...]

    @property
    def anchor(self) -> str:
        """What a link to this heading says behind the #."""
        return NOT_IN_ANCHORS.sub("-", self.lines[0].lower()).strip("-")


def blocks(text: str) -> list[Block]:
    """A text as blocks in their order; the template escapes every line."""
    found: list[Block] = []
    for kind, group in groupby(text.splitlines(), _kind):
        lines = [line.strip() for line in group]
        if kind == "heading":
            found += [Block("heading", (line[1:].strip(),)) for line in lines]
        elif kind == "list":
            found.append(Block("list", tuple(line[1:].strip() for line in lines)))
        elif kind == "paragraph":
            found.append(Block("paragraph", (" ".join(lines),)))
    return found


def _kind(line: str) -> Kind | None:
    bare = line.strip()
    if not bare:
        return None
    if bare.startswith("# "):
        return "heading"
    return "list" if bare.startswith("- ") else "paragraph"
