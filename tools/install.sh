#!/usr/bin/env bash
# Installs a lock and then the project itself into .venv: with uv, which takes seconds, or with pip where uv cannot
# (it does not read pip's settings). Usage: tools/install.sh requirements/all.txt
set -euo pipefail
lock=$1
python=.venv/bin/python

with_uv() {
  .venv/bin/uv pip install --quiet --python "$python" --require-hashes -r "$lock" &&
    .venv/bin/uv pip install --quiet --python "$python" --no-deps --no-build-isolation -e .
}

with_pip() {
  "$python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock"
  "$python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
}

if [ -n "${SCOREWRIGHT_NO_UV:-}" ] || ! with_uv; then
  echo "Installing with pip, which takes some minutes." >&2
  with_pip
fi

if [ "$(uname)" = Linux ]; then bash tools/debian.sh libgomp1; fi
if ! problem=$("$python" -c 'import lightgbm' 2>&1); then
  printf '%s\n' "$problem" >&2
  echo "LightGBM does not load. It needs the OpenMP runtime of the system:" >&2
  echo "  Debian, Ubuntu: apt-get install libgomp1    Fedora: dnf install libgomp    macOS: brew install libomp" >&2
  exit 1
fi
