#!/usr/bin/env bash
# RFC 6455 against a real hub: the Autobahn suite (247 core cases with close codes, 54 with large messages)
# and twelve raw bad frames, over the echo path, which is the connection path of every client.
# Arguments go to `cargo build`: --features fastwebsockets tests the second WebSocket library.
# GOHUB_CONFORMANCE_PORT=N tests a server that already listens there (path /echo) instead of starting the hub.
set -euo pipefail
cd "$(dirname "$0")/.."
cache=${GOHUB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gohub}
suite=$cache/autobahn-25.10.1
reports=${CARGO_TARGET_DIR:-target}/conformance
scripts/conformance/install.sh "$suite"

hub_pid=
stop_hub() {
    if [ -z "$hub_pid" ]; then return; fi
    kill "$hub_pid" 2> /dev/null || true
    wait "$hub_pid" 2> /dev/null || true
    hub_pid=
}
trap stop_hub EXIT

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

start_hub() { # NAME=VALUE ...: settings that differ from config/config.yaml
    port=${GOHUB_CONFORMANCE_PORT:-}
    if [ -n "$port" ]; then return; fi
    port=$(free_port)
    mkdir -p "$reports"
    env GOHUB_SERVER__ADDR="127.0.0.1:$port" GOHUB_ADMIN__ADDR="127.0.0.1:$(free_port)" GOHUB_DEBUG__ECHO=true \
        GOHUB_LOG__LEVEL=warn "$@" "${CARGO_TARGET_DIR:-target}/release/gohub" --config config/config.yaml \
        > "$reports/hub.log" 2>&1 &
    hub_pid=$!
    for _ in $(seq 100); do
        if (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null; then return; fi
        if ! kill -0 "$hub_pid" 2> /dev/null; then break; fi
        sleep 0.1
    done
    echo "conformance: the hub did not come up:" >&2
    tail -20 "$reports/hub.log" >&2
    exit 2
}

if [ -z "${GOHUB_CONFORMANCE_PORT:-}" ]; then
    scripts/ensure.sh cc protoc
    cargo build --quiet --release -p gohub "$@"
fi
status=0
# With the limits as they are shipped.
start_hub
scripts/conformance/autobahn.py "$suite" "ws://127.0.0.1:$port/echo" "$reports/core" core || status=1
scripts/conformance/bad_frames.py "$port" || status=1
stop_hub
# Section 9 sends 16 MiB messages, and 4 MiB in 65,536 fragments, and wants them back: for it alone those limits are raised.
start_hub GOHUB_LIMITS__MAX_MESSAGE=17MiB GOHUB_LIMITS__MAX_FRAGMENTS=70000 GOHUB_LIMITS__OUT_BUFFER=32MiB \
    GOHUB_LIMITS__BYTE_RATE=1GiB GOHUB_SLOW_CLIENT__MAX_PENDING=32MiB
scripts/conformance/autobahn.py "$suite" "ws://127.0.0.1:$port/echo" "$reports/large" large || status=1
stop_hub
exit $status
