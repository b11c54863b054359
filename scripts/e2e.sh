#!/usr/bin/env bash
# The end-to-end tests on a real Kubernetes:
#   scripts/e2e.sh run [TEST..]     up, test, down: what `make e2e` does
#   scripts/e2e.sh up               a kind cluster of three nodes with the images and the operator in it; quick when it is there
#   scripts/e2e.sh load [IMAGE..]   makes the images anew, loads them, and restarts the operator
#   scripts/e2e.sh test [TEST..]    the tests of e2e/tests, all when none is named
#   scripts/e2e.sh down             takes everything away
#   scripts/e2e.sh smoke            run with the tests that every push has to pass, and dev builds
# E2E_CONTEXT=<context> scripts/e2e.sh test    the same tests against a cluster that exists; it has to have the images and the operator.
# PROFILE=dev: dev builds. KEEP=1: `run` leaves the cluster, and a failed test its namespace. E2E_LOGS: where logs of what failed go.
# E2E_OPERATOR: the operator's program, for the test that starts it by itself and kills it; built when it is not given.
# E2E_CLUSTER: another name than gohub. E2E_THREADS: tests at a time, 2 unless said otherwise.
set -euo pipefail
cd "$(dirname "$0")/.."
repository=$PWD
cache=${GOHUB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gohub}
cluster=${E2E_CLUSTER:-gohub}
state=$cache/e2e/$cluster
export PROFILE=${PROFILE:-release}
if [ -z "${E2E_LOGS:-}" ]; then
    export E2E_LOGS=$repository/target/e2e-logs
    rm -rf "$E2E_LOGS"
fi
SMOKE=(apply scale config)
NAMESPACE=gohub-system
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)

# Where Go's own installer puts it, for shells that have not been told.
export PATH=$PATH:/usr/local/go/bin

say() { echo "e2e.sh: $(date +%T) $*" >&2; }

# Ours, unless a context was named; then whatever kubectl would use.
if [ -z "${E2E_CONTEXT:-}" ]; then
    export KUBECONFIG=$state/kubeconfig
    context=kind-$cluster
else
    context=$E2E_CONTEXT
fi
bin=$cache/kind-bin

program() { # name -> path, from PATH or built from node/'s module
    local pinned
    pinned=$(sha256sum e2e/kind/node/go.mod | cut -c1-12)
    # kind is ours alone: it belongs to its node image.
    if [ "$1" != kind ] && command -v "$1"; then return; fi
    if [ "$1" = kubectl ]; then
        # The node's program is kubectl, too.
        if [ ! -x "$bin/node" ]; then e2e/kind/programs.sh "$bin" node >&2; fi
        ln -sf node "$bin/kubectl"
    elif [ ! -x "$bin/$1" ] || [ "$(cat "$bin/$1.pinned" 2> /dev/null)" != "$pinned" ]; then
        say "building $1 (once, into the cache)"
        e2e/kind/programs.sh "$bin" "$1" >&2
        echo "$pinned" > "$bin/$1.pinned"
    fi
    echo "$bin/$1"
}

kube() { "$(program kubectl)" --context "$context" "$@"; }

node_image() {
    if [ -n "${E2E_NODE_IMAGE:-}" ]; then echo "$E2E_NODE_IMAGE"; return; fi
    if e2e/kind/node.sh --cached; then return; fi
    # kind pins its own node image by digest.
    local module official
    module=$(cd e2e/kind/node && go mod download sigs.k8s.io/kind && go list -m -f '{{.Dir}}' sigs.k8s.io/kind)
    official=$(sed -n 's/^const Image = "\(.*\)"/\1/p' "$module/pkg/apis/config/defaults/image.go")
    if timeout 60 docker manifest inspect "$official" > /dev/null 2>&1 && docker pull -q "$official" >&2; then
        echo "$official"
        return
    fi
    say "$official cannot be pulled; building a node image (once, into the cache; minutes)"
    e2e/kind/node.sh
}

up() {
    mkdir -p "$state"
    scripts/ensure.sh cc protoc
    if ! command -v go > /dev/null; then
        say "Go $(sed -n 's/^go //p' e2e/kind/node/go.mod) or newer is needed: kind is built from its module"
        exit 1
    fi
    e2e/kind/docker.sh up
    local kind image
    kind=$(program kind)
    if ! "$kind" get clusters 2> /dev/null | grep -qx "$cluster"; then
        image=$(node_image)
        say "creating the cluster $cluster from $image"
        "$kind" create cluster --name "$cluster" --image "$image" --config e2e/kind/cluster.yaml --wait 180s --quiet
        # --wait is about the control plane only.
        kube wait --for=condition=Ready nodes --all --timeout=180s > /dev/null
    fi
    if [ "$PROFILE" = dev ]; then
        # The programs as `make test` left them: with another choice of packages, and so of features, half the crates would be compiled again.
        # A package's programs are built for its integration tests: hub and operator have one called generated.
        say "building programs and tests"
        compile_tests generated "${SMOKE[@]}"
        export BINARIES=${CARGO_TARGET_DIR:-target}/debug
    fi
    load
    install
    say "the cluster is up: KUBECONFIG=$KUBECONFIG kubectl --context $context"
}

