#!/usr/bin/env bash
# websocat: websocat.sh WEBSOCAT URL NAME. README.md beside this file says what every client does.
# websocat is a pipe, a line in is a message out: what a message means, and when to connect again, is said here.
set -euo pipefail
websocat=$1 url=$2 name=$3
room=interop greeted='' epoch='' position='' log=$(mktemp)
trap 'rm -f "$log"' EXIT

message() { # REF TEXT
    jq -cn --arg room "$room" --arg ref "$1" --arg data "$2" '{message_id: 22, room: $room, ref: $ref, data: $data}'
}

take() { # MESSAGE
    local id offset ref from data
    # One field a line; no text in this test has several.
    { read -r id; read -r offset; read -r ref; read -r from; read -r data; } \
        < <(jq -r '.message_id, .offset // "", .ref // "", .from // "", .data // ""' <<< "$1")
    case $id in
    3)
        position=$offset epoch=$(jq -r .epoch <<< "$1")
        jq -r '"welcome \(.client_id) \(.rooms[0]) \(.recovered)"' <<< "$1"
        if [ -n "$greeted" ]; then return; fi
        greeted=yes
        message greeting "Grüße von $name, 你好 🚀" >&"$to_hub"
        # The line feed is in the message too.
        local empty size
        empty=$(message largest '')
        size=$(($(jq .max_message <<< "$1") - ${#empty} - 1))
        message largest "$(head -c "$size" /dev/zero | tr '\0' x)" >&"$to_hub"
        ;;
    4) echo "ack $ref" ;;
    22)
        position=$offset
        if [ "$from" = "$name" ]; then return; fi
        echo "heard $data"
        # The end of its input is what makes websocat close; with -E it then does not wait for the hub's answer.
        if [ "$data" = goodbye ]; then
            exec {to_hub}>&-
            leaving=yes
        fi
        ;;
    esac
}

while true; do
    address="$url?client_id=$name&rooms=$room${position:+&resume=$epoch:$position}"
    # -vv: nothing else says with which code it was closed. -B: a longer line would become two messages.
    # -E: end with the connection, not only with the input.
    options=(-vv -E -B 131072 --protocol gohub.v1.json --close-status-code 1000)
    coproc HUB { exec "$websocat" "${options[@]}" "$address" 2> "$log"; }
    pid=$HUB_PID leaving=''
    # Copies: bash takes its own away as soon as the process has ended, whatever is still to be read.
    exec {from_hub}<&"${HUB[0]}" {to_hub}>&"${HUB[1]}"
    eval "exec ${HUB[1]}>&-"
    while IFS= read -r -u "$from_hub" line; do take "$line"; done
    exec {from_hub}<&-
    if [ -z "$leaving" ]; then exec {to_hub}>&-; fi
    wait "$pid" || true
    closed=$(sed -n 's/.*close message is Some(CloseData { status_code: \([0-9]*\), reason: "\(.*\)" })/\1 \2/p' "$log")
    if [ -n "$leaving" ]; then closed=1000; fi
    echo "closed ${closed:-1006}"
    case $closed in
    4500*) exit ;;
    1000*) position='' ;;
    esac
    sleep 0.2
done
