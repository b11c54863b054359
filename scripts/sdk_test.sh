#!/usr/bin/env bash
# Every test of the SDKs, against real hubs, on a bare machine too; closes with one line for all of them:
#   N passed, N failed
# An argument that names an SDK runs that one alone, others are names of tests of the JavaScript one; all by default:
#   scripts/sdk_test.sh core vectors
# RELEASE_DIR=... takes the hub from there and builds nothing.
# An SDK other than the JavaScript one has a test.sh in its folder, which takes the hub of HUB_PROGRAM and closes with the same line.
set -euo pipefail
cd "$(dirname "$0")/.."
others=(sdk/*/test.sh) javascript=yes
if [ $# != 0 ]; then
    others=("sdk/$1/test.sh")
    if [ "$1" = js ]; then shift; elif [ -x "${others[0]}" ]; then javascript=; fi
fi
bin=${RELEASE_DIR:-}
if [ -z "$bin" ]; then
    scripts/ensure.sh cc protoc
    cargo build --quiet -p gohub
    bin=${CARGO_TARGET_DIR:-target}/debug
fi
scripts/etcd.sh > /dev/null
HUB_PROGRAM=$(realpath "$bin/gohub")
export HUB_PROGRAM
# A storm needs a socket for everybody on each side.
ulimit -n "$(ulimit -Hn)" 2> /dev/null || true

log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0 passed=0 failed=0

javascript() {
    scripts/ensure.sh node chromium
    cd sdk/js
    # Nothing is fetched again while the lockfile is the same.
    state=$(sha256sum package-lock.json | cut -d' ' -f1)
    if [ "$(cat node_modules/.state 2> /dev/null || true)" != "$state" ]; then
        npm ci --loglevel=error
        echo "$state" > node_modules/.state
    fi
    npm run --silent check
    npm run --silent build
    node tests/run.mjs "$@" 2>&1 | tee "$log" || status=$?
    read -r passed failed < <(awk '/^(#|ℹ) pass / { p += $3 } /^(#|ℹ) (fail|cancelled) / { f += $3 } END { print p + 0, f + 0 }' "$log")
    cd ../..
}

if [ -n "$javascript" ]; then javascript "$@"; fi
for test in "${others[@]}"; do
    [ -x "$test" ] || continue
    "$test" 2>&1 | tee "$log" || status=$?
    read -r p f < <(awk '/^[0-9]+ passed, [0-9]+ failed$/ { p = $1; f = $3 } END { print p + 0, f + 0 }' "$log")
    if [ $((p + f)) = 0 ]; then echo "$test: no test ran" >&2; status=1; fi
    passed=$((passed + p)) failed=$((failed + f))
done
if [ "$status" != 0 ] && [ "$failed" = 0 ]; then failed=1; fi
if [ "$status" = 0 ] && [ "$passed" = 0 ]; then echo "no test ran" >&2; status=1; fi
echo "$passed passed, $failed failed"
exit "$status"
