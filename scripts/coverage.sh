#!/usr/bin/env bash
# Runs the tests with coverage and judges it: see scripts/coverage_gate.py for the limits.
# Arguments go to `cargo llvm-cov`, e.g. scripts/coverage.sh -p gohub --lib
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/ensure.sh cc protoc helm cargo-llvm-cov llvm
if [ -x scripts/etcd.sh ]; then scripts/etcd.sh > /dev/null; fi
ulimit -n "$(ulimit -Hn)" 2> /dev/null || true

# The distribution's LLVM, where rustup's component is not installed.
version=$(rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
if command -v "llvm-profdata-$version" > /dev/null; then
    export LLVM_COV=llvm-cov-$version LLVM_PROFDATA=llvm-profdata-$version
fi
tools=${GOHUB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gohub}/tools
out=${CARGO_TARGET_DIR:-target}/coverage
mkdir -p "$out"
if [ $# = 0 ]; then set -- --workspace --exclude gohub-bench; fi
PATH=$tools/bin:$PATH cargo llvm-cov "$@" --lcov --output-path "$out/lcov.info"
python3 scripts/coverage_gate.py "$out/lcov.info"
