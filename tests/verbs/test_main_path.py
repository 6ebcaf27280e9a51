"""The main path as it is typed: each verb a process of its own, over one data folder."""

import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from scriptrun_box.accounts import store
from scriptrun_box.accounts.model import KEY_SCOPES
from scriptrun_box.cli import main
from scriptrun_box.kernel.db import read_once

PASSWORD = "a dozen blue umbrellas"


class Box:
    """A data folder and what is typed about it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def type(
        self, *words: str, stdin: str = "", status: int = 0
    ) -> "subprocess.CompletedProcess[str]":
        """Run a verb; it must end with that status and without a traceback."""
        command = [sys.executable, "-m", "scriptrun_box", *words, "--data", str(self.folder)]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60)
        assert done.returncode == status, done.stderr
        assert "Traceback" not in done.stderr
        if status == 0:
            assert done.stderr == ""
        return done

    def json(self, *words: str, stdin: str = "") -> Any:
        """The JSON a verb answers with, typed within this process."""
        typed = [*words, "--json", "--data", str(self.folder)]
        done = CliRunner().invoke(main, typed, input=stdin)
        assert done.exit_code == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Box:
    """A box that was set up on the command line."""
    made = Box(tmp_path_factory.mktemp("typed") / "data")
    wish = ("--pharmacy", "Corner Drug", "--email", "Owner@Example.com", "--password-stdin")
    told = json.loads(made.type("init", *wish, "--json", stdin=PASSWORD + "\n").stdout)
    assert set(told) == {"tenant_id", "user_id", "address"}
    assert told["address"] is None
    return made


def test_a_box_is_set_up_once(box: Box) -> None:
    wish = ("--pharmacy", "Again", "--email", "b@example.com", "--password-stdin")
    done = box.type("init", *wish, stdin=PASSWORD, status=1)
    assert done.stderr == (
        "scriptrun-box: This box is already set up; see scriptrun-box tenant create.\n"
    )
    (tenant,) = box.json("tenant", "list")["data"]
    assert set(tenant) == {"id", "name", "kind", "plan", "overage", "created_at"}
    assert (tenant["name"], tenant["kind"], tenant["plan"]) == ("Corner Drug", "pharmacy", "pro")
    (owner,) = box.json("user", "list")["data"]
    assert (owner["email"], owner["role"]) == ("owner@example.com", "owner")


def test_a_key_goes_to_stdout_alone_and_is_listed_without_itself(box: Box) -> None:
    live = box.type("key", "create", "--name", "pms").stdout
    assert live.startswith("sk_live_")
    assert live.endswith("\n")
    assert len(live.split()) == 1
    narrow = ("--scope", "orders:write", "--scope", "packages:read", "--network", "10.0.0.0/8")
    test = box.json("key", "create", "--name", "narrow", "--test", *narrow, "--rate-ingest", "5")
    assert test["key"].startswith("sk_test_")
    listed = box.type("key", "list", "--json").stdout
    assert live.strip() not in listed
    assert test["key"] not in listed
    first, second = json.loads(listed)["data"]
    assert {
        "id", "name", "prefix", "test", "scopes", "created_at", "last_used_at", "revoked_at",
    } <= set(first)  # fmt: skip
    assert first["prefix"] == live[:12]
    assert (first["test"], second["test"]) == (False, True)
    assert first["scopes"] == list(KEY_SCOPES)
    assert second["scopes"] == ["orders:write", "packages:read"]
    assert second["networks"] == ["10.0.0.0/8"]
    assert first["revoked_at"] is None
    assert box.json("key", "revoke", first["id"]) == {"id": first["id"], "revoked": True}
    assert box.json("key", "list")["data"][0]["revoked_at"].endswith("Z")
    again = box.type("key", "revoke", first["id"], status=1)
    assert again.stderr == "scriptrun-box: There is no such key, or it is already revoked.\n"


def test_people_are_added_and_get_a_link_or_a_password(box: Box) -> None:
    link = box.type("user", "add", "--email", "a@example.com", "--name", "Ana").stdout
    assert link.startswith("/link?token=")
    now = ("--email", "b@example.com", "--name", "Bo", "--role", "driver", "--password-stdin")
    made = box.json("user", "add", *now, stdin=PASSWORD)
    assert made["link"] is None
    people = {row["email"]: row for row in box.json("user", "list")["data"]}
    assert (people["a@example.com"]["role"], people["b@example.com"]["role"]) == (
        "dispatcher",
        "driver",
    )
    assert people["b@example.com"]["id"] == made["id"]
    again = box.json("user", "reset-password", "A@Example.com")
    assert again["link"].startswith("/link?token=")
    assert again["link"] != link.strip()
    done = box.type("user", "reset-password", "a@example.com", "--password-stdin", stdin=PASSWORD)
    assert done.stdout == "The password is set.\n"


def test_a_copy_is_made_checked_changed_and_refused(box: Box, tmp_path: Path) -> None:
    copy = tmp_path / "copy.sqlite"
    made = box.json("backup", str(copy))
    assert made["file"] == str(copy)
    assert made["size_bytes"] == copy.stat().st_size
    whole = box.json("verify", str(copy))
    assert whole["ok"] is True
    assert all(set(check) == {"name", "ok", "detail"} for check in whole["checks"])
    restored = Box(tmp_path / "restored")
    told = restored.type("restore", str(copy)).stdout
    assert "Restored from" in told
    assert "users" in told or "tenants" in told
    assert restored.json("tenant", "list") == box.json("tenant", "list")
    with sqlite3.connect(copy) as connection:
        connection.execute("UPDATE audit SET act = 'forged' WHERE seq = 1")
    connection.close()
    refused = box.type("verify", str(copy), status=1)
    assert "FAILED" in refused.stdout
    assert refused.stderr == "scriptrun-box: The file is not whole.\n"
    damaged = Box(tmp_path / "damaged")
    assert damaged.type("restore", str(copy), status=1).stderr.startswith("scriptrun-box: ")


def test_the_box_is_looked_over(box: Box) -> None:
    report = json.loads(box.type("doctor", "--json").stdout)
    assert report["ok"] is True
    assert {"file", "set up", "copy", "disk", "engine", "encryption", "network"} <= {
        check["name"] for check in report["checks"]
    }
    assert json.loads(box.type("verify", "--json").stdout)["ok"] is True
    assert box.json("audit", "verify") == {"ok": True, "broken_at": None}
    assert box.type("audit", "verify").stdout == "The chain is whole.\n"
    exported = box.type("audit", "export").stdout.splitlines()
    assert exported[0] == "seq,at,tenant_id,actor,act,subject,detail,hash"
    assert "tenant.created" in exported[1]
    assert PASSWORD not in "".join(exported)


def test_openapi_is_printed_without_a_box(box: Box, tmp_path: Path) -> None:
    description = json.loads(Box(tmp_path / "none").type("openapi").stdout)
    assert "/api/webhook/orders" in description["paths"]
    assert not (tmp_path / "none").exists()


def test_a_second_tenant_has_to_be_named_from_then_on(box: Box) -> None:
    wish = ("--name", "Lake Courier", "--kind", "dispatch", "--json")
    made = json.loads(box.type("tenant", "create", *wish).stdout)
    assert made["id"].startswith("ten_")
    assert (made["kind"], made["plan"]) == ("dispatch", "pro")
    refused = box.type("key", "list", status=2)
    assert refused.stderr == (
        "scriptrun-box: There is more than one tenant: name one with --tenant.\n"
    )
    named = ("--tenant", made["id"])
    assert box.json("key", "list", *named) == {"data": []}
    changed = box.json("tenant", "set", "--plan", "starter", "--overage", "on", *named)
    assert (changed["plan"], changed["overage"]) == ("starter", True)
    assert box.type("tenant", "set", "--overage", "off", *named).stdout == "Changed.\n"
    tenants = read_once(box.folder / "live" / "box.db", None, store.tenants)
    assert [(each.plan, each.overage) for each in tenants] == [("pro", False), ("starter", False)]
    key = box.json("key", "create", "--name", "theirs", *named)
    others = ("--tenant", tenants[0].id)
    refused = box.type("key", "revoke", key["id"], *others, status=1)
    assert "no such key" in refused.stderr
    unknown = box.type("user", "list", "--tenant", "ten_none", status=1)
    assert unknown.stderr == "scriptrun-box: There is no such tenant.\n"
