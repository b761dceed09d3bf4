#!/usr/bin/env bash
# Makes the environment and runs what must pass: style, types, tests. Safe to run again.
#     bash scripts/test.sh [--slow]      --slow: the tests that take minutes, instead
set -euo pipefail

EXTRAS=dev
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

if [ "${1:-}" = "--slow" ]; then
    echo "Running the slow tests"
    exec pytest -m slow
fi
echo "Checking style"
ruff check .
ruff format --check .
echo "Checking types"
mypy
echo "Running the tests"
exec pytest
