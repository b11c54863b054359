#!/usr/bin/env bash
# Everything about the pages in frontend/, on a bare machine too: installs, lints, checks types, builds, and runs the unit tests and
# those in a real Chromium against real hubs and a real etcd. Closes with one line for all of them:
#   N passed, N failed
# Arguments narrow it down to pages, all by default: scripts/frontend_test.sh chat
# RELEASE_DIR=... takes the hub from there and builds nothing. CHROMIUM=... names another browser.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/ensure.sh node chromium
bin=${RELEASE_DIR:-}
if [ -z "$bin" ]; then
    scripts/ensure.sh cc protoc
    cargo build --quiet -p gohub
    bin=${CARGO_TARGET_DIR:-target}/debug
fi
scripts/etcd.sh > /dev/null
HUB_PROGRAM=$(realpath "$bin/gohub")
export HUB_PROGRAM

# Nothing is fetched again while the lockfile is the same.
install() {
    local state
    state=$(sha256sum package-lock.json | cut -d' ' -f1)
    if [ "$(cat node_modules/.state 2> /dev/null || true)" != "$state" ]; then
        npm ci --loglevel=error
        echo "$state" > node_modules/.state
    fi
}
(cd sdk/js && install && npm run --silent build)
cd frontend
install
npm run --silent lint

pages=("$@")
if [ $# = 0 ]; then
    for page in */package.json; do pages+=("${page%/package.json}"); done
fi
passed=0 failed=0 status=0
report=$(mktemp)
trap 'rm -f "$report"' EXIT
for page in "${pages[@]}"; do
    npm run --silent check -w "$page"
    npm run --silent build -w "$page"
    : > "$report"
    # A summary for people, and one that can be counted.
    npm run --silent test -w "$page" -- --reporter=default --reporter=json --outputFile.json="$report" || status=$?
    read -r p f < <(node -e '
        const text = require("fs").readFileSync(process.argv[1], "utf8");
        const { numPassedTests = 0, numFailedTests = 0, numFailedTestSuites = 0 } = text ? JSON.parse(text) : {};
        console.log(numPassedTests, Math.max(numFailedTests, numFailedTestSuites > 0 && numFailedTests === 0 ? 1 : 0));
    ' "$report")
    if [ $((p + f)) = 0 ]; then echo "frontend/$page: no test ran" >&2; status=1; fi
    passed=$((passed + p)) failed=$((failed + f))
done
if [ "$status" != 0 ] && [ "$failed" = 0 ]; then failed=1; fi
echo "$passed passed, $failed failed"
exit "$status"
