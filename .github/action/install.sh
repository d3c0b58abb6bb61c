#!/usr/bin/env bash
# Installs AWO from the checkout of this action into an environment of its own, each package held against its hash.
set -euo pipefail

python="${AWO_ACTION_PYTHON:-python3}"
action="${GITHUB_ACTION_PATH:?is set by the runner}"
place="${RUNNER_TEMP:?is set by the runner}/awo"

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  echo "::error title=AWO::$python is older than Python 3.11, or missing; set up a newer one before this step"
  exit 7
fi

"$python" -m venv --clear "$place/venv"
pip=("$place/venv/bin/python" -m pip --disable-pip-version-check --no-input --quiet install)
"${pip[@]}" --require-hashes -r "$action/requirements/run.txt"
"${pip[@]}" --no-deps --no-build-isolation "$action"

# Later steps can call `awo`; the programs of the environment stay out of their way.
mkdir -p "$place/bin"
ln -sf "$place/venv/bin/awo" "$place/bin/awo"
echo "$place/bin" >> "${GITHUB_PATH:?is set by the runner}"
echo "python=$place/venv/bin/python" >> "${GITHUB_OUTPUT:?is set by the runner}"
