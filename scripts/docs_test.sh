#!/usr/bin/env bash
# The guides: every command is run as written, every link leads somewhere, what is made from other files has not drifted; closes with
#   N passed, N failed
# Arguments are names of tests: scripts/docs_test.sh test.Guides.test_quick_start
# RELEASE_DIR=... takes the hub from there and builds nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=${RELEASE_DIR:-}
if [ -z "$bin" ]; then
    scripts/ensure.sh cc protoc
    cargo build --quiet --release -p gohub
    bin=${CARGO_TARGET_DIR:-target}/release
fi
RELEASE_DIR=$(realpath "$bin")
python=$(scripts/book/install.sh python)
# The guides call them by name.
scripts/etcd.sh > /dev/null
scripts/etcd.sh etcdctl > /dev/null
BOOK=$(scripts/book.sh)
PATH=$(dirname "$python"):$PATH
export RELEASE_DIR BOOK PATH
cd scripts/book
if [ $# = 0 ]; then set -- test; fi
exec "$python" -B run.py "$@"
