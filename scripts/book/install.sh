#!/usr/bin/env bash
# What the tests of the book and of the alerts need, pinned, once, in a cache outside the work tree; prints the path of
#   scripts/book/install.sh python      a Python with requirements.txt
#   scripts/book/install.sh mdbook      the program that makes the book
set -euo pipefail
cd "$(dirname "$0")"
cache=${GOHUB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gohub}
case ${1:-} in
python)
    ../ensure.sh python-venv
    mkdir -p "$cache/book"
    exec 9> "$cache/book/lock"
    flock 9
    state=$(sha256sum requirements.txt)
    if [ "$(cat "$cache/book/state" 2> /dev/null || true)" != "$state" ]; then
        echo "book: its Python (once, into the cache)" >&2
        python3 -m venv --clear "$cache/book/venv"
        "$cache/book/venv/bin/pip" --quiet --disable-pip-version-check install --only-binary :all: -r requirements.txt >&2
        echo "$state" > "$cache/book/state"
    fi
    echo "$cache/book/venv/bin/python"
    ;;
mdbook)
    ../ensure.sh cc mdbook
    echo "$cache/tools/bin/mdbook"
    ;;
*) sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0" >&2; exit 2 ;;
esac