load() {
    local archives archive
    archives=$(scripts/images.sh "$@")
    for archive in $archives; do
        say "loading $archive"
        "$(program kind)" load image-archive "$archive" --name "$cluster" > /dev/null
        # To Kubernetes another version: what `upgrade` rolls out.
        if [[ $archive = */hub.tar ]]; then also_called "gohub:$version" "gohub:$version-next"; fi
    done
}

also_called() { # image name
    local node
    for node in $("$(program kind)" get nodes --name "$cluster"); do
        docker exec "$node" ctr --namespace k8s.io images tag --force "docker.io/library/$1" "docker.io/library/$2" > /dev/null
    done
}

install() {
    if [ ! -d charts/gohub-operator ]; then
        say "there is no chart yet: the operator is not installed"
        return
    fi
    "$(program helm)" --kube-context "$context" upgrade --install gohub-operator charts/gohub-operator \
        --namespace "$NAMESPACE" --create-namespace --set image.pullPolicy=IfNotPresent --wait --timeout 180s > /dev/null
    # The same tag may hold another build now.
    kube -n "$NAMESPACE" rollout restart deployment > /dev/null
    kube -n "$NAMESPACE" rollout status deployment --timeout=180s > /dev/null
}

arguments() { # test.. -> what selects them, one word a line
    local test
    printf '%s\n' --features gohub-e2e/cluster
    for test in "$@"; do printf '%s\n' --test "$test"; done
}

compile_tests() {
    local selected
    mapfile -t selected < <(arguments "$@")
    cargo test --workspace --no-run "${selected[@]}"
}

# The operator as a program that a test starts and kills. What the tests are built with is built already, so this is quick.
operator_program() {
    cargo build --workspace --features gohub-e2e/cluster --bin gohub-operator > /dev/null
    echo "${CARGO_TARGET_DIR:-$repository/target}/debug/gohub-operator"
}

some_tests() { # test..
    local selected
    mapfile -t selected < <(arguments "$@")
    scripts/test.sh "${selected[@]}" -- --test-threads "${E2E_THREADS:-2}"
}

run_tests() {
    local test others=() beside='' status=0
    if [ $# = 0 ]; then
        for test in e2e/tests/*.rs; do set -- "$@" "$(basename "$test" .rs)"; done
    fi
    mkdir -p "$E2E_LOGS"
    for test in "$@"; do
        if [ "$test" != monitoring ]; then continue; fi
        E2E_PROMETHEUS_CRDS=$(scripts/monitoring.sh definitions)
        export E2E_PROMETHEUS_CRDS
        if [ -z "${E2E_CONTEXT:-}" ]; then load prometheus; fi
    done
    export E2E_CONTEXT=$context
    for test in "$@"; do
        if [ "$test" = operator_loss ] && [ -z "${E2E_OPERATOR:-}" ]; then
            E2E_OPERATOR=$(operator_program) || return
            export E2E_OPERATOR
        fi
        if [ "$test" != steady_state ] || [ $# = 1 ]; then others+=("$test"); fi
    done
    # One file after the other; but the one in which nothing happens for minutes lasts while others do something.
    if [ ${#others[@]} != $# ]; then
        compile_tests "$@" || return
        some_tests steady_state > "$E2E_LOGS/steady_state.txt" 2>&1 &
        beside=$!
    fi
    some_tests "${others[@]}" || status=$?
    if [ -n "$beside" ]; then
        wait "$beside" || status=$?
        cat "$E2E_LOGS/steady_state.txt"
    fi
    return $status
}

collect() {
    mkdir -p "$E2E_LOGS"
    kube get gohubs,all,pvc,configmaps -A -o wide > "$E2E_LOGS/objects.txt" 2>&1 || true
    kube get events -A --sort-by=.lastTimestamp > "$E2E_LOGS/events.txt" 2>&1 || true
    kube describe nodes > "$E2E_LOGS/nodes.txt" 2>&1 || true
    kube -n "$NAMESPACE" logs --all-containers --prefix -l app.kubernetes.io/name=gohub-operator --tail=-1 > "$E2E_LOGS/operator.log" 2>&1 || true
    say "logs of what failed: $E2E_LOGS"
}

down() {
    if command -v docker > /dev/null && docker info > /dev/null 2>&1 && [ -x "$bin/kind" ]; then
        "$bin/kind" delete cluster --name "$cluster" --quiet
    fi
    e2e/kind/docker.sh down
}

run() {
    local status=0
    # Also when it is interrupted, and when the cluster does not come up.
    if [ -z "${KEEP:-}" ]; then trap down EXIT; fi
    up
    run_tests "$@" || status=$?
    if [ $status != 0 ]; then collect; fi
    return $status
}

command=${1:-}
shift || true
case $command in
run) run "$@" ;;
up) up ;;
load)
    load "$@"
    install
    ;;
test) run_tests "$@" || { status=$?; collect; exit $status; } ;;
down) down ;;
smoke)
    # A machine on which no container can run has nothing to say about Kubernetes. Where it must, E2E_REQUIRED is set.
    if [ -z "${E2E_REQUIRED:-}" ] && ! e2e/kind/docker.sh up; then
        say "SKIPPED: no Docker daemon answers or can be started here; nothing was tried on Kubernetes"
        exit 0
    fi
    PROFILE=dev run "${SMOKE[@]}"
    ;;
*) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
