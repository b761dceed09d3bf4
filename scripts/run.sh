#!/usr/bin/env bash
# From a fresh clone to ranked drugs: creates the environment, materialises all assets on the demo graph (or as a
# configuration file says) and prints the results. Safe to run again.
#     bash scripts/run.sh [CONFIG.yaml] [--force]
# --force makes results again that the same code made before from the same inputs with the same settings.
set -euo pipefail

force=()
given=()
for argument in "$@"; do
    if [ "$argument" = --force ]; then force=(--force); else given+=("$argument"); fi
done
config="$(realpath "${given[0]:-"$(dirname "${BASH_SOURCE[0]}")/../hgt_repurposing/configs/demo.yaml"}")"
for variable in $(sed -n 's/^ *env: *\([A-Za-z_][A-Za-z_0-9]*\) *$/\1/p' "$config"); do
    [ ! -e "${!variable:-}" ] || export "$variable=$(realpath "${!variable}")" # environment.sh changes the folder
done
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

resolved="$(mktemp)"
trap 'rm -f "$resolved"' EXIT
hgt-repurposing resolve ${force[@]+"${force[@]}"} "$config" >"$resolved"
echo "Materialising every asset with the configuration $config"
dagster job execute -m hgt_repurposing.definitions -j repurposing_job -c "$resolved"
echo
# The data folder that the configuration names; empty: the one of the environment.
folder="$(python - "$resolved" <<'PYTHON'
import sys
from pathlib import Path

from hgt_repurposing.defs.run_config import settings_of
from hgt_repurposing.defs.yaml_config import read_run_config

print(settings_of("store", read_run_config(Path(sys.argv[1]).read_text(encoding="utf-8"))).data_folder)
PYTHON
)"
hgt-repurposing summary --data "$folder"
echo
echo "Next: . scripts/environment.sh, then"
echo "  hgt-repurposing summary --disease NAME${folder:+ --data \"$folder\"}    for another disease"
echo "  dagster dev                               to look around in the browser"
