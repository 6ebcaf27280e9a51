"""Settings: complete without any, overridable one by one, and no mistake goes unnoticed."""

from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from scriptrun_box.kernel import config
from scriptrun_box.kernel.config import ConfigError, Settings, load

KEPT = """
server.host server.port server.public_url server.allowed_hosts server.allow_plain_http
server.tls_cert server.tls_key storage.folder storage.key_file storage.min_free_mb
copies.max_stale_seconds copies.keep pharmacy.time_zone limits.ingest_per_minute
limits.orders_per_hour limits.reads_per_minute limits.writes_per_minute limits.scans_per_minute
webhooks.allow_networks webhooks.allow_http webhooks.retry_delays webhooks.give_up_after
webhooks.timeout metrics.allow_networks
""".split()


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder without a config.toml."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(text: str = "", **environ: str) -> Settings:
    """The settings of a file with that text and of that environment."""
    Path("named.toml").write_text(text, "utf-8")
    prefixed = {f"SCRIPTRUN_BOX_{name}": value for name, value in environ.items()}
    return load(Path("named.toml"), environ=prefixed)


def sentence(text: str = "", **environ: str) -> str:
    """What is wrong with those settings: one sentence or two, on one line."""
    with pytest.raises(ConfigError) as refused:
        read(text, **environ)
    words = str(refused.value)
    assert words.endswith((".", "?"))
    assert "\n" not in words
    return words


def test_no_settings_at_all_are_complete() -> None:
    settings = load(environ={})
    assert settings == Settings()
    assert (settings.server.host, settings.server.port) == ("127.0.0.1", 8787)
    assert settings.storage.folder == Path("scriptrun-box-data")
    assert settings.limits.model_dump() == {
        "ingest_per_minute": 600,
        "orders_per_hour": 10_000,
        "reads_per_minute": 60,
        "writes_per_minute": 60,
        "scans_per_minute": 30,
    }
    plans = settings.plans
    assert [plans.starter.monthly_orders, plans.pro.monthly_orders] == [1_000, 10_000]
    assert plans.enterprise.monthly_orders is None
    assert plans.starter.features == ("import",)
    assert "webhooks" in plans.pro.features
    assert "locations" in plans.enterprise.features
    assert not any(plan.overage for plan in (plans.starter, plans.pro, plans.enterprise))
    assert settings.webhooks.allow_networks == ()


def test_the_names_that_are_promised_are_there() -> None:
    assert set(KEPT) <= set(config.known_names())


def test_a_file_changes_what_it_names() -> None:
    settings = read('[server]\nport = 9000\nallowed_hosts = ["box.lan"]\n[copies]\nkeep = 0')
    assert (settings.server.port, settings.server.host) == (9000, "127.0.0.1")
    assert settings.server.allowed_hosts == ("box.lan",)
    assert settings.copies.keep == 0
    assert settings.copies.max_stale_seconds == Settings().copies.max_stale_seconds


ENVIRONMENT: list[tuple[str, str, Any]] = [
    ("SERVER__PORT", "9001", 9001),
    ("SERVER__HOST", "0.0.0.0", "0.0.0.0"),
    ("SERVER__PUBLIC_URL", "https://box.example", "https://box.example"),
    ("SERVER__ALLOW_PLAIN_HTTP", "true", True),
    ("SERVER__ALLOW_PLAIN_HTTP", "0", False),
    ("SERVER__ALLOWED_HOSTS", '["a.lan", "b.lan"]', ("a.lan", "b.lan")),
    ("SERVER__ALLOWED_HOSTS", "[]", ()),
    ("STORAGE__FOLDER", "2026", Path("2026")),
    ("STORAGE__FOLDER", "/srv/a b", Path("/srv/a b")),
    ("SUPPORT__ENGINEERING", "3055551234", "3055551234"),
    ("SUPPORT__ENGINEERING", "", ""),
    ("PHARMACY__TIME_ZONE", "America/Denver", "America/Denver"),
    ("WEBHOOKS__RETRY_DELAYS", "[1, 2]", (1, 2)),
    ("WEBHOOKS__TIMEOUT", "2.5", 2.5),
    ("WEBHOOKS__ALLOW_NETWORKS", '["10.0.0.0/8"]', (ip_network("10.0.0.0/8"),)),
    ("PLANS__STARTER__MONTHLY_ORDERS", "5", 5),
    ("PLANS__STARTER__MONTHLY_ORDERS", "null", None),
    ("PLANS__STARTER__FEATURES", '["webhooks"]', ("webhooks",)),
]


