"""bin/run and bin/test: what they say when something is missing."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOO_OLD = "#!/bin/sh\nexit 1\n"
WITHOUT_VENV = '#!/bin/sh\ncase "$2" in *ensurepip*) exit 1 ;; esac\n'
CANNOT_INSTALL = '#!/bin/sh\ncase "$2" in venv) exit 1 ;; esac\n'


def said_by(command: str, python: str, checkout: Path) -> tuple[int, str]:
    """Exit status and stderr of bin/run or bin/test in a checkout, with a Python that lacks it."""
    shutil.copytree(ROOT / "bin", checkout / "bin")
    shutil.copy(ROOT / "pyproject.toml", checkout)
    fake = checkout / "python"
    fake.write_text(python)
    fake.chmod(0o755)
    env = {**os.environ, "PYTHON": str(fake)}
    done = subprocess.run(
        [checkout / "bin" / command],
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr.replace(f"{checkout}/", "")


@pytest.mark.parametrize("command", ["run", "test"])
def test_an_old_python_or_none_is_told_in_one_sentence(command, tmp_path):
    assert said_by(command, TOO_OLD, tmp_path) == (
        1,
        f"bin/{command}: Python 3.11 or newer is needed;"
        " on Debian: apt install python3 python3-venv\n",
    )


def test_a_python_without_venv_is_told_in_one_sentence(tmp_path):
    assert said_by("run", WITHOUT_VENV, tmp_path) == (
        1,
        "bin/run: python lacks its venv module; on Debian: apt install python3-venv\n",
    )


def test_a_failed_installation_is_told_and_tried_again_the_next_time(tmp_path):
    status, said = said_by("run", CANNOT_INSTALL, tmp_path)
    assert status == 1
    assert said.endswith("bin/run: the installation failed; what pip says above tells why\n")
    assert not (tmp_path / ".venv" / "installed-pyproject.toml").exists()
