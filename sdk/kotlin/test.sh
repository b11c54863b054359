#!/usr/bin/env bash
# Every test of the Kotlin client: format, lint, warnings, golden vectors, state machine, real hubs and a real etcd; closes with
#   N passed, N failed
# HUB_PROGRAM=... is the hub to test against, as scripts/sdk_test.sh sets it. Arguments go to Maven: -Dtest=HubTest
set -euo pipefail
cd "$(dirname "$0")"
../../scripts/ensure.sh java
: "${HUB_PROGRAM:?the hub to test against}"
ETCD_PROGRAM=$(../../scripts/etcd.sh)
export HUB_PROGRAM ETCD_PROGRAM
log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0
mvn --batch-mode --no-transfer-progress verify "$@" > "$log" 2>&1 || status=$?
# Of a good run what was tested, of a bad one everything.
if [ "$status" = 0 ]; then grep -E 'Tests run:.*-- in' "$log" || true; else cat "$log"; fi
# The line of the whole run names no class.
read -r run failed < <(sed -nE 's/.*Tests run: ([0-9]+), Failures: ([0-9]+), Errors: ([0-9]+), Skipped: ([0-9]+)$/\1 \2 \3 \4/p' "$log" |
    awk '{ run = $1 - $4; failed = $2 + $3 } END { print run + 0, failed + 0 }')
if [ "$status" != 0 ] && [ "$failed" = 0 ]; then failed=1 run=$((run + 1)); fi
echo "$((run - failed)) passed, $failed failed"
exit "$status"