@pytest.mark.parametrize(("name", "text", "value"), ENVIRONMENT)
def test_each_setting_may_come_from_the_environment_and_beats_the_file(
    name: str, text: str, value: Any
) -> None:
    file = (
        "[server]\nport = 1\nhost = 'h'\nallowed_hosts = ['c']\n[plans.starter]\nmonthly_orders = 7"
    )
    found: Any = read(file, **{name: text})
    for part in name.lower().split("__"):
        found = getattr(found, part)
    assert found == value


def test_the_environment_leaves_the_rest_of_a_section_as_the_file_has_it() -> None:
    text = "[server]\nport = 9000\n[plans.pro]\nmonthly_orders = 5\n[plans.starter]\noverage = true"
    settings = read(text, PLANS__PRO__OVERAGE="true", SERVER__HOST="::1", PLANS__STARTER="{}")
    assert (settings.server.port, settings.server.host) == (9000, "::1")
    assert (settings.plans.pro.monthly_orders, settings.plans.pro.overage) == (5, True)
    assert settings.plans.pro.features == Settings().plans.pro.features
    assert settings.plans.starter.overage


def test_a_plan_that_names_one_key_keeps_the_others() -> None:
    settings = read("[plans.enterprise]\nmonthly_orders = 50_000")
    assert settings.plans.enterprise.monthly_orders == 50_000
    assert settings.plans.enterprise.features == Settings().plans.enterprise.features
    assert settings.plans.pro == Settings().plans.pro


@pytest.mark.parametrize(
    ("text", "unknown", "meant"),
    [
        ("[server]\nprot = 1", "server.prot", "server.port"),
        ("[server]\nallowed_host = []", "server.allowed_host", "server.allowed_hosts"),
        ("[storage]\npath = 'x'", "storage.path", "storage."),
        ("[limit]\ningest_per_minute = 1", "limit", "limits?"),
        ("[plans.gold]\nmonthly_orders = 1", "plans.gold", "plans."),
        ("[plans.pro]\norders = 1", "plans.pro.orders", "plans.pro.monthly_orders"),
        ("port = 8787", "port", ""),
        ("[zzzzzzzz]\nx = 1", "zzzzzzzz", ""),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest_known_one(
    text: str, unknown: str, meant: str
) -> None:
    words = sentence(text)
    assert words.startswith(f"There is no setting {unknown}.")
    if meant:
        assert f"Did you mean {meant}" in words


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("SERVER__PROT", "server.port"),
        ("SERVR__PORT", "server"),
        ("SERVER_PORT", "SCRIPTRUN_BOX_SERVER__PORT"),
        ("STORAGE_KEY_FILE", "SCRIPTRUN_BOX_STORAGE__KEY_FILE"),
        ("PLANS_PRO_OVERAGE", "SCRIPTRUN_BOX_PLANS__PRO__OVERAGE"),
    ],
)
def test_an_unknown_name_in_the_environment_is_refused_as_well(name: str, meant: str) -> None:
    assert f"Did you mean {meant}?" in sentence(**{name: "1"})


