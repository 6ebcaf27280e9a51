"""OpenAPI 3.1, told from the URL table: what is not in the table cannot be in here."""

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.responses import Response

from scriptrun_box import __version__
from scriptrun_box.accounts.gates import KeyGate
from scriptrun_box.kernel.http import Call, Doc, Path, Url, json_answer

PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")
KEYED_REFUSALS = (401, 403, 429)  # any keyed call can meet these, whatever its row says
SCHEMAS = "#/components/schemas/"
ERROR = {
    "type": "object",
    "required": ["error", "code", "details", "request_id"],
    "properties": {
        "error": {"type": "string", "description": "One sentence for a person."},
        "code": {"type": "string", "description": "Stable; what a program decides by."},
        "details": {
            "type": "array",
            "items": {"type": "object"},
            "description": "For validation: index, field, code and message of each problem.",
        },
        "request_id": {"type": "string", "description": "The same as in X-Request-Id."},
    },
}
KEY_SCHEME = {
    "type": "apiKey",
    "in": "header",
    "name": "X-API-Key",
    "description": "sk_live_… for production, sk_test_… for the sandbox.",
}


def openapi(table: Sequence[Url], public_url: str) -> dict[str, Any]:
    """The whole description: every row of the table that has a `doc`."""
    schemas: dict[str, Any] = {"Error": ERROR}
    paths: dict[str, dict[str, Any]] = {}
    for row in table:
        if row.doc is not None:
            operations = paths.setdefault(PARAMETER.sub(r"{\1}", row.path), {})
            operations[row.method.lower()] = _operation(row, row.doc, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "scriptrun-box",
            "version": __version__,
            "description": f"Orders in, signed delivery events out. In words: {public_url}/docs",
        },
        "servers": [{"url": public_url}],
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": {"key": KEY_SCHEME}},
    }


def documented(table: Sequence[Url]) -> list[tuple[Url, Doc]]:
    """The rows that are told about, each with what is told."""
    return [(row, row.doc) for row in table if row.doc is not None]


def table_of(app: Starlette) -> list[Url]:
    """The URL table a running app was built from, in its order."""
    paths = [getattr(route, "endpoint", None) for route in app.routes]
    return [
        row
        for path in paths
        if isinstance(path, Path)
        for method, row in path.rows.items()
        if method == row.method  # HEAD is answered by the row of GET
    ]


async def openapi_json(call: Call) -> Response:
    """GET /openapi.json."""
    return json_answer(openapi(table_of(call.app), call.box.public_url))


def _operation(row: Url, doc: Doc, schemas: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": operation_id(row),
        "summary": doc.summary,
        "tags": [doc.group or "box"],
        "parameters": _parameters(row, doc),
        "responses": _responses(row, doc),
        "security": [{"key": []}] if isinstance(row.gate, KeyGate) else [],
    }
    if doc.text:
        told["description"] = doc.text
    if doc.body is not None or doc.example is not None:
        told["requestBody"] = _body(doc, schemas)
    if isinstance(row.gate, KeyGate) and row.gate.scope:
        told["x-scope"] = row.gate.scope
    return told


def operation_id(row: Url) -> str:
    """A name that only changes when the address does: post_api_webhooks_id_pause."""
    return "_".join([row.method.lower(), *re.findall(r"[A-Za-z0-9]+", row.path)])


def _parameters(row: Url, doc: Doc) -> list[dict[str, Any]]:
    in_path: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in PARAMETER.findall(row.path)
    ]
    return in_path + [
        {"name": name, "in": "query", "description": text, "schema": {"type": "string"}}
        for name, text in doc.query.items()
    ]


def _body(doc: Doc, schemas: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": {"type": "object"}}
    if doc.body is not None and issubclass(doc.body, BaseModel):
        schema = doc.body.model_json_schema(ref_template=SCHEMAS + "{model}")
        schemas.update(schema.pop("$defs", {}))
        schemas[doc.body.__name__] = schema
        content = {"schema": {"$ref": SCHEMAS + doc.body.__name__}}
    if doc.example is not None:
        content["example"] = doc.example
    return {"required": doc.body is not None, "content": {"application/json": content}}


def _responses(row: Url, doc: Doc) -> dict[str, Any]:
    success: dict[str, Any] = {"description": HTTPStatus(doc.status).phrase}
    if doc.answer is not None:
        *others, shown = doc.media_types
        success["content"] = {kind: {} for kind in others} | {shown: {"example": doc.answer}}
    implied = KEYED_REFUSALS if isinstance(row.gate, KeyGate) else ()
    refused = {
        str(status): {
            "description": HTTPStatus(status).phrase,
            "content": {"application/json": {"schema": {"$ref": SCHEMAS + "Error"}}},
        }
        for status in sorted({*doc.refusals, *implied})
    }
    return {str(doc.status): success, **refused}
