"""What /docs and OpenAPI tell of routes."""

from scriptrun_box.kernel.http import Doc

from .model import (
    HandOverIn,
    MoveStopIn,
    PackagesIn,
    PutIn,
    RouteChangeIn,
    RouteIn,
    StartIn,
    VersionIn,
)
from .plan import OptimizeIn

GROUP = "Routes"
DRIVER_ID = "drv_00000000000000000000000000000000"
PACKAGE_ID = "00000000000000000000000000000000"
LISTED = {
    "id": "rte_00000000000000000000000000000000",
    "status": "planned",
    "date": "2026-04-20",
    "driver_id": DRIVER_ID,
    "pharmacy_id": "00000000-0000-4000-8000-000000000000",
    "ends_at_start": True,
    "leaves_at": "2026-04-20T13:30:00Z",
    "breaks": [{"after": "12:00", "before": "13:30", "minutes": 30}],
    "hand_overs": [],
    "meters": 5400,
    "stops_count": 1,
    "stops_done": 0,
    "packages_count": 1,
    "started_at": None,
    "completed_at": None,
    "finished_at": None,
    "test": False,
    "version": 2,
    "created_at": "2026-04-20T12:00:00Z",
    "updated_at": "2026-04-20T12:00:00Z",
}
STOP = {
    "id": "stp_00000000000000000000000000000000",
    "position": 1,
    "address": "123 Main St, Miami, FL 33178",
    "fixed": False,
    "lat": 25.7743,
    "lng": -80.1937,
    "approximate": False,
    "deliver_after": None,
    "deliver_by": "2026-04-20T18:00:00Z",
    "arrives_at": "2026-04-20T13:42:00Z",
    "late": False,
    "hold_until": None,
    "past_hold": False,
    "done_at": None,
    "package_ids": [PACKAGE_ID],
}
ROUTE = {**LISTED, "approximate": False, "late": False, "past_hold": False, "stops": [STOP]}
STARTED = {**ROUTE, "status": "started", "started_at": "2026-04-20T13:31:00Z", "version": 4}
ONE_DRIVER = """{"driver_id": "'"$DRIVER_ID"'"}"""
ONE_PACKAGE = """{"package_ids": ["'"$PACKAGE_ID"'"]}"""


def _with_ids(method: str, path: str, body: str) -> str:
    """A curl whose body needs ids from the shell."""
    return (
        f'curl -X {method} "{{base}}{path}" \\\n'
        '  -H "X-API-Key: $KEY" \\\n'
        '  -H "Content-Type: application/json" \\\n'
        f"  -d '{body}'"
    )