def test_what_others_put_beside_our_settings_is_theirs() -> None:
    assert read(TEST_ALL="1", HOME="/srv") == Settings()
    assert load(environ={"SERVER__PORT": "1", "PATH": "/bin"}) == Settings()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("[server]\nport = 65536", "server.port"),
        ("[server]\nport = 'many'", "server.port"),
        ("[server]\nallowed_hosts = 'box.lan'", "server.allowed_hosts"),
        ("[limits]\norders_per_hour = 0", "limits.orders_per_hour"),
        ("[plans.pro]\nmonthly_orders = -1", "plans.pro.monthly_orders"),
        ("[plans.pro]\nfeatures = ['magic']", "plans.pro.features.0"),
        ("[pharmacy]\ntime_zone = 'Miami'", "pharmacy.time_zone"),
        ("[pharmacy]\ntime_zone = 'America'", "pharmacy.time_zone"),
        ("[webhooks]\nretry_delays = []", "webhooks.retry_delays"),
        ("[webhooks]\nallow_networks = ['pharmacy.lan']", "webhooks.allow_networks.0"),
        ("[webhooks]\ntimeout = 0", "webhooks.timeout"),
        ("server = 5", "server"),
        ("[plans]\npro = 5", "plans.pro"),
        ("[storage]\nfolder = 5", "storage.folder"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(text: str, name: str) -> None:
    assert sentence(text).startswith(f"The setting {name}")


@pytest.mark.parametrize(
    "environ",
    [
        {"SERVER__ALLOWED_HOSTS": "box.lan"},
        {"SERVER__ALLOWED_HOSTS": '["box.lan"'},
        {"SERVER__PORT": '{"a": 1}'},
        {"SERVER__PORT__X": "1"},
        {"PLANS__PRO": "5"},
        {"SERVER__": "1"},
        {"__": "1"},
    ],
)
def test_a_wrong_value_in_the_environment_is_a_sentence(environ: dict[str, str]) -> None:
    assert "setting" in sentence(**environ)
    assert "setting" in sentence("server = 5", **environ)


def test_two_variables_that_contradict_each_other_are_no_crash() -> None:
    both = read(PLANS__PRO='{"monthly_orders": 5}', PLANS__PRO__OVERAGE="true")
    assert (both.plans.pro.monthly_orders, both.plans.pro.overage) == (5, True)
    assert read(PLANS__PRO="5", PLANS__PRO__OVERAGE="true").plans.pro.overage


@pytest.mark.parametrize("text", ["[server", "port: 8787", "a = 1\na = 2"])
def test_a_file_that_is_no_toml_is_a_sentence(text: str) -> None:
    assert "named.toml is not valid TOML" in sentence(text)


def test_a_file_that_cannot_be_read_is_a_sentence(nowhere: Path) -> None:
    for file in (nowhere / "absent.toml", nowhere):
        with pytest.raises(ConfigError, match="Cannot read"):
            load(file, environ={})
    (nowhere / "latin.toml").write_bytes(b"# se\xf1ora\n")
    with pytest.raises(ConfigError, match="not valid TOML"):
        load(nowhere / "latin.toml", environ={})


def test_what_init_keeps_in_the_data_folder_lies_beneath_the_owners_file(nowhere: Path) -> None:
    (nowhere / "data").mkdir()
    (nowhere / "data/config.toml").write_text("[server]\nhost = '::'\nport = 1000")
    (nowhere / "config.toml").write_text("[server]\nport = 2000\n[storage]\nfolder = 'data'")
    assert load(environ={}).server.model_dump(include={"host", "port"}) == {
        "host": "::",
        "port": 2000,
    }
    assert load(environ={"SCRIPTRUN_BOX_SERVER__PORT": "3000"}).server.port == 3000
    (nowhere / "config.toml").unlink()
    assert load(environ={}).server.host == "127.0.0.1"
    for settings in (
        load(folder=Path("data"), environ={}),
        load(environ={"SCRIPTRUN_BOX_STORAGE__FOLDER": "data"}),
    ):
        assert (settings.server.host, settings.server.port) == ("::", 1000)
        assert settings.storage.folder == Path("data")


def test_a_folder_on_the_command_line_beats_every_other(nowhere: Path) -> None:
    (nowhere / "config.toml").write_text("[storage]\nfolder = 'file'\nmin_free_mb = 7")
    env = {"SCRIPTRUN_BOX_STORAGE__FOLDER": "env"}
    storage = load(folder=Path("verb"), environ=env).storage
    assert (storage.folder, storage.min_free_mb) == (Path("verb"), 7)


def test_settings_do_not_change_while_the_box_runs() -> None:
    with pytest.raises(ValidationError):
        Settings().server.port = 1
