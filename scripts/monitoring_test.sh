#!/usr/bin/env bash
# Alerts and dashboard: their names, their unit tests by promtool, and a real Prometheus over real hubs and etcd under load; closes with
#   N passed, N failed
# Arguments are names of tests: scripts/monitoring_test.sh test.Names live
# RELEASE_DIR=... takes hub and load generator from there and builds nothing. SCREENSHOTS=folder leaves pictures there.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=${RELEASE_DIR:-}
if [ -z "$bin" ]; then
    scripts/ensure.sh cc protoc
    cargo build --quiet --release -p gohub -p gohub-bench
    bin=${CARGO_TARGET_DIR:-target}/release
fi
python=$(scripts/book/install.sh python)
PROMETHEUS=$(scripts/monitoring.sh prometheus)
PROMTOOL=$(dirname "$PROMETHEUS")/promtool
RELEASE_DIR=$(realpath "$bin")
ETCD=$(scripts/etcd.sh)
DEFINITIONS=$(scripts/monitoring.sh definitions)
export PROMETHEUS PROMTOOL RELEASE_DIR ETCD DEFINITIONS
if [ -n "${SCREENSHOTS:-}" ]; then
    scripts/ensure.sh chromium
    SCREENSHOTS=$(realpath "$SCREENSHOTS")
    PROMETHEUS_PAGES=$(scripts/monitoring.sh pages)
    export SCREENSHOTS PROMETHEUS_PAGES
fi
cd scripts/monitoring
if [ $# = 0 ]; then set -- test live; fi
exec "$python" -B ../book/run.py "$@"
