"""What the app's own modules make of the shift without a page: run by node."""

import json
import subprocess
from typing import Any

from scriptrun_box.ui import pages
from tests.programs import need

MODULES = pages.HERE / "static" / "phone"
HOUR = 3_600_000
NOW = 1_776_710_517_000


def run(script: str, *given: Any) -> Any:
    """What a script says, that sees its values as `given`."""
    source = f"const given = {json.dumps(given)};\n{script}"
    command = [need("node"), "--input-type=module", "-e", source]
    done = subprocess.run(
        command, cwd=MODULES, capture_output=True, text=True, check=False, timeout=30
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def package(name: str, **more: Any) -> dict[str, Any]:
    plain = {"status": "out_for_delivery", "recalled": False, "gate": None, "cold_until": None}
    return {"id": name, "name": name, **plain, **more}


def shift(*packages: dict[str, Any]) -> dict[str, Any]:
    stop = {"id": "s", "package_ids": [each["id"] for each in packages]}
    route = {"id": "r", "status": "started", "stops": [stop]}
    return {"routes": [route], "packages": {each["id"]: each for each in packages}}


def test_what_is_no_longer_cold_is_kept_back_by_a_phone_that_nobody_can_reach() -> None:
    told = shift(
        package("fresh", cold_until=NOW + HOUR),
        package("over", cold_until=NOW - 1),
        package("here", cold_until=NOW - 1, status="assigned"),
        package("in time", cold_until=NOW - 1),
        package("plain"),
    )
    act = {"words": {"kind": "deliver", "package_ids": ["in time"]}, "answer": None}
    script = """
import { openAt, standing } from "./shift.js";
import { coldUntil } from "./cold.js";
const [told, acts, now] = given;
const shift = standing(told, acts, now);
const [stop] = shift.routes[0].stops;
const packages = Object.values(shift.packages);
console.log(JSON.stringify({
  open: openAt(shift, stop).map((each) => each.id),
  back: packages.filter((each) => each.recalled).map((each) => each.id),
  gate: shift.packages.here.gate,
  until: coldUntil([shift.packages.fresh, shift.packages["in time"], shift.packages.plain]),
  none: coldUntil([shift.packages.plain]),
}));"""
    assert run(script, told, [act], NOW) == {
        "open": ["fresh", "plain"],
        "back": ["over"],
        "gate": "Packed too long ago: give it back",
        "until": NOW + HOUR,
        "none": None,
    }


def test_a_countdown_says_hours_minutes_and_when_it_is_over() -> None:
    script = """
import { leftWords } from "./cold.js";
console.log(JSON.stringify(given.map((left) => leftWords(left, 0))));"""
    assert run(script, 2 * HOUR + 5 * 60_000 + 1, 59 * 60_000, 0, -1) == [
        "Stays cold for 2 h 5 min",
        "Stays cold for 59 min",
        "Stays cold for 0 min",
        "No longer cold: bring it back",
    ]


def test_what_is_read_in_the_bag_forbids_handing_over_or_goes_to_the_box() -> None:
    readings = [
        {"indicator": "", "degrees": "", "unit": "F"},
        {"indicator": "none", "degrees": "", "unit": "F"},
        {"indicator": "unchanged", "degrees": "41", "unit": "F"},
        {"indicator": "", "degrees": "4,5", "unit": "C"},
        {"indicator": "changed", "degrees": "", "unit": "F"},
        {"indicator": "", "degrees": "50", "unit": "F"},
        {"indicator": "", "degrees": "cold", "unit": "F"},
        {"indicator": "", "degrees": "900", "unit": "C"},
    ]
    script = """
import { readingProblem, told } from "./cold.js";
const limits = { low: 2, high: 8 };
const never = (reading) => readingProblem(reading, limits)?.[1] ?? null;
console.log(JSON.stringify(given.map((reading) => [never(reading), told(reading)])));"""
    assert run(script, *readings) == [
        [False, None],  # nothing was read yet
        [None, None],
        [None, {"celsius": 5, "indicator": "unchanged"}],
        [None, {"celsius": 4.5, "indicator": None}],
        [True, {"celsius": None, "indicator": "changed"}],  # it is not handed over
        [True, {"celsius": 10, "indicator": None}],
        [False, None],
        [False, None],
    ]
