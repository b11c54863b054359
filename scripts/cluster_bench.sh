#!/usr/bin/env bash
# Three hubs over a real etcd under load, as one JSON line of `gohub-bench cluster`, with etcd's size and the hubs' batches beside it:
#   scripts/cluster_bench.sh 3 -n 30 --publishers 6 --rate 5000 --seconds 600
# The first argument is the number of etcd members (1 or 3); the others go to `gohub-bench cluster`. Everything listens on loopback.
set -euo pipefail
cd "$(dirname "$0")/.."
members=${1:-3}
if [ $# -gt 0 ]; then shift; fi
scripts/ensure.sh cc protoc
etcd=$(scripts/etcd.sh)
bin=${RELEASE_DIR:-}
if [ -z "$bin" ]; then
    cargo build --quiet --release -p gohub -p gohub-bench
    bin=${CARGO_TARGET_DIR:-target}/release
fi
ulimit -n "$(ulimit -Hn)" 2> /dev/null || true

work=$(mktemp -d)
pids=()
stop() {
    kill "${pids[@]}" 2> /dev/null || true
    wait "${pids[@]}" 2> /dev/null || true
    rm -rf "$work"
}
trap stop EXIT

free_ports() { # COUNT
    python3 - "$1" <<'PORTS'
import socket, sys
held = [socket.socket() for _ in range(int(sys.argv[1]))]
for one in held:
    one.bind(("127.0.0.1", 0))
print(*(one.getsockname()[1] for one in held))
PORTS
}

read -ra port <<< "$(free_ports 15)"
cluster='' endpoints=''
for ((i = 0; i < members; i++)); do
    cluster+=${cluster:+,}m$i=http://127.0.0.1:${port[2 * i]}
    endpoints+=${endpoints:+,}http://127.0.0.1:${port[2 * i + 1]}
done
for ((i = 0; i < members; i++)); do
    peer=http://127.0.0.1:${port[2 * i]} client=http://127.0.0.1:${port[2 * i + 1]}
    "$etcd" --name "m$i" --data-dir "$work/m$i" --log-level error --initial-cluster "$cluster" \
        --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" \
        --listen-client-urls "$client" --advertise-client-urls "$client" 2> "$work/m$i.log" &
    pids+=($!)
done

urls='' admins=()
hubs=()
for i in 0 1 2; do
    public=127.0.0.1:${port[6 + 3 * i]} admin=127.0.0.1:${port[7 + 3 * i]} peers=127.0.0.1:${port[8 + 3 * i]}
    # A publisher of this load is faster than a person: the per-connection rates are for people.
    env GOHUB_SERVER__ADDR="$public" GOHUB_ADMIN__ADDR="$admin" GOHUB_CLUSTER__GRPC_ADDR="$peers" GOHUB_CLUSTER__NODE="hub-$i" \
        GOHUB_CLUSTER__ENABLED=true GOHUB_CLUSTER__ETCD__COMPACT=true GOHUB_CLUSTER__ETCD__ENDPOINTS="$endpoints" \
        GOHUB_LIMITS__MESSAGE_RATE=0 GOHUB_LIMITS__MAX_CONNECTIONS_PER_IP=0 GOHUB_LOG__LEVEL=warn \
        "$bin/gohub" > "$work/hub$i.log" 2>&1 &
    pids+=($!)
    hubs+=($!)
    urls+=${urls:+,}ws://$public/ws
    admins+=("$admin")
done
for admin in "${admins[@]}"; do
    for _ in $(seq 300); do
        if curl -sf "http://$admin/readyz" > /dev/null; then continue 2; fi
        sleep 0.1
    done
    echo "a hub did not become ready:" >&2
    cat "$work"/hub*.log >&2
    exit 1
done

figure() { # ADMIN NAME: the sum of a metric's series
    curl -sf "http://$1/metrics" | awk -v name="$2" '$1 ~ "^" name "({|$)" { sum += $2 } END { print sum + 0 }'
}
# etcd's own figure, from every member.
db_sizes() {
    for endpoint in ${endpoints//,/ }; do
        curl -sf "$endpoint/metrics" | awk '$1 == "etcd_mvcc_db_total_size_in_bytes" { printf "%.1f ", $2 / 1e6 }' || true
    done
}
(
    start=$SECONDS
    while sleep 30; do printf '{"second":%d,"etcd_db_mb":"%s"}\n' $((SECONDS - start)) "$(db_sizes)" >&2; done
) &
pids+=($!)

"$bin/gohub-bench" cluster --url "$urls" "${hubs[@]/#/--pid=}" "$@"
for admin in "${admins[@]}"; do
    count=$(figure "$admin" gohub_bus_batch_messages_count) sum=$(figure "$admin" gohub_bus_batch_messages_sum)
    put_count=$(figure "$admin" gohub_bus_put_latency_seconds_count) put_sum=$(figure "$admin" gohub_bus_put_latency_seconds_sum)
    awk -v b="$sum" -v n="$count" -v s="$put_sum" -v p="$put_count" \
        'BEGIN { printf "{\"messages_per_batch\":%.1f,\"put_ms_mean\":%.2f}\n", n ? b / n : 0, p ? 1000 * s / p : 0 }'
done
printf '{"etcd_db_mb_at_the_end":"%s"}\n' "$(db_sizes)"
