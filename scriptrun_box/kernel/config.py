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
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")
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


class GeocodingSettings(Section):
    provider: Literal["", "census", "nominatim"] = ""  # empty: no address leaves the box
    url: str = ""


class RoutingSettings(Section):
    url: str = Field("", pattern=r"^(https?://\S+)?$")


def _tiles(url: str) -> str:
    places = all(name in url for name in ("{z}", "{x}", "{y}"))
    if url and not (url.startswith(("https://", "http://")) and places):
        raise ValueError("it is not an address such as https://tiles.example/{z}/{x}/{y}.png")
    return url


class MapSettings(Section):
    tile_url: Annotated[str, AfterValidator(_tiles)] = ""  # empty: a plain drawing, no network
    attribution: str = ""


class PrintersSettings(Section):
    allow_networks: tuple[Network, ...] = ()


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
    geocoding: GeocodingSettings = GeocodingSettings()
    routing: RoutingSettings = RoutingSettings()
    map: MapSettings = MapSettings()
    printers: PrintersSettings = PrintersSettings()
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

    Without `file`, `config.toml` in the working folder is read when there is one. Beneath it lies
    the `config.toml` of the data folder, where `init` and `tls init` keep what they set, and above
    it the environment. Raises ConfigError.
    """
    values: dict[str, Any] = {}
    if file or _is_there(Path("config.toml")):
        values = _read(file or Path("config.toml"))
    for table in _from_environment(os.environ if environ is None else environ):
        _merge(values, table)
    if folder:
        _merge(values, {"storage": {"folder": str(folder)}})
    beneath = _data_folder(values) / "config.toml"
    settings = _read(beneath) if _is_there(beneath) else {}
    _merge(settings, values)
    try:
        return Settings.model_validate(_with_plan_defaults(settings))
    except ValidationError as error:
        raise ConfigError(_sentence(error)) from None


def _merge(values: dict[str, Any], above: Mapping[str, Any]) -> None:
    """Lay tables over tables: what `above` names wins, what it does not name stays."""
    for name, value in above.items():
        below = values.get(name)
        if isinstance(value, dict) and isinstance(below, dict):
            _merge(below, value)
        else:
            values[name] = value


def _data_folder(values: dict[str, Any]) -> Path:
    storage = values.get("storage")
    folder = storage.get("folder") if isinstance(storage, dict) else None
    return Path(folder) if isinstance(folder, str) else StorageSettings().folder


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


def _from_environment(environ: Mapping[str, str]) -> list[dict[str, Any]]:
    """SCRIPTRUN_BOX_<SECTION>__<KEY>[__<KEY>]=value, each as a table; lists and tables as JSON."""
    tables = []
    for name, text in sorted(environ.items()):
        if not name.startswith(ENV_PREFIX):
            continue
        path = name.removeprefix(ENV_PREFIX).lower().split("__")
        if len(path) == 1:
            _refuse_single_underscore(name, path[0])
            continue
        table = _value(text)
        for part in reversed(path):
            table = {part: table}
        tables.append(table)
    return tables


def _refuse_single_underscore(name: str, rest: str) -> None:
    """Others may use our prefix for their own; a setting written almost right is a mistake."""
    for known in known_names():
        if known.replace(".", "_") == rest:
            meant = ENV_PREFIX + known.upper().replace(".", "__")
            raise ConfigError(f"There is no setting {name}. Did you mean {meant}?")


def _value(text: str) -> Any:
    """JSON where it is a list or a table; else text, from which each setting reads its own kind."""
    if text == "null":
        return None
    try:
        return json.loads(text) if text.startswith(("[", "{")) else text
    except ValueError:
        return text


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
    known = known_names() if len(path) > 1 else list(Settings.model_fields)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
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
