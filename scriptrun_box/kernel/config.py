"""Settings: config.toml, each key overridable from the environment, unknown names refused.

No file at all is a complete configuration. `config.example.toml` tells what each key means.
"""

import difflib
import json
import os
import tomllib
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from . import clock

ENV_PREFIX = "SCRIPTRUN_BOX_"
Network = IPv4Network | IPv6Network
Feature = Literal["import", "webhooks", "labels", "recurring", "shopify", "sms", "locations"]


class ConfigError(Exception):
    """The settings cannot be used; the text is one sentence for the owner."""


def _time_zone(name: str) -> str:
    if not clock.is_time_zone(name):
        raise ValueError("it is not a time zone name such as America/New_York")
    return name


TimeZone = Annotated[str, AfterValidator(_time_zone)]


class Section(BaseModel):
    """One [section] of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ServerSettings(Section):
    host: str = "127.0.0.1"
    port: int = Field(8787, ge=0, le=65535)
    public_url: str = ""
    allowed_hosts: tuple[str, ...] = ()
    allow_plain_http: bool = False
    tls_cert: Path | None = None
    tls_key: Path | None = None


class StorageSettings(Section):
    folder: Path = Path("scriptrun-box-data")
    key_file: Path | None = None
    min_free_mb: int = Field(200, ge=0)


class CopiesSettings(Section):
    max_stale_seconds: int = Field(60, ge=1)
    keep: int = Field(7, ge=0)


class PharmacySettings(Section):
    time_zone: TimeZone = "America/New_York"


class LimitsSettings(Section):
    ingest_per_minute: int = Field(600, ge=1)
    orders_per_hour: int = Field(10_000, ge=1)
    reads_per_minute: int = Field(60, ge=1)
    writes_per_minute: int = Field(60, ge=1)
    scans_per_minute: int = Field(30, ge=1)


class Plan(Section):
    monthly_orders: int | None = Field(None, ge=0)  # None: no limit
    features: tuple[Feature, ...] = ()
    overage: bool = False


STARTER: tuple[Feature, ...] = ("import",)
PRO: tuple[Feature, ...] = ("import", "webhooks", "labels", "recurring", "shopify", "sms")
ENTERPRISE: tuple[Feature, ...] = (*PRO, "locations")


class PlansSettings(Section):
    starter: Plan = Plan(monthly_orders=1_000, features=STARTER)
    pro: Plan = Plan(monthly_orders=10_000, features=PRO)
    enterprise: Plan = Plan(features=ENTERPRISE)


class WebhooksSettings(Section):
    allow_networks: tuple[Network, ...] = ()
    allow_http: bool = False
    retry_delays: tuple[int, ...] = Field((5, 30, 120, 600, 1800, 3600), min_length=1)
    give_up_after: int = Field(86_400, ge=60)
    timeout: float = Field(15.0, gt=0)


class RetentionSettings(Section):
    events_days: int = Field(30, ge=1)


class MetricsSettings(Section):
    allow_networks: tuple[Network, ...] = ()


class SupportSettings(Section):
    engineering: str = ""
    security: str = ""
    contracts: str = ""


class Settings(Section):
    """Everything that can be set, frozen for the life of the process."""

    server: ServerSettings = ServerSettings()
    storage: StorageSettings = StorageSettings()
    copies: CopiesSettings = CopiesSettings()
    pharmacy: PharmacySettings = PharmacySettings()
    limits: LimitsSettings = LimitsSettings()
    plans: PlansSettings = PlansSettings()
    webhooks: WebhooksSettings = WebhooksSettings()
    retention: RetentionSettings = RetentionSettings()
    metrics: MetricsSettings = MetricsSettings()
    support: SupportSettings = SupportSettings()


def load(
    file: Path | None = None,
    *,
    folder: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Read the settings; `file` must exist when named, `folder` overrides storage.folder.

    Without `file`, `config.toml` in the data folder is read when there is one (where `init` and
    `tls init` keep what they set), else one in the working folder. Raises ConfigError.
    """
    env = _from_environment(os.environ if environ is None else environ)
    start = folder or Path(env.get("storage", {}).get("folder", StorageSettings().folder))
    candidates = [file] if file else [start / "config.toml", Path("config.toml")]
    values: dict[str, Any] = {}
    for candidate in candidates:
        if file or _is_there(candidate):
            values = _read(candidate)
            break
    for section, keys in env.items():
        values.setdefault(section, {}).update(keys)
    if folder:
        values.setdefault("storage", {})["folder"] = str(folder)
    try:
        return Settings.model_validate(_with_plan_defaults(values))
    except ValidationError as error:
        raise ConfigError(_sentence(error)) from None


def _is_there(file: Path) -> bool:
    try:
        return file.is_file()
    except PermissionError:  # a working folder this user may not look into has no settings for it
        return False


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"Cannot read {file.name}: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file.name} is not valid TOML: {error}.") from None


def _from_environment(environ: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """SCRIPTRUN_BOX_<SECTION>__<KEY>[__<KEY>]=value; lists and tables as JSON."""
    values: dict[str, dict[str, Any]] = {}
    for name, text in environ.items():
        if not name.startswith(ENV_PREFIX) or "__" not in name:
            continue
        section, *path = name.removeprefix(ENV_PREFIX).lower().split("__")
        table = values.setdefault(section, {})
        for part in path[:-1]:
            table = table.setdefault(part, {})
        table[path[-1]] = _value(text)
    return values


def _value(text: str) -> Any:
    """JSON where it is a list, table, number or flag; anything else is a string."""
    try:
        parsed = json.loads(text)
    except ValueError:
        return text
    return text if isinstance(parsed, str) else parsed


def _with_plan_defaults(values: dict[str, Any]) -> dict[str, Any]:
    """A plan that names one key keeps the built-in others."""
    plans = values.get("plans")
    if isinstance(plans, dict):
        for name, built_in in PlansSettings().model_dump().items():
            if isinstance(plans.get(name), dict):
                plans[name] = {**built_in, **plans[name]}
    return values


def _sentence(error: ValidationError) -> str:
    """The first thing wrong, in words, with the nearest known name for an unknown one."""
    first = error.errors(include_input=False, include_url=False)[0]
    path = [str(part) for part in first["loc"]]
    name = ".".join(path)
    if first["type"] != "extra_forbidden":
        return f"The setting {name} cannot be used: {first['msg']}."
    near = difflib.get_close_matches(name, known_names(), n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"There is no setting {name}.{hint}"


def known_names(model: type[BaseModel] = Settings, prefix: str = "") -> list[str]:
    """Every setting's dotted name, in the order of the example file."""
    names = []
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            names += known_names(kind, f"{prefix}{name}.")
        else:
            names.append(f"{prefix}{name}")
    return names
