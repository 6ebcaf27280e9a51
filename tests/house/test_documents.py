"""The documents lead somewhere: links resolve, files they name exist, every decision is listed."""

import re
from pathlib import Path

import pytest

from .source import DOCS, PACKAGE, ROOT

PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
NAMED = re.compile(r"`((?:\w+/)*\w+\.(?:py|sql|toml|service)|(?:\w+/)+)(?::[^`]*)?`")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
MADE_LATER = {"docs/benchmarks.md", "docs/proof.md"}  # written by bin/bench and bin/proof
ABOUT_THE_CODE = ("README.md", "CONTRIBUTING.md", "architecture.md", "0")
LINE_CHARS = 110
ON_A_BOX = {"config.toml", "live/", "scriptrun-box-data/", "scriptrun-box-demo/"}


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(page.read_text("utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if target.relative_to(ROOT).as_posix() in MADE_LATER:
            continue
        assert target.exists(), link
        if anchor:
            headings = HEADING.findall(target.read_text("utf-8"))
            assert anchor in {_anchor(heading) for heading in headings}, link


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if page.name.startswith(ABOUT_THE_CODE)],
    ids=lambda page: page.name,
)
def test_every_file_a_page_names_exists(page: Path) -> None:
    for name in {name for name in NAMED.findall(page.read_text("utf-8")) if name not in ON_A_BOX}:
        places = [ROOT / name, ROOT / PACKAGE / name]
        everywhere = "/" not in name and any((ROOT / PACKAGE).rglob(name))
        assert everywhere or any(place.exists() for place in places), name


def test_every_decision_is_listed() -> None:
    pages = {page.name for page in (DOCS / "decisions").glob("0*.md")}
    listed = LINK.findall((DOCS / "decisions" / "README.md").read_text("utf-8"))
    assert listed == sorted(pages)


def test_no_line_of_a_document_runs_on_for_ever() -> None:
    for page in PAGES:
        for line in page.read_text("utf-8").splitlines():
            whole = line.startswith(
                ("|", "{", "  ", "useradd")
            )  # tables and what is typed as it is
            assert len(line) <= LINE_CHARS or whole, (page.name, line)
