#!/usr/bin/env bash
# Makes the container images, without a registry and without a daemon, as archives under target/images:
#   scripts/images.sh [hub] [operator] [etcd] [e2e] [prometheus]     all but the last when none is named; prints the archives' paths
#   PROFILE=release|dev      the build they hold; release unless said otherwise
#   BINARIES=target/debug    takes the programs from there as they are, with the libraries they load, and builds nothing
# Only the last link is static, so nothing that `cargo build` made is compiled again; the image is that binary `FROM scratch`, as the
# Dockerfile makes it, too.
set -euo pipefail
cd "$(dirname "$0")/.."
profile=${PROFILE:-release}
target=${CARGO_TARGET_DIR:-target}
built=${BINARIES:-$target/$([ "$profile" = dev ] && echo debug || echo "$profile")}
images=$target/images
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
mkdir -p "$images"

image() { # name tag program
    local program=$images/${3##*/}
    # Line tables are most of a dev build; the symbols stay, so that a panic still names functions.
    strip --strip-debug -o "$program" "$3"
    scripts/image.py "$images/$1.tar" "$2" "$program"
    rm "$program"
    echo "$images/$1.tar"
}

ours() { # name package program
    if [ -z "${BINARIES:-}" ]; then
        scripts/ensure.sh cc protoc
        cargo rustc --profile "$profile" -p "$2" --bin "$3" -- -C target-feature=+crt-static >&2
        if readelf -l "$built/$3" | grep -q INTERP; then
            echo "images.sh: $built/$3 is not static" >&2
            exit 1
        fi
    fi
    image "$1" "$2:$version" "$built/$3"
}

if [ $# = 0 ]; then set -- hub operator etcd e2e; fi
for name in "$@"; do
    case $name in
    hub) ours hub gohub gohub ;;
    operator) ours operator gohub-operator gohub-operator ;;
    e2e) ours e2e gohub-e2e crowd ;;
    etcd)
        etcd=$(scripts/etcd.sh --built)
        image etcd "etcd:v$("$etcd" --version | sed -n '1s/.*: *//p')" "$etcd"
        ;;
    prometheus)
        # For the test of monitoring: not ours, and with the libraries it loads.
        image prometheus "gohub-prometheus:$version" "$(scripts/monitoring.sh prometheus)"
        ;;
    *) echo "images.sh: there is no image $name" >&2; exit 2 ;;
    esac
done
