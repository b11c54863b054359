#!/usr/bin/env bash
# Eight WebSocket clients as people really use them, against a real hub: one line for each client and check, and at last
#   N passed, N failed
# Arguments are the clients to try, all by default: scripts/interop.sh okhttp k6
# RELEASE_DIR=... takes the hub from there and builds nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
clients=${GOHUB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gohub}/interop
scripts/interop/install.sh "$clients"
bin=${RELEASE_DIR:-}
if [ -z "$bin" ]; then
    scripts/ensure.sh cc protoc
    cargo build --quiet --release -p gohub
    bin=${CARGO_TARGET_DIR:-target}/release
fi
exec "$clients/venv/bin/python" -B scripts/interop/referee.py "$bin/gohub" "$clients" "$@"
