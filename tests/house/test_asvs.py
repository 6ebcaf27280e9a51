"""The list of security requirements names tests that there are, and each requirement once."""

import re

from .source import DOCS, ROOT

PAGE = DOCS / "security" / "asvs.md"
TEST = re.compile(r"\b((?:\w+/)+test_\w+\.py)(?:::(\w+))?")
LINE = re.compile(r"^\| (\d+\.\d+[^|]*) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
HELD = ("by design", "**not yet**", "in part", "as browsers demand", "`docs/", "floors", "webhooks")


def test_every_test_it_names_is_there() -> None:
    named = TEST.findall(PAGE.read_text("utf-8"))
    assert len(named) > 80
    for file, name in named:
        path = ROOT / "tests" / file
        assert path.is_file(), file
        assert f"def {name}" in path.read_text("utf-8"), f"{file} has no {name}"


def test_every_line_is_held_by_a_test_or_says_why_not() -> None:
    lines = LINE.findall(PAGE.read_text("utf-8"))
    assert len(lines) > 120
    for number, topic, held in lines:
        assert TEST.search(held) or any(word in held for word in HELD), (number, topic)


def test_no_requirement_stands_there_twice() -> None:
    numbers = [number for number, _, _ in LINE.findall(PAGE.read_text("utf-8"))]
    assert len(numbers) == len(set(numbers))
