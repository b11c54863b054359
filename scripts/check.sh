#!/usr/bin/env bash
# The gate before a commit: formatting, clippy, docs, licences and bans. Every warning is an error.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/ensure.sh cc protoc shellcheck cargo-deny
tools=${GOHUB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gohub}/tools

step() { echo "== $*" >&2; "$@"; }

step shellcheck scripts/*.sh scripts/*/*.sh sdk/*/test.sh e2e/kind/*.sh .ci/run
step cargo fmt --all --check
# The feature cluster is what the end-to-end tests stand behind.
for features in "--features gohub-e2e/cluster" "--features gohub-e2e/cluster,gohub/fastwebsockets"; do
    # shellcheck disable=SC2086 # two words
    step cargo clippy --quiet --workspace --lib --bins --examples $features -- -D warnings
    # Tests may unwrap, spawn, read the environment, sleep between two looks at a condition, and have tables of any type.
    # shellcheck disable=SC2086
    step cargo clippy --quiet --workspace --all-targets $features -- -D warnings \
        -A clippy::unwrap_used -A clippy::disallowed_methods -A clippy::disallowed_types \
        -A clippy::print_stdout -A clippy::large_futures -A clippy::type_complexity
done
RUSTDOCFLAGS="-D warnings" step cargo doc --quiet --workspace --features gohub-e2e/cluster --no-deps --document-private-items
step "$tools/bin/cargo-deny" --log-level error check bans licenses sources
echo "check passed" >&2
