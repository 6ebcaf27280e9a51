"""Nothing exists untold: settings, endpoints, events, codes of refusals, verbs."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from scriptrun_box.accounts.gates import KeyGate
from scriptrun_box.cli import VERBS, main
from scriptrun_box.kernel import config
from scriptrun_box.kernel.errors import Refusal
from scriptrun_box.packages.lifecycle import ACTS
from scriptrun_box.ui.docs import words
from scriptrun_box.urls import URLS
from scriptrun_box.webhooks.model import EVENT_NAMES, PING

from .source import DOCS, ROOT, Module, modules

EXAMPLE = ROOT / "config.example.toml"
SECTION = re.compile(r"\[([a-z_.]+)\]")
KEY = re.compile(r"(# )?([a-z_]+) = .+")
CODE_CELL = re.compile(r"^\|(?: (\d{3}) \|)? `([a-z_]+)` \|", re.MULTILINE)

# Where a code stands in a call: the keyword `code`, or this position of these functions.
AT = {
    "refuse": 1, "warn": 1, "invalid": 1, "Refused": 0, "_conflict": 0, "conflict": 0,
    "PydanticCustomError": 0,
}  # fmt: skip
STEPS_OF_ACTS = {f"{act}_not_allowed" for act in ACTS}


# settings -----------------------------------------------------------------------------------------


def _told_settings() -> Iterator[str]:
    section = ""
    for line in EXAMPLE.read_text("utf-8").splitlines():
        if heading := SECTION.fullmatch(line):
            section = heading[1]
        elif key := KEY.fullmatch(line):
            yield f"{section}.{key[2]}"


def test_every_setting_is_in_the_example_file_in_order_and_no_other() -> None:
    assert list(_told_settings()) == config.known_names()


def test_the_example_file_says_the_defaults() -> None:
    assert config.load(EXAMPLE, environ={}) == config.Settings()


def test_a_setting_that_is_commented_out_has_no_default_and_a_value_that_works(
    tmp_path: Path,
) -> None:
    text = EXAMPLE.read_text("utf-8")
    silent = tomllib.loads(text)
    loud_file = tmp_path / "config.toml"
    loud_file.write_text(re.sub(r"^# ([a-z_]+ = .+)$", r"\1", text, flags=re.MULTILINE))
    loud = config.load(loud_file, environ={}).model_dump()
    defaults = config.Settings().model_dump()
    for name in config.known_names():
        *path, key = name.split(".")
        set_here, default, value = silent, defaults, loud
        for part in path:
            set_here, default, value = set_here[part], default[part], value[part]
        assert (key in set_here) is (default[key] is not None), name
        assert value[key] is not None, name


def test_every_setting_has_a_line_that_tells_of_it() -> None:
    section = above = ""
    for line in EXAMPLE.read_text("utf-8").splitlines():
        if heading := SECTION.fullmatch(line):
            section = heading[1]
        told_once = section.startswith("plans.")  # above the three plans
        if KEY.fullmatch(line) and not told_once:
            assert above.startswith("# "), line
        above = line


# endpoints ----------------------------------------------------------------------------------------


def test_every_endpoint_for_programs_is_told() -> None:
    for row in URLS:
        name = f"{row.method} {row.path}"
        assert isinstance(row.gate, KeyGate) is (row.doc is not None), name
        if row.doc is not None:
            assert row.doc.summary, name
            assert row.doc.group, name
            assert row.doc.answer is not None or row.doc.status == 204, f"{name}: what it answers"


# events -------------------------------------------------------------------------------------------


def _appended(module: Module) -> Iterator[str]:
    """The event names a module writes into the outbox."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(
            ("outbox.append", "outbox.append_many")
        ):
            name = node.args[2]
            assert isinstance(name, ast.Constant), f"{module.path}:{node.lineno} names it outright"
            yield str(name.value)


def test_every_event_that_is_sent_can_be_subscribed_to_and_is_told() -> None:
    sent = {name for module in modules() for name in _appended(module)}
    assert sent
    assert sent <= set(EVENT_NAMES)
    page = (DOCS / "events.md").read_text("utf-8")
    told = set(re.findall(r"^\| `([a-z_.*]+)` \|", page, re.MULTILINE))
    assert told == {*EVENT_NAMES, PING, "*"}
    for each in words.EVENTS:
        (line,) = [line for line in page.splitlines() if line.startswith(f"| `{each.name}` |")]
        keys = re.findall(r"`([a-z_]+)`", line.replace("{", "(").split("|")[3])
        assert [key for key in keys if key in each.data] == list(each.data), each.name


# codes --------------------------------------------------------------------------------------------


def _codes(module: Module) -> Iterator[str]:
    """Every code a module's text names: in calls, in dictionaries, in classes."""
    for node in ast.walk(module.tree):
        given: list[ast.expr] = []
        if isinstance(node, ast.Call):
            given += [word.value for word in node.keywords if word.arg == "code"]
            place = AT.get(ast.unparse(node.func).rpartition(".")[2])
            if place is not None and len(node.args) > place:
                given.append(node.args[place])
        elif isinstance(node, ast.Dict):
            given += [
                value
                for key, value in zip(node.keys, node.values, strict=True)
                if isinstance(key, ast.Constant) and key.value == "code"
            ]
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "code":
            given.append(node.value)
        for each in given:
            if isinstance(each, ast.Constant) and isinstance(each.value, str):
                yield each.value


def test_every_code_that_occurs_is_told() -> None:
    told = {code for _, code in CODE_CELL.findall((DOCS / "errors.md").read_text("utf-8"))}
    untold = {
        code: module.path for module in modules() for code in _codes(module) if code not in told
    }
    assert untold == {}
    assert told >= STEPS_OF_ACTS


def test_the_page_of_errors_and_the_docs_of_the_box_tell_the_same() -> None:
    page = (DOCS / "errors.md").read_text("utf-8").partition("## Problems")[0]
    told = {(int(status or 0), code) for status, code in CODE_CELL.findall(page)}
    listed = {(each.status, each.code) for each in (*words.CODES, *words.PAGE_CODES)}
    listed |= {(0, code) for code, _ in (*words.ITEM_CODES, *words.WARNINGS)}
    assert told == listed


def test_every_class_of_the_family_stands_in_its_tree() -> None:
    (tree,) = [module for module in modules() if module.name == "scriptrun_box.kernel.errors"]
    drawn = ast.get_docstring(tree.tree) or ""
    for each in Refusal.__subclasses__():
        if each.__module__ == tree.name:
            assert re.search(rf"── {each.__name__} +{each.status} ", drawn), each.__name__


# verbs --------------------------------------------------------------------------------------------


def _commands() -> Iterator[tuple[str, click.Command]]:
    context = click.Context(main)
    for name in VERBS:
        command = main.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            for part, inner in command.commands.items():
                yield f"{name} {part}", inner
        else:
            yield name, command


COMMANDS = dict(_commands())


def test_every_verb_is_told_and_no_other() -> None:
    page = (DOCS / "cli.md").read_text("utf-8")
    told = re.findall(r"^\| `scriptrun-box ([a-z -]+)` \|", page, re.MULTILINE)
    assert sorted(told) == sorted(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_verb_has_help_and_its_options_are_told(name: str) -> None:
    command = COMMANDS[name]
    assert command.help
    page = (DOCS / "cli.md").read_text("utf-8")
    (line,) = [each for each in page.splitlines() if each.startswith(f"| `scriptrun-box {name}` |")]
    everywhere = {"--config", "--data"}  # told once for all
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.opts[0] in everywhere or f"`{option.opts[0]}" in line, option.opts[0]
