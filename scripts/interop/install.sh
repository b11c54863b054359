#!/usr/bin/env bash
# Gets or builds every client of `make interop` into DIR, pinned, once: install.sh DIR
# The browser and libwebsockets are the distribution's.
set -euo pipefail
dir=${1:?usage: install.sh DIR}
here=$(cd "$(dirname "$0")" && pwd)
tools=${GOHUB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gohub}/tools
"$here/../ensure.sh" cc chromium java jq libwebsockets python-venv k6
mkdir -p "$dir/bin"
ln -sf "$tools/bin/k6" "$dir/bin/k6"

# Runs the command unless it has been done for these files: once NAME FILES... -- COMMAND...
once() {
    local name=$1 files=()
    shift
    while [ "$1" != -- ]; do
        files+=("$1")
        shift
    done
    shift
    local state
    state=$(sha256sum "${files[@]}" | cut -d' ' -f1 | sha256sum)
    if [ "$(cat "$dir/$name.state" 2> /dev/null || true)" = "$state" ]; then return; fi
    echo "interop: $name (once, into the cache)" >&2
    "$@" >&2
    echo "$state" > "$dir/$name.state"
}

install_python() {
    python3 -m venv --clear "$dir/venv"
    "$dir/venv/bin/pip" --quiet --disable-pip-version-check install --only-binary :all: -r "$here/requirements.txt"
}
install_java() {
    rm -rf "$dir/java"
    mvn --quiet --batch-mode --file "$here/java/pom.xml" -Dout="$dir/java" compile dependency:copy-dependencies
}
install_c() {
    local flags
    read -ra flags <<< "$(pkg-config --cflags --libs libwebsockets libcjson)"
    cc -O1 -Wall -Wextra -Wno-missing-field-initializers -Werror \
        -o "$dir/libwebsockets" "$here/libwebsockets.c" "${flags[@]}"
}

once python "$here/requirements.txt" -- install_python
once java "$here"/java/* -- install_java
once libwebsockets "$here/libwebsockets.c" -- install_c