LIST = Doc(
    group=GROUP,
    summary="List routes",
    text="Newest first, page by page: hand next_cursor back as cursor.",
    query={
        "date": "YYYY-MM-DD",
        "status": "one or more of planned, started, finished, cancelled, with commas",
        "driver_id": "whose",
        "q": "parts of the driver's name, phone or vehicle",
        "pharmacy_id": "where they begin",
        "limit": "1 to 200, default 50",
        "cursor": "next_cursor of the page before",
    },
    answer={"data": [LISTED], "next_cursor": None},
    refusals=(400,),
)
CREATE = Doc(
    group=GROUP,
    summary="Make a route",
    text="For a driver, on a date (today where it is absent), from a location (the first one)."
    " leaves_at and the times of breaks are HH:MM at the location. Its packages are the driver's"
    " from then on, through the gates of an assignment, all or none; packages of one door are one"
    " stop. ends_at_start false: it ends with the last stop.",
    body=RouteIn,
    curl=_with_ids("POST", "/api/routes", ONE_DRIVER),
    answer=ROUTE,
    status=201,
    refusals=(400, 404, 409),
)
READ = Doc(
    group=GROUP,
    summary="Read a route",
    text="With its stops in order. late: as it is planned the driver comes after deliver_by."
    " approximate: nobody knows exactly where a stop is, so arrives_at and meters are rough.",
    answer=ROUTE,
    refusals=(400, 404),
)
CHANGE = Doc(
    group=GROUP,
    summary="Change a route, or hand it over",
    text="While it is planned. What is absent stays. Another driver_id gives all of it to another"
    " driver in one step. With version, the one that was read, a change that somebody else made"
    " meanwhile is not written over: 409 says who was faster.",
    body=RouteChangeIn,
    example={"leaves_at": "09:30"},
    answer={**ROUTE, "version": 3},
    refusals=(400, 404, 409),
)
HAND_OVER = Doc(
    group=GROUP,
    summary="Hand a route over to another driver",
    text="In one step, planned or on the way (a breakdown): every package that is not done goes"
    " through the gates for the new driver, and one refusal is a refusal of all. Who was out with"
    " it is free again; whoever takes it over must be. hand_overs of the route keeps who did it"
    " when, from whom and to whom. Of two callers at once the second gets 409 and who was faster.",
    body=HandOverIn,
    curl=_with_ids("POST", "/api/routes/$ROUTE_ID/hand-over", ONE_DRIVER),
    answer=STARTED,
    refusals=(400, 404, 409),
)
PUT = Doc(
    group=GROUP,
    summary="Put packages on a route",
    text="The route's driver has them from then on, whoever had them before; all or none. On a"
    " route that has started each goes out at once, through the gates of a start; a stat package"
    " is the driver's next stop where position does not say otherwise.",
    body=PutIn,
    curl=_with_ids("POST", "/api/routes/$ROUTE_ID/packages", ONE_PACKAGE),
    answer=ROUTE,
    refusals=(400, 404, 409),
)
TAKE_OFF = Doc(
    group=GROUP,
    summary="Take packages off a route",
    text="They are nobody's and wait to be assigned. What is out already cannot be taken off.",
    body=PackagesIn,
    curl=_with_ids("POST", "/api/routes/$ROUTE_ID/take-off", ONE_PACKAGE),
    answer={**ROUTE, "stops": [], "stops_count": 0, "packages_count": 0, "meters": None},
    refusals=(400, 404, 409),
)
MOVE_STOP = Doc(
    group=GROUP,
    summary="Move a stop",
    text="To a position counted from 1, where it stays: optimising works around it. Without a"
    " position it stays where it is and is free again.",
    body=MoveStopIn,
    example={"position": 1},
    answer={**ROUTE, "stops": [{**STOP, "fixed": True}]},
    refusals=(400, 404, 409),
)
NEAREST = Doc(
    group=GROUP,
    summary="Order a route nearest first",
    text="The simple order, which needs no optimiser: stat stops first, then always on to the"
    " nearest one. Stops moved by hand stay where they are.",
    body=VersionIn,
    example={},
    answer={**ROUTE, "version": 3},
    refusals=(400, 404, 409),
)
START = Doc(
    group=GROUP,
    summary="Start a route",
    text="Every package goes out with the driver, or nothing does: 409 packages_cannot_leave says"
    " for each one that may not leave why. Those named in leave_behind go back to be assigned if"
    " they may not leave. A driver is out with one route at a time.",
    body=StartIn,
    example={"leave_behind": []},
    answer=STARTED,
    refusals=(400, 404, 409),
)
FINISH = Doc(
    group=GROUP,
    summary="Finish a route",
    text="When every stop is done; 409 stops_open names those that are not. route.completed was"
    " sent with the last of them.",
    body=VersionIn,
    example={},
    answer={
        **STARTED,
        "status": "finished",
        "completed_at": "2026-04-20T15:00:00Z",
        "finished_at": "2026-04-20T15:10:00Z",
        "stops_done": 1,
        "stops": [{**STOP, "done_at": "2026-04-20T15:00:00Z"}],
        "version": 5,
    },
    refusals=(400, 404, 409),
)
PLANNED = {
    "id": "pln_00000000000000000000000000000000",
    "status": "queued",
    "progress": 0,
    "date": "2026-04-20",
    "pharmacy_id": "00000000-0000-4000-8000-000000000000",
    "route_id": None,
    "reason": None,
    "routes": [],
    "left_out": [],
    "driving_seconds": None,
    "distances": None,
    "skipped": [],
    "route_ids": [],
    "test": False,
    "created_at": "2026-04-20T12:00:00Z",
    "updated_at": "2026-04-20T12:00:00Z",
}
READY = {
    **PLANNED,
    "status": "ready",
    "progress": 100,
    "routes": [
        {
            "driver_id": DRIVER_ID,
            "route_id": None,
            "stops": [
                {
                    "package_ids": [PACKAGE_ID],
                    "arrives_at": "2026-04-20T13:42:00Z",
                    "late": False,
                    "position": 1,
                }
            ],
        }
    ],
    "left_out": [{"package_id": "00000000000000000000000000000001", "reason": "no_place"}],
    "driving_seconds": 540,
    "distances": "estimate",
}
OPTIMIZE = Doc(
    group=GROUP,
    summary="Plan drivers' routes of a day",
    text="Asks the optimiser for the best routes of these drivers with these packages (without"
    " package_ids: all that wait for that day) and what is on their planned routes; stops fixed by"
    " hand stay where they are. The answer is a plan that is computed in about ten seconds: read it"
    " until it is ready, then commit it. Nothing changes before. Without the optimiser installed"
    " this is 409 extra_missing.",
    body=OptimizeIn,
    curl=_with_ids("POST", "/api/routes/optimize", """{"driver_ids": ["'"$DRIVER_ID"'"]}"""),
    answer=PLANNED,
    status=202,
    refusals=(400, 404, 409),
)
OPTIMIZE_ROUTE = Doc(
    group=GROUP,
    summary="Plan the order of one route",
    text="As above, for the open stops of one route, a started one too.",
    body=VersionIn,
    example={},
    answer=PLANNED,
    status=202,
    refusals=(400, 404, 409),
)
READ_PLAN = Doc(
    group=GROUP,
    summary="Read a plan",
    text="status goes from queued over running (progress is percent) to ready or failed (reason"
    " says why in words), then to committed or cancelled. reason of what was left out is one of"
    " no_place (nobody knows where it is yet), no_driver_may, no_room, too_late, no_time (it does"
    " not fit with what is promised to others), possible_duplicate, not_waiting, other_location."
    " distances is roads where a road server was asked, else estimate.",
    answer=READY,
    refusals=(400, 404),
)
COMMIT_PLAN = Doc(
    group=GROUP,
    summary="Make a plan so",
    text="One that is ready. Packages and routes are looked at again: what somebody changed"
    " meanwhile stays as it is and stands in skipped; route_ids are the routes as they are now.",
    answer={**READY, "status": "committed", "route_ids": [LISTED["id"]]},
    refusals=(400, 404, 409),
)
CANCEL_PLAN = Doc(
    group=GROUP,
    summary="Drop a plan",
    text="Computed or not. Said again it changes nothing.",
    answer={**PLANNED, "status": "cancelled"},
    refusals=(400, 404, 409),
)
CANCEL = Doc(
    group=GROUP,
    summary="Cancel a route",
    text="One that has not started: its packages wait to be assigned again.",
    body=VersionIn,
    example={},
    answer={
        **ROUTE,
        "status": "cancelled",
        "stops": [],
        "stops_count": 0,
        "packages_count": 0,
        "meters": None,
    },
    refusals=(400, 404, 409),
)
