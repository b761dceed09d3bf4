# Creates the virtual environment .venv if needed and activates it. Source it, from any folder:
#     . scripts/environment.sh
# Set EXTRAS=dev first to install the test tools as well. Works in bash and zsh.

# Make paths absolute before changing the folder: they must mean the same for every process.
case "${HGT_REPURPOSING_DATA:-/}" in
    [/~]*) ;;
    *) export HGT_REPURPOSING_DATA="$PWD/$HGT_REPURPOSING_DATA" ;;
esac
case "${HGT_REPURPOSING_CONFIG:-/}" in
    [/~]*) ;;
    *) export HGT_REPURPOSING_CONFIG="$PWD/$HGT_REPURPOSING_CONFIG" ;;
esac
case "${HGT_REPURPOSING_SCHEDULES:-/}" in
    [/~]*) ;;
    *) export HGT_REPURPOSING_SCHEDULES="$PWD/$HGT_REPURPOSING_SCHEDULES" ;;
esac
case "${DAGSTER_HOME:-/}" in
    /*) ;;
    *) export DAGSTER_HOME="$PWD/$DAGSTER_HOME" ;;
esac
_here="$(cd "$(dirname "${BASH_SOURCE[0]:-$0}")/.." && pwd)" || return 1
cd "$_here" || return 1

_python="${PYTHON:-python3}"
if ! "$_python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "error: Python 3.11 or newer is required; set PYTHON to use another one, for example PYTHON=python3.12 (tried: $_python)" >&2
    return 1
fi

# The environment is rebuilt only if the files that define it have changed.
_wanted="${EXTRAS:-run} $(cat pyproject.toml constraints.txt | cksum)"
_made="$(cat .venv/made-for 2>/dev/null || true)"
if [ "$_made" != "$_wanted" ] && [ "$_made" != "${_wanted/#run /dev }" ]; then
    echo "Creating the environment .venv: this downloads packages and takes a few minutes, once."
    [ -x .venv/bin/python ] || "$_python" -m venv .venv || return 1
    .venv/bin/python -m pip install -qq --disable-pip-version-check --constraint constraints.txt \
        --editable ".${EXTRAS:+[$EXTRAS]}" || return 1
    echo "$_wanted" >.venv/made-for
    echo "The environment is ready."
fi

export PATH="$_here/.venv/bin:$PATH"
export HGT_REPURPOSING_DATA="${HGT_REPURPOSING_DATA:-$_here/data}"
# Run history: in .dagster, whichever folder later commands start in; a DAGSTER_HOME of your own is kept.
if [ -z "${DAGSTER_HOME:-}" ]; then
    export DAGSTER_HOME="$_here/.dagster"
    mkdir -p "$DAGSTER_HOME" && ln -sfn ../dagster.yaml "$DAGSTER_HOME/dagster.yaml" || return 1
fi
# Silence: the classic dagster commands recommend their successor on every call.
export PYTHONWARNINGS="${PYTHONWARNINGS:+$PYTHONWARNINGS,}ignore:Function "
# Let waiting threads spin only for microseconds: next to another busy process, endless spinning made a fit of one
# second take a minute.
export GOMP_SPINCOUNT="${GOMP_SPINCOUNT:-20000}"
unset _here _python _wanted _made
