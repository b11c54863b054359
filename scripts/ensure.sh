#!/usr/bin/env bash
# Makes sure the named tools are there, installing what a bare Debian machine lacks:
#   scripts/ensure.sh protoc cargo-deny
# Cargo's and Go's tools are pinned and kept in a cache outside the work tree; apt's are the distribution's.
set -euo pipefail
cache=${GOHUB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gohub}
tools=$cache/tools

apt_install() {
    local as_root=()
    if [ "$(id -u)" != 0 ]; then as_root=(sudo -n); fi
    # The lock's timeout: another apt may be running, on a fresh machine often the unattended one.
    "${as_root[@]}" apt-get -o DPkg::Lock::Timeout=300 update -qq >&2
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends "$@" >&2
}

cargo_install() { # name version [option..]
    if [ "$(cat "$tools/$1.version" 2>/dev/null || true)" = "$2" ] && [ -x "$tools/bin/$1" ]; then return; fi
    echo "installing $1 $2 (once, into the cache)" >&2
    # A target directory of its own: the tool's build must not disturb the workspace's.
    CARGO_TARGET_DIR=$tools/target RUSTFLAGS='' cargo install --quiet --locked --root "$tools" "${@:3}" "$1@$2" >&2
    rm -rf "$tools/target"
    echo "$2" > "$tools/$1.version"
}

go_install() { # name package version
    if [ "$(cat "$tools/$1.version" 2>/dev/null || true)" = "$3" ] && [ -x "$tools/bin/$1" ]; then return; fi
    has go || PATH=$PATH:/usr/local/go/bin
    has go || apt_install golang-go ca-certificates
    mkdir -p "$tools/bin"
    # Tests ask for it side by side: the second one waits and finds it.
    exec 8> "$tools/$1.lock"
    flock 8
    if [ "$(cat "$tools/$1.version" 2>/dev/null || true)" = "$3" ]; then return; fi
    echo "installing $1 $3 (once, into the cache)" >&2
    GOFLAGS='' CGO_ENABLED=0 GOBIN=$tools/bin go install -trimpath -ldflags '-s -w' "$2@$3" >&2
    echo "$3" > "$tools/$1.version"
}

has() { command -v "$1" > /dev/null; }

for tool in "$@"; do
    case $tool in
    protoc) has protoc || apt_install protobuf-compiler libprotobuf-dev ;;
    shellcheck) has shellcheck || apt_install shellcheck ;;
    node) { has node && has npm; } || apt_install nodejs npm ca-certificates ;;
    chromium) has chromium || apt_install chromium ;;
    docker) { has docker && has dockerd && has runc && has iptables; } || apt_install docker.io containerd runc iptables ;;
    nginx | haproxy)
        # Root's programs: not in everybody's PATH.
        has "$tool" || [ -x "/usr/sbin/$tool" ] || apt_install "$tool"
        ;;
    mmdebstrap | jq | zstd) has "$tool" || apt_install "$tool" ;;
    java) { has javac && has mvn; } || apt_install default-jdk-headless maven ;;
    libwebsockets)
        { has pkg-config && pkg-config --exists libwebsockets libcjson; } || apt_install pkg-config libwebsockets-dev libcjson-dev
        ;;
    python-venv) python3 -c 'import ensurepip' 2> /dev/null || apt_install python3-venv ;;
    cc) has cc || apt_install build-essential ;;
    clang)
        # With what it links for sanitizers and fuzzing, a package of its own that is named by the version.
        has clang || apt_install clang
        [ -n "$(find "$(clang -print-resource-dir)" -name 'libclang_rt.fuzzer*' -print -quit)" ] \
            || apt_install "libclang-rt-$(clang -dumpversion | cut -d. -f1)-dev"
        ;;
    cargo-deny) cargo_install cargo-deny 0.20.2 ;;
    cargo-llvm-cov) cargo_install cargo-llvm-cov 0.9.1 ;;
    # Its server and its watcher stay out; the readers' search stays in. MPL-2.0: a tool, nothing of it is in ours.
    mdbook) cargo_install mdbook 0.5.4 --no-default-features --features search ;;
    helm) go_install helm helm.sh/helm/v3/cmd/helm v3.22.0 ;;
    k6) go_install k6 go.k6.io/k6 v1.8.1 ;;
    llvm)
        # rustup's component where it is installed, else the distribution's LLVM of the compiler's own version.
        version=$(rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
        [ -n "$(find "$(rustc --print sysroot)" -name llvm-profdata -print -quit)" ] \
            || has "llvm-profdata-$version" || apt_install "llvm-$version"
        ;;
    *) echo "ensure.sh: I do not know how to get $tool" >&2; exit 2 ;;
    esac
done
