#!/bin/sh
# Write requirements*.txt from pyproject.toml: every package of every install, pinned and hashed, for
# Python 3.11 and later on Linux and macOS. Needs uv. Pass --upgrade to take newer versions; without
# it, what is pinned stays pinned.
set -eu
cd "$(dirname "$0")/.."

lock() { # lock OUTPUT ARGUMENTS...
    output=$1
    shift
    uv pip compile "$@" --output-file "$output" --quiet --universal --python-version 3.11 \
        --generate-hashes --no-header --no-annotate --no-emit-index-url
}

# The widest set first: the others take their versions from it, so that all fit into one environment.
lock requirements-test.txt pyproject.toml --group test --group build "$@"
lock requirements.txt pyproject.toml --constraint requirements-test.txt
lock requirements-build.txt --group build --constraint requirements-test.txt
lock requirements-lint.txt --group lint --constraint requirements-test.txt "$@"
