#!/usr/bin/env bash
# Half of the hubs are killed under a crowd of clients that keep books, and everybody comes back within the budget of the cluster; the last line but one is
# JSON, the exit code is the verdict:
#   scripts/storm.sh [clients [budget]]        10,000 clients and 500 new connections a second of all hubs together unless said otherwise
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/ensure.sh cc protoc
scripts/etcd.sh > /dev/null
export STORM_CLIENTS=${1:-10000} STORM_BUDGET=${2:-500} STORM_RATE=${STORM_RATE:-1} STORM_SECONDS=${STORM_SECONDS:-180}
ulimit -n "$(ulimit -Hn)" 2> /dev/null || true
export CARGO_PROFILE_DEV_OPT_LEVEL=1
exec cargo test -q -p gohub --test storm -- --nocapture
