"""Routes as screens say them: states, why something is not possible, what was left out and why."""

from collections.abc import Callable, Mapping
from typing import Any

from scriptrun_box.routes.model import Route, Sheet, Visit

STATES = {
    "planned": ("Planned", "info"),
    "started": ("On the way", "warn"),
    "finished": ("Finished", "ok"),
    "cancelled": ("Cancelled", ""),
}
WHY = {
    "no_place": "nobody knows where it is yet",
    "no_driver_may": "none of these drivers may carry it",
    "no_room": "the vehicles are full",
    "too_late": "it can no longer be there when it was promised, or while its bag keeps it cold",
    "no_time": "it does not fit with what is promised to others",
    "possible_duplicate": "it may be a duplicate: decide first",
    "quarantined": "it is in quarantine: a pharmacist decides first",
    "not_waiting": "it does not wait to be delivered",
    "other_location": "it starts from another location",
    "changed": "somebody changed it meanwhile",
    "route_changed": "somebody changed the route meanwhile",
    "driver_left": "the driver has left",
}
METERS_A_MILE = 1_609.344


def state(route: Route) -> tuple[str, str]:
    """(word, tone) of the pill."""
    if route.status == "started" and route.completed_at is not None:
        return "All stops done", "ok"
    return STATES[route.status]


def way(meters: int | None) -> str:
    """How far it is, as people say it here."""
    return "not known yet" if meters is None else f"{meters / METERS_A_MILE:,.1f} miles"


def minutes(seconds: int) -> str:
    """How long it takes: 45 min, 3 h 20 min."""
    hours, rest = divmod(round(seconds / 60), 60)
    return f"{hours} h {rest} min" if hours else f"{rest} min"


def why(reason: str) -> str:
    """Why something stays as it is."""
    return WHY.get(reason, "one of its rules does not allow it")


def names(visit: Visit) -> str:
    """Whom a stop is for."""
    return ", ".join(dict.fromkeys(each.content.patient_name for each in visit.packages))


def stop_state(sheet: Sheet, visit: Visit) -> tuple[str, str]:
    """(word, tone): done, late, or nothing to say."""
    if visit.stop.done_at is not None:
        ended = {sheet.outcomes.get(each.id, "") for each in visit.packages}
        return ("To decide", "bad") if "failed" in ended else ("Done", "ok")
    if sheet.past_hold(visit):
        return "Too late to stay cold", "bad"
    return ("Late", "bad") if sheet.late(visit) else ("", "")


def stuck(details: list[Mapping[str, Any]], sheet: Sheet) -> list[tuple[str, str, str]]:
    """(package, whom it is for, why it may not leave) of a start that was refused."""
    by_id = {package.id: package.content.patient_name for package in sheet.packages}
    return [(d["package_id"], by_id.get(d["package_id"], "?"), d["message"]) for d in details]


FILTERS: dict[str, Callable[..., Any]] = {
    "route_state": state,
    "way": way,
    "minutes": minutes,
    "why": why,
    "stop_names": names,
}
