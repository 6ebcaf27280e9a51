"""Setting keys in a config.toml for the owner, leaving every other line as it is."""

import json
import re
from pathlib import Path
from typing import Any

SECTION = re.compile(r"\s*\[([^\[\]]+)\]\s*(?:#.*)?")


def set_keys(file: Path, section: str, values: dict[str, Any]) -> None:
    """Write `values` under [section], replacing those keys and making the section if need be."""
    lines = file.read_text("utf-8").splitlines() if file.exists() else []
    start = _find(lines, section)
    if start is None:
        lines += ([""] if lines else []) + [f"[{section}]"]
        start = len(lines) - 1
    end = next(
        (at for at in range(start + 1, len(lines)) if SECTION.fullmatch(lines[at])), len(lines)
    )
    kept = [line for line in lines[start + 1 : end] if _key(line) not in values]
    made = [f"{name} = {json.dumps(value)}" for name, value in values.items()]
    text = "\n".join([*lines[: start + 1], *made, *kept, *lines[end:]]) + "\n"
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_suffix(".new")
    temporary.write_text(text, "utf-8")
    temporary.replace(file)


def _find(lines: list[str], section: str) -> int | None:
    for at, line in enumerate(lines):
        match = SECTION.fullmatch(line)
        if match and match[1].strip() == section:
            return at
    return None


def _key(line: str) -> str:
    return line.partition("=")[0].strip()
