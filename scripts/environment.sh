#!/bin/sh
# Bring .venv up to date for one purpose: `scripts/environment.sh run|test|lint`.
#
# Makes the environment if there is none, installs exactly what the requirement files lock, and
# leaves a stamp (.venv/.ready-<purpose>) by which make knows that there is nothing to do next time.
# An environment that exists is added to, never thrown away, unless its Python is too old or broken.
# `make clean`, then `WITH=python3.12 make run` makes it with that Python.
set -eu
cd "$(dirname "$0")/.."
purpose=$1
python=.venv/bin/python

fail() {
    echo "deskbell: $1" >&2
    exit 1
}

usable() { # a Python that runs and is new enough; a version manager's shim may be neither
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    incomplete=
    # The distribution's first: it is built with the profile of a run, which one that a version
    # manager has compiled mostly is not, and takes a tenth less processor time for a message.
    for candidate in ${WITH:-/usr/bin/python3 python3.13 python3.12 python3.11 python3 python}; do
        usable "$candidate" || continue
        if "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then
            echo "$candidate"
            return
        fi
        incomplete=${incomplete:-$candidate}
    done
    [ -z "$incomplete" ] || fail "$incomplete cannot make virtual environments; on Debian and \
Ubuntu: apt-get install python3-venv, then run make again."
    [ -z "${WITH-}" ] || fail "$WITH is no Python 3.11 or later; name another one."
    fail "needs Python 3.11 or later and found none; install one (on Debian: apt-get install \
python3 python3-venv), then run make again."
}

if ! usable $python || ! $python -m pip --version >/dev/null 2>&1; then
    found=$(find_python)
    echo "Making .venv with $("$found" --version), $found (once)"
    "$found" -m venv --clear .venv || fail "could not make .venv with $found."
fi

install() {
    $python -m pip install --quiet --quiet --disable-pip-version-check --no-input "$@" ||
        fail "the installation failed; the reason is above. Run make again to retry."
}

echo "Installing what 'make $purpose' needs into .venv"
case $purpose in
run)
    install --require-hashes -r requirements.txt -r requirements-build.txt
    # The Python SDK comes along: `deskbell load` connects with it.
    install --no-deps --no-build-isolation --editable . --editable clients/python
    ;;
test)
    install --require-hashes -r requirements-test.txt
    ;;
lint)
    install --require-hashes -r requirements-lint.txt
    ;;
*) fail "no such purpose: $purpose (run, test or lint)" ;;
esac

pwd >.venv/.made-in
touch ".venv/.ready-$purpose"
