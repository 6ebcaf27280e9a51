"""The product's own source as the house rules look at it: every module, parsed once."""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = "scriptrun_box"
DOCS = ROOT / "docs"


@dataclass(frozen=True)
class Module:
    """One file of Python: its dotted name, where it lies under the root, its text and tree."""

    name: str
    path: str
    text: str
    tree: ast.Module

    @property
    def is_package(self) -> bool:
        return self.path.endswith("__init__.py")


@cache
def modules(folder: str = PACKAGE) -> tuple[Module, ...]:
    """Every module below a folder of the checkout, by path."""
    return tuple(_module(path) for path in sorted((ROOT / folder).rglob("*.py")))


def _module(path: Path) -> Module:
    inside = path.relative_to(ROOT)
    parts = inside.with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    text = path.read_text("utf-8")
    return Module(name, inside.as_posix(), text, ast.parse(text))


def docstrings(tree: ast.Module) -> set[int]:
    """The ids of the nodes that are docstrings."""
    with_docs = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    firsts = (node.body[0] for node in ast.walk(tree) if isinstance(node, with_docs) and node.body)
    return {id(each.value) for each in firsts if isinstance(each, ast.Expr)}


def strings(module: Module) -> Iterator[tuple[int, str]]:
    """(line, text) of every string that is no docstring; a hole of an f-string reads `{}`."""
    skipped = docstrings(module.tree)
    for node in ast.walk(module.tree):
        if isinstance(node, ast.JoinedStr):
            skipped |= {id(part) for part in node.values}
            yield node.lineno, "".join(_part(part) for part in node.values)
        elif isinstance(node, ast.Constant) and type(node.value) is str and id(node) not in skipped:
            yield node.lineno, node.value


def _part(part: ast.expr) -> str:
    return str(part.value) if isinstance(part, ast.Constant) else "{}"


def imports(module: Module) -> Iterator[tuple[ast.stmt, str]]:
    """(statement, dotted name) of every import, wherever it stands; relative ones made whole."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = _base(module, node)
            for alias in node.names:
                whole = f"{base}.{alias.name}"
                yield node, whole if whole in _names() else base


def _base(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = module.name.split(".")
    if not module.is_package:
        parts = parts[:-1]
    parts = parts[: len(parts) - (node.level - 1)]
    return ".".join([*parts, *(node.module or "").split(".")]).rstrip(".")


@cache
def _names() -> frozenset[str]:
    return frozenset(module.name for module in modules())


def tracked() -> list[Path]:
    """The files git knows, else (outside a checkout) every file that is not made by a tool."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode == 0:
        paths = [ROOT / name for name in listed.stdout.split("\0") if name]
        return [path for path in paths if path.is_file()]
    hidden = (".", "__pycache__", "build", "dist", "scriptrun-box-")
    found = (path for path in ROOT.rglob("*") if path.is_file())
    return [
        path
        for path in found
        if not any(part.startswith(hidden) for part in path.relative_to(ROOT).parts)
    ]
