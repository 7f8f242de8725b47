#!/bin/sh
# Run the tests: `scripts/test.sh WORKERS [pytest arguments]`. The exit status is pytest's.
set -eu
cd "$(dirname "$0")/.."
workers=$1
shift

if ! command -v chromium >/dev/null 2>&1 && [ -z "${DESKBELL_CHROMIUM:-}" ] && [ -z "${CI:-}" ]; then
    echo "deskbell: no chromium, so no browser tests (apt-get install chromium, or set" \
        "DESKBELL_CHROMIUM to the path of one)." >&2
    set -- -m 'not browser' "$@"
fi
exec .venv/bin/python -m pytest --numprocesses "$workers" --dist loadfile "$@"
