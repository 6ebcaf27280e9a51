"""Whatever is typed wrongly: one sentence on stderr, its exit status, nothing changed, no trace."""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from scriptrun_box.cli import VERBS, main
from scriptrun_box.kernel.db import Reader, read_once
from scriptrun_box.kernel.opening import open_folder
from tests.boxes import settings_for

PASSWORD = "a dozen blue umbrellas"
INIT = ["init", "--pharmacy", "Corner Drug", "--email", "o@example.com", "--password-stdin"]


def run(*words: str, stdin: str | bytes | None = None) -> Result:
    """Type this; whatever happens it is no traceback, and a failure is one line on stderr."""
    result = CliRunner().invoke(main, words, input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    if result.exit_code:
        assert result.stderr.startswith("scriptrun-box: "), result.stderr
        assert result.stderr.count("\n") == 1
        assert result.stderr.strip().endswith((".", "?"))
    return result


def sentence(status: int, *words: str, stdin: str | bytes | None = None) -> str:
    """The sentence a verb ends with."""
    result = run(*words, stdin=stdin)
    assert result.exit_code == status, result.stderr
    assert result.stdout == ""
    return result.stderr.removeprefix("scriptrun-box: ").strip()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of a box with one tenant."""
    folder = str(tmp_path_factory.mktemp("box") / "data")
    assert run(*INIT, "--data", folder, stdin=PASSWORD).exit_code == 0
    return folder


def counts(r: Reader) -> list[int]:
    tables = ("tenants", "users", "api_keys", "audit", "one_time_links")
    return [r.value(f"SELECT count(*) FROM {table}") for table in tables]


WRONG_USAGE = [
    (["--nonsense"], "No such option"),
    (["nonsense"], "No such command 'nonsense'"),
    (["key", "nonsense"], "No such command"),
    (["key", "create"], "Missing option '--name'"),
    (["key", "create", "--name", "n", "--scope", "all"], "is not one of"),
    (["key", "create", "--name", "n", "--rate-ingest", "0"], "not in the range"),
    (["key", "create", "--name", "n", "--orders-per-hour", "many"], "not a valid integer"),
    (["key", "revoke"], "Missing argument 'KEY_ID'"),
    (["key", "list", "extra"], "unexpected extra argument"),
    (["tenant", "create", "--name", "n", "--plan", "gold"], "is not one of"),
    (["tenant", "set"], "Say what to change"),
    (["user", "add", "--email", "a@example.com"], "Missing option '--name'"),
    (["user", "add", "--email", "a@b.c", "--name", "n", "--role", "admin"], "is not one of"),
    (["init", "--plan", "gold"], "is not one of"),
    (["init", "--password-stdin"], "Give --pharmacy and --email"),
    (["backup"], "Missing argument 'FILE'"),
    (["restore"], "Missing argument 'FILE'"),
    (["serve", "--port", "1"], "No such option"),
    (["webhook", "listen", "--port", "70000"], "not in the range"),
    (["doctor", "--config", "/nowhere/config.toml"], "Cannot read config.toml"),
]


@pytest.mark.parametrize(("words", "told"), WRONG_USAGE)
def test_wrong_words_are_told_in_one_sentence_with_status_two(
    data: str, words: list[str], told: str
) -> None:
    with_data = words if words[0].startswith(("-", "non", "webhook")) else [*words, "--data", data]
    assert told in sentence(2, *with_data)


REFUSED = [
    (["key", "create", "--name", " "], "The name is missing."),
    (["key", "create", "--name", "a\nb"], "characters that cannot be shown"),
    (["key", "create", "--name", "\udcff"], "characters that cannot be shown"),
    (["key", "create", "--name", "n", "--network", "box.lan"], "A network is written like"),
    (["key", "create", "--name", "n", "--location", "x"], "There is no such location."),
    (["key", "revoke", "key_none"], "There is no such key"),
    (["key", "revoke", "\udcff"], "This did not work: UnicodeEncodeError"),
    (["key", "list", "--tenant", "ten_none"], "There is no such tenant."),
    (["tenant", "create", "--name", "x" * 201], "at most 200 characters"),
    (["user", "add", "--email", "nobody", "--name", "n"], "not an e-mail address"),
    (["user", "add", "--email", "o@example.com", "--name", "n"], "already here"),
    (["user", "reset-password", "nobody@example.com"], "no person with this e-mail"),
    (["verify", "/nowhere/at/all"], "The file is not whole."),
    (["restore", "/nowhere/at/all"], "/nowhere/at/all"),
    (["backup", "/nowhere/at/all"], "/nowhere"),
    (["tls", "status"], "tls init"),
]


@pytest.mark.parametrize(("words", "told"), REFUSED)
def test_what_cannot_be_done_is_told_in_one_sentence_with_status_one(
    data: str, words: list[str], told: str
) -> None:
    file = Path(data) / "live" / "box.db"
    before = read_once(file, None, counts)
    result = run(*words, "--data", data)
    assert result.exit_code == 1
    assert told in result.stderr
    assert read_once(file, None, counts) == before


EMPTY = [["key", "list"], ["tenant", "list"], ["user", "list"], ["doctor"], ["audit", "verify"]]


@pytest.mark.parametrize("words", [*EMPTY, ["verify"], ["key", "create", "--name", "n"]])
def test_a_verb_does_not_make_a_box_where_there_is_none(tmp_path: Path, words: list[str]) -> None:
    result = run(*words, "--data", str(tmp_path / "none"))
    assert result.exit_code == 1
    assert not (tmp_path / "none").exists()


def test_a_box_that_is_not_set_up_says_what_to_type(tmp_path: Path) -> None:
    open_folder(settings_for(tmp_path / "data")).close()
    words = sentence(1, "key", "list", "--data", str(tmp_path / "data"))
    assert words == "This box is not set up yet: type scriptrun-box init."


PASSWORDS = [
    ("", 1, "at least 15 characters"),
    ("too short\n", 1, "at least 15 characters"),
    ("x" * 300, 1, "at most 256 characters"),
    ("passwordpassword1\n", 1, "too easy to guess"),
    (b"\xff\xfe caf\xe9 and five more words\n", 2, "not text in UTF-8"),
]


@pytest.mark.parametrize(("stdin", "status", "told"), PASSWORDS)
def test_a_password_that_must_not_be_used_makes_no_box(
    tmp_path: Path, stdin: str | bytes, status: int, told: str
) -> None:
    folder = tmp_path / "data"
    assert told in sentence(status, *INIT, "--data", str(folder), stdin=stdin)
    assert not (folder / "live" / "box.db").exists()


def test_where_nobody_can_be_asked_a_password_is_not_asked_for(tmp_path: Path) -> None:
    words = [*INIT[:-1], "--data", str(tmp_path / "data")]
    assert sentence(2, *words, stdin="x\n") == "Give the password with --password-stdin."


def test_only_the_first_line_of_stdin_is_the_password(tmp_path: Path) -> None:
    folder = str(tmp_path / "data")
    assert run(*INIT, "--data", folder, stdin=f"{PASSWORD}\r\nrest\n").exit_code == 0


def test_a_setting_that_is_wrong_is_wrong_usage(data: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCRIPTRUN_BOX_SERVER__PROT", "1")
    told = sentence(2, "key", "list", "--data", data)
    assert told == "There is no setting server.prot. Did you mean server.port?"


def test_a_file_that_is_no_box_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "live").mkdir()
    (tmp_path / "live" / "box.db").write_bytes(b"not a database at all, " * 500)
    for words in EMPTY:
        result = run(*words, "--data", str(tmp_path))
        assert result.exit_code == 1
    assert (tmp_path / "live" / "box.db").read_bytes().startswith(b"not a database")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_one_may_not_read_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0)
    assert sentence(1, "key", "list", "--data", str(tmp_path / "data"))


def test_tables_for_people_line_up_and_lists_for_programs_are_json(data: str) -> None:
    assert run("key", "create", "--name", "a long name", "--data", data).exit_code == 0
    assert run("key", "create", "--name", "b", "--test", "--data", data).exit_code == 0
    table = run("key", "list", "--data", data).stdout.splitlines()
    start = table[0].index("prefix")
    assert [line[start : start + 8] for line in table[1:]] == ["sk_live_", "sk_test_"]
    rows = json.loads(run("key", "list", "--data", data, "--json").stdout)
    assert [row["name"] for row in rows["data"]] == ["a long name", "b"]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_tells_how_it_is_used(verb: str) -> None:
    result = CliRunner().invoke(main, [verb, "--help"])
    assert result.exit_code == 0
    assert result.stdout.startswith("Usage: ")
    assert result.stderr == ""


def test_nothing_typed_is_told_what_there_is_to_type() -> None:
    for words in ([], ["key"], ["tls"]):
        result = CliRunner().invoke(main, words)
        assert "Commands:" in result.output
        assert "Traceback" not in result.output
    assert CliRunner().invoke(main, ["--version"]).stdout.startswith("scriptrun-box")
