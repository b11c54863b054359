#!/usr/bin/env bash
# Every test of the C client, against real hubs; closes with one line: N passed, N failed
# Arguments are the names of tests, all by default: sdk/c/test.sh vectors hubs
# HUB_PROGRAM=... is the hub, built here when it is not given; SECONDS_EACH=... how long each fuzz target runs.
set -euo pipefail
cd "$(dirname "$0")/../.."
scripts/ensure.sh cc clang
if [ -z "${HUB_PROGRAM:-}" ]; then
    scripts/ensure.sh protoc
    cargo build --quiet -p gohub
    HUB_PROGRAM=$(realpath "${CARGO_TARGET_DIR:-target}/debug/gohub")
    export HUB_PROGRAM
fi
scripts/etcd.sh > /dev/null
# A storm needs a socket for everybody on each side.
ulimit -n "$(ulimit -Hn)" 2> /dev/null || true
make --silent -C sdk/c
exec python3 sdk/c/tests/run.py "$@"
