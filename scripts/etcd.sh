#!/usr/bin/env bash
# Gets an etcd >= 3.5 for the tests and prints the path of its binary:
#   etcd=$(scripts/etcd.sh)        ctl=$(scripts/etcd.sh etcdctl)        static=$(scripts/etcd.sh --built)
# In this order: $GOHUB_ETCD (taken as it is), an etcd on PATH of that age, the one built before, a build from etcd's Go module (scripts/etcd
# pins it), kept in a cache outside the work tree. --built: only the last two, for an image needs a static binary of a known version.
set -euo pipefail
cd "$(dirname "$0")/etcd"
only_built=
if [ "${1:-}" = --built ]; then
    only_built=yes
    shift
fi
program=${1:-etcd}
case $program in etcd | etcdctl) ;; *) echo "usage: $0 [--built] [etcd|etcdctl]" >&2; exit 2 ;; esac

say() { echo "etcd.sh: $*" >&2; }

if [ -z "$only_built" ] && [ "$program" = etcd ] && [ -n "${GOHUB_ETCD:-}" ]; then echo "$GOHUB_ETCD"; exit; fi

new_enough() { # etcd Version: 3.6.8 / etcdctl version: 3.6.8
    local version
    version=$("$1" "$([ "$program" = etcd ] && echo --version || echo version)" 2> /dev/null | sed -n '1s/.*: *v*\([0-9.]*\).*/\1/p')
    [ -n "$version" ] && [ "$(printf '%s\n' 3.5 "$version" | sort -V | head -n1)" = 3.5 ]
}

if [ -z "$only_built" ] && found=$(command -v "$program") && new_enough "$found"; then echo "$found"; exit; fi

version=$(sed -n 's/^.*go.etcd.io\/etcd\/server\/v3 v\([0-9.]*\).*/\1/p' go.mod | head -n1)
cache=${GOHUB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gohub}/etcd-$version
if [ -x "$cache/$program" ]; then echo "$cache/$program"; exit; fi

# The toolchain the pinned modules ask for; an older one (1.21 and later) fetches it by itself where it may.
wanted=$(sed -n 's/^go \([0-9]*\.[0-9]*\).*/\1/p' go.mod)
if ! command -v go > /dev/null; then
    PATH=$PATH:/usr/local/go/bin
fi
if ! command -v go > /dev/null && command -v apt-get > /dev/null; then
    say "no etcd >= 3.5 and no Go: installing Debian's Go"
    as_root=()
    if [ "$(id -u)" != 0 ]; then as_root=(sudo -n); fi
    "${as_root[@]}" apt-get -o DPkg::Lock::Timeout=300 update -qq >&2 || true
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends golang-go ca-certificates >&2 || true
fi
if ! command -v go > /dev/null; then
    say "the tests need etcd >= 3.5 on PATH (or in GOHUB_ETCD), or Go >= $wanted to build it"
    exit 1
fi

mkdir -p "$cache"
# Two runs at once: the second waits and finds the binary.
exec 9> "$cache/lock"
flock 9
if [ ! -x "$cache/$program" ]; then
    say "building $program $version (once, into $cache)"
    case $program in
    etcd) package=. ;;
    etcdctl) package=go.etcd.io/etcd/etcdctl/v3 ;;
    esac
    if ! CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$cache/$program.new" "$package" >&2; then
        say "the build failed; it needs Go >= $wanted, this is $(go version)"
        exit 1
    fi
    mv "$cache/$program.new" "$cache/$program"
fi
echo "$cache/$program"
