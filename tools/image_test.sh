#!/usr/bin/env bash
# Trains on a small generated sample outside the image, starts the image on that model as its users would, and asks it
# for one decision. Usage: tools/image_test.sh IMAGE
set -euo pipefail
image=$1
home=$(mktemp -d)
container=
finish() {
  if [ -n "$container" ]; then
    docker logs "$container" || true
    docker rm --force "$container" >/dev/null
  fi
  rm -rf "$home"
}
trap finish EXIT

export SCOREWRIGHT_HOME=$home SCOREWRIGHT_REGISTRY=folder
.venv/bin/scorewright sample "$home/sample" --applications 1000 --seed 7
.venv/bin/scorewright train home_credit --data "$home/sample" --trials 0
# The image runs as a user of its own, which must be able to read the model and nothing more.
chmod -R a+rX "$home"

SCOREWRIGHT_API_KEY=$(.venv/bin/python -c 'import secrets; print(secrets.token_urlsafe(24))')
export SCOREWRIGHT_API_KEY
container=$(docker run --detach --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges \
  --env SCOREWRIGHT_API_KEY --volume "$home:/var/lib/scorewright:ro" --publish 127.0.0.1::8000 "$image")
address=$(docker port "$container" 8000/tcp | head -n 1)
.venv/bin/python tools/ask_decision.py "http://$address"
