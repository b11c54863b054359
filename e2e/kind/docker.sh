#!/usr/bin/env bash
# A Docker daemon for kind:
#   docker.sh up      uses the one that answers, else starts one
#   docker.sh down    stops it, if it is ours
set -euo pipefail
cd "$(dirname "$0")"
state=${GOHUB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gohub}/docker
pid_file=$state/docker.pid

say() { echo "docker.sh: $*" >&2; }

answers() { timeout 20 docker info > /dev/null 2>&1; }

ours() { [ -f "$pid_file" ] && [ "$(cat "/proc/$(cat "$pid_file")/comm" 2> /dev/null)" = dockerd ]; }

up() {
    if command -v docker > /dev/null && answers; then return; fi
    if [ "$(id -u)" != 0 ]; then
        say "no Docker daemon answers, and only root can start one"
        exit 1
    fi
    ../../scripts/ensure.sh docker
    if answers; then return; fi
    mkdir -p "$state"
    # A copy: it is needed for as long as the daemon lives.
    install -m755 runtime.py "$state/runtime"
    # Private cgroup namespaces: kind's nodes manage cgroups of their own, also where the machine still has version 1.
    echo '{"default-cgroupns-mode": "private", "runtimes": {"softened": {"path": "'"$state/runtime"'"}}, "default-runtime": "softened"}' \
        > "$state/daemon.json"
    say "starting dockerd; its log is $state/docker.log"
    # In a session of its own: it has to outlive an interrupted test run, which still needs it to tear down.
    setsid dockerd --config-file "$state/daemon.json" --pidfile "$pid_file" > "$state/docker.log" 2>&1 < /dev/null &
    for _ in $(seq 150); do
        if answers; then return; fi
        sleep 0.2
    done
    say "dockerd does not answer; the end of its log:"
    tail -n 20 "$state/docker.log" >&2
    exit 1
}

down() {
    if ! ours; then return; fi
    local pid
    pid=$(cat "$pid_file")
    if [ -n "$(docker ps -q)" ]; then
        say "dockerd ($pid) stays: it has running containers"
        return
    fi
    kill "$pid"
    for _ in $(seq 100); do
        if [ ! -d "/proc/$pid" ]; then return; fi
        sleep 0.2
    done
    say "dockerd ($pid) does not stop"
    exit 1
}

case ${1:-} in
up) up ;;
down) down ;;
*) echo "usage: $0 up|down" >&2; exit 2 ;;
esac
