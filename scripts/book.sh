#!/usr/bin/env bash
# Builds the guides into target/book (or $BOOK_DIR) and prints where they are.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${BOOK_DIR:-$PWD/target/book}
mdbook=$(scripts/book/install.sh mdbook)
log=$("$mdbook" build docs/book --dest-dir "$out" 2>&1) || { echo "$log" >&2; exit 1; }
# A missing include is a warning to mdBook, and a hole to the reader.
if grep -qE 'WARN|ERROR' <<< "$log"; then
    echo "$log" >&2
    exit 1
fi
echo "$out"
