#!/usr/bin/env bash
# Seeded faults under a crowd of clients that keep books; the last line but one is JSON, the exit code is the verdict:
#   scripts/chaos.sh [seed [seconds [clients]]]        a seed of its own, 600 s and 1,000 clients unless said otherwise
# The same seed is the same faults at the same times. Of a run that fails, plan, records and the hubs' logs stay in the directory it names.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/ensure.sh cc protoc
scripts/etcd.sh > /dev/null
export CHAOS_SEED=${1:-$RANDOM} CHAOS_SECONDS=${2:-600} CHAOS_CLIENTS=${3:-1000}
ulimit -n "$(ulimit -Hn)" 2> /dev/null || true
# The dev profile, somewhat optimised: a debug assertion of the hub that fails is a find, too.
export CARGO_PROFILE_DEV_OPT_LEVEL=1
exec cargo test -q -p gohub --test chaos -- --nocapture --exact \
    run::under_seeded_faults_nobody_loses_anything_in_silence_and_who_lost_its_hub_is_back_in_time
