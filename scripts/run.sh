#!/usr/bin/env bash
# From a fresh clone to ranked drugs: makes the environment, materialises the whole chain on the demo graph (or as the
# configuration file given says) and prints what came out. Safe to run again.
#     bash scripts/run.sh [CONFIG.yaml]
set -euo pipefail

config="$(realpath "${1:-"$(dirname "${BASH_SOURCE[0]}")/../hgt_repurposing/configs/demo.yaml"}")"
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

echo "Materialising every asset with the configuration $config"
dagster job execute -m hgt_repurposing.definitions -j repurposing_job -c "$config"
echo
hgt-repurposing summary
echo
echo "To look around in the browser: . scripts/environment.sh && dagster dev"
