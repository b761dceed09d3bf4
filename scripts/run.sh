#!/usr/bin/env bash
# From a fresh clone to ranked drugs: makes the environment, materialises the whole chain on the demo graph (or as the
# configuration file given says) and prints what came out. Safe to run again.
#     bash scripts/run.sh [CONFIG.yaml]
set -euo pipefail

config="$(realpath "${1:-"$(dirname "${BASH_SOURCE[0]}")/../hgt_repurposing/configs/demo.yaml"}")"
for variable in $(sed -n 's/^ *env: *\([A-Za-z_][A-Za-z_0-9]*\) *$/\1/p' "$config"); do
    [ ! -e "${!variable:-}" ] || export "$variable=$(realpath "${!variable}")" # environment.sh changes the folder
done
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

resolved="$(mktemp)"
trap 'rm -f "$resolved"' EXIT
hgt-repurposing resolve "$config" >"$resolved"
echo "Materialising every asset with the configuration $config"
dagster job execute -m hgt_repurposing.definitions -j repurposing_job -c "$resolved"
echo
hgt-repurposing summary
echo
echo "Next: . scripts/environment.sh, then"
echo "  hgt-repurposing summary --disease NAME    for another disease"
echo "  dagster dev                               to look around in the browser"
