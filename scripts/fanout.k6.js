// Broadcast fan-out with k6, for those who prefer it to gohub-bench (which is not the bottleneck; this is, from some
// tens of thousands of deliveries per second on).
//
//   k6 run scripts/fanout.k6.js
//   k6 run -e URL=ws://127.0.0.1:8080/ws -e CLIENTS=500 -e RATE=20 -e SECONDS=30 -e PAYLOAD=128 scripts/fanout.k6.js
//
// CLIENTS connections receive everything; the first of them publishes RATE messages per second for SECONDS. Each client
// checks its sequence: `lost`, `duplicated` and `reordered` are thresholds, so a loss fails the run. TOKEN is sent as
// ?token=. The clients settle for 3 s before the first and after the last message.

import { WebSocket } from "k6/websockets";
import { Counter, Trend } from "k6/metrics";

const URL = __ENV.URL || "ws://127.0.0.1:8080/ws";
const CLIENTS = Number(__ENV.CLIENTS || 200);
const RATE = Number(__ENV.RATE || 10);
const SECONDS = Number(__ENV.SECONDS || 20);
const PAYLOAD = Number(__ENV.PAYLOAD || 128);
const SETTLE_MS = 3000;
const TOTAL = RATE * SECONDS;

const BROADCAST = 20;
const WELCOME = 3;
const PING = 1;
const PONG = 2;

const deliveries = new Counter("deliveries");
const lost = new Counter("lost");
const duplicated = new Counter("duplicated");
const reordered = new Counter("reordered");
const unwelcome = new Counter("unwelcome");
const latency = new Trend("publish_to_receive", true);

export const options = {
  scenarios: {
    fanout: { executor: "per-vu-iterations", vus: CLIENTS, iterations: 1, maxDuration: `${SECONDS + 60}s` },
  },
  thresholds: {
    lost: ["count==0"],
    duplicated: ["count==0"],
    reordered: ["count==0"],
    unwelcome: ["count==0"],
    deliveries: [`count==${TOTAL * CLIENTS}`],
  },
};

export default function () {
  const id = `k6-${__VU}`;
  const token = __ENV.TOKEN ? `&token=${encodeURIComponent(__ENV.TOKEN)}` : "";
  const socket = new WebSocket(`${URL}?client_id=${id}${token}`, "gohub.v1.json");
  const seen = new Set();
  let highest = -1;
  let welcomed = false;

  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    switch (message.message_id) {
      case WELCOME:
        welcomed = true;
        break;
      case PING:
        socket.send(JSON.stringify({ message_id: PONG, ref: message.ref }));
        break;
      case BROADCAST: {
        const { sequence, sent } = message.data;
        if (sequence === undefined) return; // somebody else's
        if (seen.has(sequence)) {
          duplicated.add(1);
          return;
        }
        if (sequence < highest) reordered.add(1);
        seen.add(sequence);
        highest = Math.max(highest, sequence);
        deliveries.add(1);
        latency.add(Date.now() - sent);
        break;
      }
    }
  };

  socket.onopen = () => {
    if (__VU === 1) setTimeout(() => publish(socket), SETTLE_MS);
    setTimeout(() => {
      if (!welcomed) unwelcome.add(1);
      lost.add(TOTAL - seen.size);
      socket.close();
    }, SECONDS * 1000 + 2 * SETTLE_MS);
  };

  socket.onerror = (error) => {
    unwelcome.add(1);
    console.error(`${id}: ${error.error}`);
  };
}

function publish(socket) {
  const padding = "x".repeat(Math.max(0, PAYLOAD - 48));
  let sequence = 0;
  const timer = setInterval(() => {
    const data = { sequence: sequence++, sent: Date.now(), padding };
    socket.send(JSON.stringify({ message_id: BROADCAST, data }));
    if (sequence === TOTAL) clearInterval(timer);
  }, 1000 / RATE);
}
