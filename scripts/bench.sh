#!/usr/bin/env bash
# Builds hub and load generator in release form and runs `gohub-bench` with the given arguments;
# without any: gohub beside the kernel's own limit, at 1,000 and 10,000 connections.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/ensure.sh cc protoc
cargo build --quiet --release -p gohub -p gohub-bench
ulimit -n "$(ulimit -Hn)" 2> /dev/null || true
bin=${CARGO_TARGET_DIR:-target}/release
if [ $# = 0 ]; then set -- compare; fi
# The hub to start is found beside the generator.
exec "$bin/gohub-bench" "$@"
