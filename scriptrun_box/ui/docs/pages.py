"""GET /docs: start, authentication, every endpoint of the table with its curl, events, codes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from pathlib import Path

from starlette.responses import Response

from scriptrun_box.accounts.gates import KeyGate
from scriptrun_box.accounts.model import KEY_SCOPES
from scriptrun_box.kernel.http import Call, Doc, Url
from scriptrun_box.ui import pages
from scriptrun_box.ui.openapi import documented, operation_id, table_of

from . import words
from .curl import curl_of, pretty, push_curl, sandbox_walk, variables_of

TEMPLATES = Path(__file__).parents[1] / "templates" / "docs"
SNIPPETS = {
    "TypeScript": "verify.ts",
    "JavaScript": "verify.mjs",
    "Python": "verify.py.txt",
    "C#": "Verify.cs",
    "Java": "Verify.java",
    "Go": "verify.go",
    "PHP": "verify.php",
}
SHOWN_KEY = "sk_test_…"
ORDERS, SANDBOX, IMPORT = "/api/webhook/orders", "/api/test/", "/api/packages/import"
RATE_WORDS = {"ingest": "orders", "read": "reads", "write": "other writes", "scan": "label scans"}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A row of the table as the page shows it."""

    anchor: str
    method: str
    path: str
    doc: Doc
    curl: str
    variables: Sequence[str]
    answer: str
    success: str
    refusals: Sequence[int]
    scope: str
    rate: str
    keyed: bool


@dataclass(frozen=True, slots=True)
class Group:
    """Endpoints that belong together."""

    title: str
    anchor: str
    endpoints: Sequence[Endpoint]


async def docs(call: Call) -> Response:
    """The documentation page, open to anyone."""
    base = call.box.public_url
    endpoints = endpoints_of(table_of(call.app), base)
    paths = {endpoint.path for endpoint in endpoints}
    return await pages.render(
        call,
        "docs/docs.html",
        base=base,
        encrypted=base.startswith("https:"),
        groups=grouped(endpoints),
        has_sandbox=any(path.startswith(SANDBOX) for path in paths),
        has_import=IMPORT in paths,
        shown_key=SHOWN_KEY,
        sandbox_walk=sandbox_walk(base),
        first_curl=push_curl(base, "$KEY"),
        event_json=pretty(words.EXAMPLE_EVENT),
        snippets=snippets(),
        words=words,
        scopes=KEY_SCOPES,
        limits=call.box.settings.limits,
        plans=call.box.settings.plans,
        support=call.box.settings.support,
    )


def endpoints_of(table: Sequence[Url], base: str) -> list[Endpoint]:
    """Every documented row, in the table's order."""
    return [_endpoint(row, doc, base) for row, doc in documented(table)]


def grouped(endpoints: Sequence[Endpoint]) -> list[Group]:
    """The endpoints by the group their doc names, groups in the order of the table."""
    by_title: dict[str, list[Endpoint]] = {}
    for endpoint in endpoints:
        by_title.setdefault(endpoint.doc.group or "Box", []).append(endpoint)
    return [
        Group(title, f"group-{title.lower().replace(' ', '-')}", members)
        for title, members in by_title.items()
    ]


@cache
def snippets() -> dict[str, str]:
    """The code that verifies a signature, by language; tests run these very files."""
    return {language: (TEMPLATES / name).read_text("utf-8") for language, name in SNIPPETS.items()}


def _endpoint(row: Url, doc: Doc, base: str) -> Endpoint:
    gate = row.gate if isinstance(row.gate, KeyGate) else None
    return Endpoint(
        anchor=operation_id(row),
        method=row.method,
        path=row.path,
        doc=doc,
        curl=curl_of(row, base),
        variables=variables_of(row),
        answer=_answer(doc),
        success=_status(doc.status),
        refusals=doc.refusals,
        scope=gate.scope or "" if gate else "",
        rate=RATE_WORDS[gate.rate] if gate else "",
        keyed=gate is not None,
    )


def _answer(doc: Doc) -> str:
    if doc.answer is None or isinstance(doc.answer, str):
        return doc.answer or ""
    return pretty(doc.answer)


def _status(status: int) -> str:
    return f"{status} {HTTPStatus(status).phrase}"
