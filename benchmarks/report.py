"""The table of a run: promised figures against measured ones, and all that was seen beside them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

PAGE = Path(__file__).with_name("page.md")


@dataclass(frozen=True)
class Figure:
    """One promise and what became of it; `measured` is None where `note` says why."""

    name: str
    measured: float | None
    must: float
    aim: float
    unit: str = ""
    at_least: bool = False
    digits: int = 0
    note: str = ""

    @property
    def missed(self) -> bool:
        if self.measured is None:
            return False
        return self.measured < self.must if self.at_least else self.measured > self.must

    @property
    def verdict(self) -> str:
        if self.measured is None:
            return f"not measured: {self.note}"
        if self.missed:
            return "**misses its must**"
        reached = self.measured >= self.aim if self.at_least else self.measured <= self.aim
        return "reaches the aim" if reached else "met"

    def row(self) -> tuple[str, ...]:
        sign = "≥" if self.at_least else "≤"
        shown = "–" if self.measured is None else f"{self.measured:.{self.digits}f}{self.unit}"
        must, aim = f"{sign} {self.must:g}{self.unit}", f"{sign} {self.aim:g}{self.unit}"
        return (self.name, shown, must, aim, self.verdict)


@dataclass
class Outcome:
    """What one measurement adds to the report."""

    figures: list[Figure] = field(default_factory=list)
    details: list[tuple[str, str]] = field(default_factory=list)

    def add(self, other: "Outcome") -> None:
        self.figures += other.figures
        self.details += other.details


def page(outcome: Outcome, words: dict[str, str], text: str = "") -> str:
    """A whole page of docs/: `words` fill the gaps of `text`, or of page.md."""
    promises = table(("figure", "measured", "must", "aim", ""), (f.row() for f in outcome.figures))
    seen = table(("in the same run", "median (range)"), outcome.details)
    template = Template(text or PAGE.read_text("utf-8"))
    return template.substitute(words, promises=promises, seen=seen)


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A Markdown table, padded so that it also reads well in a terminal."""
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]

    def line_of(cells: tuple[str, ...]) -> str:
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        return f"| {' | '.join(padded)} |"

    rule = f"|{'|'.join('-' * (width + 2) for width in widths)}|"
    return "\n".join([line_of(head), rule, *map(line_of, lines[1:])]) + "\n"


def spread(values: list[float], form: str = "{:,.0f}") -> str:
    """The median, and between what the rounds lay."""
    ordered = sorted(values)
    middle = form.format(ordered[len(ordered) // 2])
    return f"{middle} ({form.format(ordered[0])}–{form.format(ordered[-1])})"
