"""S34: our own OpenAPI with thousands of requests for each route, fitting and not."""

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

from .figures import Figure, all_of, none_of

ROOT = Path(__file__).parents[2]
TESTS = "tests/fuzz/test_openapi.py"
HALVES = 2  # requests that fit the description, and requests that do not


def run(work: Path, count: int) -> list[Figure]:
    """So many cases a route, in a test run of its own."""
    told = work / "fuzz.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={told}"]
    environment = {**os.environ, "SCRIPTRUN_BOX_TEST_EXAMPLES": str(max(1, count // HALVES))}
    subprocess.run(
        [*command, TESTS], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=False
    )
    cases = ElementTree.parse(told).getroot().findall(".//testcase")
    routes = [case for case in cases if "answer" in case.get("name", "")]
    failed = sum(case.find("failure") is not None for case in routes)
    skipped = sum(case.find("skipped") is not None for case in routes)
    ran = f"{len(routes)} routes, {count} cases each"
    return [
        none_of("S34", "routes that answered 5xx or what is not described", failed, ran),
        all_of("S34", "routes tried", len(routes) - skipped, len(routes), ran),
    ]
