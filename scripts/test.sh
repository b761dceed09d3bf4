#!/usr/bin/env bash
# Creates the environment and runs the checks that must pass: style, types, tests. Safe to run again.
#     bash scripts/test.sh [--slow]      --slow: instead, the tests that take minutes, and all properties on new examples
set -euo pipefail

unset PYTHONDONTWRITEBYTECODE  # otherwise each process that a test starts recompiles the project
EXTRAS=dev
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

# Two tests at a time, each on one thread: with more threads than cores, they wait for one another. The tests of a file
# stay together because they share fitted models; the longest files come first (conftest.py).
in_pairs() {
    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 pytest -n 2 --dist loadfile --no-loadscope-reorder "$@"
}

if [ "${1:-}" = "--slow" ]; then
    echo "Running the slow tests"
    pytest -m slow
    echo "Trying the properties on new examples"
    in_pairs -m "hypothesis and not slow and not gpu" --hypothesis-profile explore
    exit
fi
echo "Checking style"
ruff check .
ruff format --check .
echo "Checking types"
mypy
echo "Running the tests"
in_pairs
