"""What fits a reader's head: short functions, short files, an opening sentence, one clock."""

import ast

import pytest

from .source import PACKAGE, ROOT, Module, modules

FUNCTION_LINES = 60
FILE_LINES = 400
SHORT_TOO = (".html", ".js", ".css", ".sql")

CODE = (*modules(), *modules("benchmarks"))
# Wall time and its kin; time.perf_counter and time.sleep tell no time of day.
CLOCKS = {
    "time.time", "time.time_ns", "time.monotonic", "time.monotonic_ns", "time.strftime",
    "time.localtime", "time.gmtime", "datetime.now", "datetime.utcnow", "datetime.today",
    "date.today", "datetime.datetime.now", "datetime.date.today",
}  # fmt: skip
MAY_ASK_A_CLOCK = {
    f"{PACKAGE}/kernel/clock.py",
    # Ids begin with the microsecond so that they grow; no test has to set them, and a test that
    # freezes the clock must not make two ids meet.
    f"{PACKAGE}/kernel/ids.py",
}


@pytest.mark.parametrize("module", CODE, ids=lambda module: module.path)
def test_a_module_is_short_and_opens_with_a_sentence(module: Module) -> None:
    assert module.text.count("\n") <= FILE_LINES
    told = ast.get_docstring(module.tree)
    assert told, "it says what it is for"
    opening = told.split("\n\n")[0].strip()
    assert opening.endswith((".", ":", "!")), opening


def test_no_function_is_longer_than_a_screen() -> None:
    long = [
        f"{module.path}:{node.lineno} {node.name} has {node.end_lineno - node.lineno + 1} lines"
        for module in (*CODE, *modules("tests"))
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > FUNCTION_LINES
    ]
    assert long == []


def test_templates_scripts_and_schema_are_short_too() -> None:
    long = {
        path.relative_to(ROOT).as_posix(): count
        for path in (ROOT / PACKAGE).rglob("*")
        if path.suffix in SHORT_TOO and (count := path.read_text("utf-8").count("\n")) > FILE_LINES
    }
    assert long == {}


def test_time_comes_only_from_the_clock() -> None:
    asked = [
        f"{module.path}:{node.lineno} {ast.unparse(node)}"
        for module in modules()
        if module.path not in MAY_ASK_A_CLOCK
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node) in CLOCKS
    ]
    assert asked == []
