"""The ladder of imports: strictly downward, never sideways, nothing hidden inside a function."""

import ast
from collections import defaultdict
from graphlib import TopologicalSorter

import pytest

from .source import PACKAGE, Module, imports, modules

# Floor by floor from the ground up; what stands on one line may not import each other.
FLOORS: tuple[frozenset[str], ...] = (
    frozenset({"kernel", "migrations"}),
    frozenset({"accounts"}),
    frozenset({"packages"}),
    frozenset({"patients"}),
    frozenset({"orders", "drivers"}),
    frozenset({"routes"}),
    frozenset({"delivery"}),
    frozenset({"webhooks", "shopify", "bestrx", "labels", "paper", "geocoding", "sms", "ops"}),
    frozenset({"ui"}),
    frozenset({"urls"}),
    frozenset({"app"}),
    frozenset({"demo_orders"}),
    frozenset({"demo"}),
    frozenset({"verbs"}),
    frozenset({"cli"}),
    frozenset({"__main__"}),
)
LEAVES = FLOORS[7]  # delete one with its lines in app and urls: the rest still runs
MAY_KNOW_A_LEAF = {"ui", "urls", "app", "demo", "verbs"}

# Heavy to import, so imported where used; and the module of ours that stands around one of them.
HEAVY = {
    "tesserocr", "pyvrp", "numpy", "reportlab", "cryptography", "PIL", "python_calamine",
    "usaddress", "zipcodes", "zxingcpp", "font_roboto",
}  # fmt: skip
LATE_OURS = {f"{PACKAGE}.kernel.certificates", f"{PACKAGE}.verbs.serving"}
BY_NAME = {f"{PACKAGE}.cli"}  # loads a verb by its name when it is asked for


def slice_of(name: str) -> str:
    """The slice or top module a dotted name belongs to; empty for the package itself."""
    return name.partition(".")[2].partition(".")[0]


def floor_of(name: str) -> int:
    return next(number for number, floor in enumerate(FLOORS) if slice_of(name) in floor)


def ours(module: Module) -> list[tuple[ast.stmt, str]]:
    """Its imports from other slices of the package."""
    found = [(node, name) for node, name in imports(module) if name.startswith(f"{PACKAGE}.")]
    return [(node, name) for node, name in found if slice_of(name) != slice_of(module.name)]


def test_every_slice_has_its_floor() -> None:
    known = frozenset().union(*FLOORS)
    slices = {slice_of(module.name) for module in modules()} - {""}
    assert slices <= known, "put the new slice on a floor"


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)
def test_imports_go_strictly_downward(module: Module) -> None:
    if not slice_of(module.name):
        assert ours(module) == [], "the package itself imports nothing"
        return
    floor = floor_of(module.name)
    wrong = [
        f"line {node.lineno}: {name}" for node, name in ours(module) if floor_of(name) >= floor
    ]
    assert wrong == []


def test_a_leaf_is_known_only_to_the_screens_and_to_where_the_box_is_put_together() -> None:
    know = {
        slice_of(module.name)
        for module in modules()
        for _, name in ours(module)
        if slice_of(name) in LEAVES
    }
    assert know <= MAY_KNOW_A_LEAF


def test_no_module_imports_itself_by_a_detour() -> None:
    graph: dict[str, set[str]] = defaultdict(set)
    for module in modules():
        graph[module.name] |= {name for _, name in imports(module) if name.startswith(PACKAGE)}
        graph[module.name].discard(module.name)
    # A package names its own parts; that is no detour.
    for module in modules():
        if module.is_package:
            graph[module.name] = {n for n in graph[module.name] if not n.startswith(module.name)}
    TopologicalSorter(graph).prepare()  # raises CycleError


def test_imports_stand_at_the_top_of_a_module_except_the_heavy_ones() -> None:
    wrong, late = [], set()
    for module in modules():
        top = {id(node) for node in module.tree.body}
        for node, name in imports(module):
            heavy = name.partition(".")[0] in HEAVY or name in LATE_OURS
            if id(node) not in top and heavy:
                late.add(name)
            if (id(node) in top) is heavy and module.name not in LATE_OURS:
                wrong.append(f"{module.path}:{node.lineno} {name}")
    assert wrong == []
    assert late >= LATE_OURS, "a name in LATE_OURS that nobody imports late any more"


def test_nothing_is_loaded_by_name_but_the_verbs() -> None:
    found = {
        module.name
        for module in modules()
        for node, name in imports(module)
        if name in ("importlib", "importlib.util")
    }
    found |= {module.name for module in modules() if "__import__" in module.text}
    assert found == BY_NAME
