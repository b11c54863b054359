#!/usr/bin/env bash
# Runs k6.js and nothing of k6 around it: k6.sh K6 URL NAME
set -euo pipefail
exec "$1" run --quiet --summary-mode=disabled --no-usage-report --address '' --log-format raw --log-output stdout \
    -e URL="$2" -e NAME="$3" "$(dirname "$0")/k6.js"
