"""What a test needs beside Python: skipped in words where it is missing, never in the full run."""

import importlib
import os
import shutil
from types import ModuleType

import pytest

EVERYTHING = os.environ.get("SCRIPTRUN_BOX_TEST_ALL") == "1"


def need(program: str) -> str:
    """The path of a program such as `node`; without it the test is skipped."""
    path = shutil.which(program)
    if path is None:
        _missing(f"the program {program} is not installed")
        raise AssertionError
    return path


def need_package(name: str) -> ModuleType:
    """A Python package the product does not depend on; without it the test is skipped."""
    try:
        return importlib.import_module(name)
    except ImportError:
        _missing(f"the Python package {name} is not installed")
        raise AssertionError from None


def allowed(may: bool, what: str) -> None:
    """Skip the test in words where this machine does not let us, such as without root."""
    if not may:
        pytest.skip(f"this machine does not allow {what}")


def _missing(words: str) -> None:
    if EVERYTHING:
        pytest.fail(f"{words}, and SCRIPTRUN_BOX_TEST_ALL=1 asks for every test")
    pytest.skip(words)
