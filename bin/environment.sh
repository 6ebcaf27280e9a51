# Sourced by bin/run and bin/test: finds a Python and keeps a virtual environment up to date.

# Sets $python to a Python >= 3.11 with venv, or says in one sentence what is missing.
find_python() {
    found=
    for python in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 python}; do
        "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
        found=$python
        "$python" -c 'import ensurepip, venv' 2>/dev/null && return
    done
    if [ -n "$found" ]; then
        echo "$0: $found lacks its venv module; on Debian: apt install python3-venv" >&2
    else
        echo "$0: Python 3.11 or newer is needed; on Debian: apt install python3 python3-venv" >&2
    fi
    exit 1
}

# make_environment FOLDER EXTRAS: the checkout installed with these extras, in place, so that the
# code is always the checkout's. Installs only when pyproject.toml is not the one installed last.
make_environment() {
    stamp=$1/installed-pyproject.toml
    if cmp -s pyproject.toml "$stamp" && "$1/bin/python" -c '' 2>/dev/null; then
        return
    fi
    find_python
    echo "$0: installing into $1, once; this takes about a minute" >&2
    if ! "$python" -m venv --clear "$1" ||
        ! "$1/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
            --editable ".[$2]"; then
        echo "$0: the installation failed; what pip says above tells why" >&2
        exit 1
    fi
    cp pyproject.toml "$stamp"
}
