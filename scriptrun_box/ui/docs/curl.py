"""A curl for a row of the URL table that works exactly as pasted once KEY is set in the shell."""

import json
import re
import shlex
from typing import Any

from scriptrun_box.accounts.gates import KeyGate
from scriptrun_box.kernel.http import Url
from scriptrun_box.ui.openapi import PARAMETER

VARIABLE = re.compile(r"\$([A-Z_]+)")
LINE_MAX = 76  # characters of JSON that still read well on one line
INDENT = "  "
JSON_HEADER = '-H "Content-Type: application/json"'
KEY_HEADER = '-H "X-API-Key: $KEY"'
NEXT_LINE = " \\\n  "


def curl_of(row: Url, base: str) -> str:
    """The call a row's doc describes; ids come from variables such as $PACKAGE_ID."""
    doc = row.doc
    if doc is None:
        raise ValueError("this address is not documented")
    if doc.curl:
        return doc.curl.replace("{base}", base)
    method = "" if row.method == "GET" else f"-X {row.method} "
    parts = [f"curl {method}{_address(row, base)}"]
    if isinstance(row.gate, KeyGate):
        parts.append(KEY_HEADER)
    if doc.example is not None:
        parts += [JSON_HEADER, f"-d {shlex.quote(pretty(doc.example))}"]
    return NEXT_LINE.join(parts)


def push_curl(base: str, key: str) -> str:
    """The first call anyone makes, with a real key in it: the published example order."""
    body = pretty({"orders": [EXAMPLE_ORDER]})
    parts = [
        f"curl -X POST {base}/api/webhook/orders",
        f'-H "X-API-Key: {key}"',
        JSON_HEADER,
        f"-d {shlex.quote(body)}",
    ]
    return NEXT_LINE.join(parts)


def sandbox_walk(base: str) -> str:
    """Three calls that take the package in $PACKAGE_ID to the door; they need a test key."""
    return "\n".join(
        f'curl -X POST "{base}/api/test/packages/$PACKAGE_ID/{step}" {KEY_HEADER}'
        for step in ("assign", "start", "deliver")
    )


EXAMPLE_ORDER = {
    "patient_name": "Maria Rodriguez",
    "patient_address": "123 Main St, Miami, FL 33178",
    "patient_phone": "+13055551234",
    "rx_number": "RX-8872341",
    "copay_amount": 12.50,
    "priority": "routine",
    "requires_signature": True,
}


def variables_of(row: Url) -> list[str]:
    """The shell variables a row's curl needs beside KEY: PACKAGE_ID for /api/packages/{id}."""
    named = [_variable(row.path, name) for name in PARAMETER.findall(row.path)]
    written = VARIABLE.findall(row.doc.curl) if row.doc else []
    return named + [name for name in written if name not in (*named, "KEY")]


def _address(row: Url, base: str) -> str:
    address = base + PARAMETER.sub(lambda found: f"${_variable(row.path, found[1])}", row.path)
    return f'"{address}"' if "$" in address else address


def _variable(path: str, name: str) -> str:
    """`{id}` is named after the noun before it."""
    noun = path.partition("{" + name)[0].rstrip("/").rpartition("/")[2]
    one = f"{noun.removesuffix('ies')}y" if noun.endswith("ies") else noun.removesuffix("s")
    if noun.endswith("sses"):  # addresses
        one = noun.removesuffix("es")
    return f"{one.replace('-', '_')}_{name}".upper()


def pretty(value: Any, indent: str = "") -> str:
    """JSON as a person would lay it out: on one line what fits on one."""
    line = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(line) <= LINE_MAX or not isinstance(value, dict | list) or not value:
        return line
    inner = indent + INDENT
    if isinstance(value, dict):
        parts = [f"{json.dumps(name)}: {pretty(part, inner)}" for name, part in value.items()]
        begin, end = "{}"
    else:
        parts = [pretty(part, inner) for part in value]
        begin, end = "[]"
    return begin + ",".join(f"\n{inner}{part}" for part in parts) + f"\n{indent}{end}"
