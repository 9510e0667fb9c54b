#!/bin/sh
# Makes .venv and installs the locked dependencies and this project into it: tools/setup.sh PYTHON
#
# PYTHON may be Debian's, which forbids plain pip and may lack venv, ensurepip and pip: what is missing is named
# in one line, with the package that brings it.
set -eu
cd "$(dirname "$0")/.."
python=${1:-python3}
venv_python=.venv/bin/python

fail() {
    echo "setup: $*" >&2
    exit 1
}

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

check_python() {
    command -v "$python" >/dev/null ||
        fail "no $python here; install Python 3.11 or later (Debian: python3-venv) or name one: make PYTHON=..."
    new_enough "$python" ||
        fail "$python must be Python 3.11 or later, got $("$python" -V 2>&1); name another: make PYTHON=..."
}

# Debian without python3-venv has the module venv, but no ensurepip to put pip in; another pip may serve.
make_venv() {
    "$python" -m venv --clear .venv >/dev/null 2>&1 ||
        "$python" -m venv --clear --without-pip .venv >/dev/null 2>&1 || true
}

find_pip() {
    for pip in "$venv_python -m pip" "$python -m pip --python $venv_python" "pip3 --python $venv_python"; do
        $pip --version >/dev/null 2>&1 && return
    done
    rm -rf .venv
    fail "$python has neither ensurepip nor pip; install python3-venv (Debian: apt-get install python3-venv)"
}

install() {
    $pip install -qq --disable-pip-version-check --no-input "$@" # errors only
}

check_python
new_enough "$venv_python" || make_venv
find_pip
echo "setup: installing $(grep -c '^[a-z].*==' requirements.lock) locked packages into .venv (about a minute)"
install --require-hashes --requirement requirements.lock
install --no-deps --no-build-isolation --editable . # the lock holds the build backend: nothing is fetched
