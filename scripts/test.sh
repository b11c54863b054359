#!/usr/bin/env bash
# Runs every test of the workspace, on a bare machine too, and closes with one line for all of them:
#   N passed, N failed
# Arguments go to `cargo test`, e.g. scripts/test.sh -p gohub --test admin
set -uo pipefail
cd "$(dirname "$0")/.." || exit

# nginx, haproxy: the samples in config/proxies are tried in them. helm: config/install.yaml is made from the chart, and the tests look whether it still is.
scripts/ensure.sh cc protoc helm nginx haproxy || exit 1
# The tests start etcd themselves; this gets or builds the binary, and is quick when it is there.
if [ -x scripts/etcd.sh ]; then scripts/etcd.sh > /dev/null || exit 1; fi
# Clients and hubs of one test share a process: a thousand of each side need more than the usual 1,024 descriptors.
ulimit -n "$(ulimit -Hn)" 2> /dev/null || true

log=$(mktemp)
trap 'rm -f "$log"' EXIT
cargo test --workspace --no-fail-fast "$@" 2>&1 | tee "$log"
status=${PIPESTATUS[0]}

read -r passed failed < <(awk '/^test result: / { p += $4; f += $6 } END { print p + 0, f + 0 }' "$log")
# A build that failed or a test binary that died prints no result of its own.
if [ "$status" != 0 ] && [ "$failed" = 0 ]; then failed=1; fi
if [ "$status" = 0 ] && [ "$passed" = 0 ]; then echo "no test ran" >&2; status=1; fi
echo "$passed passed, $failed failed"
exit "$status"
