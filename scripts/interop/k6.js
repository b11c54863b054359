// k6: k6 run -e URL=... -e NAME=... k6.js. README.md beside this file says what every client does.
import { WebSocket } from "k6/websockets";

const { URL, NAME } = __ENV;
const ROOM = "interop";

let greeted = false;
let epoch, position;

export const options = { vus: 1, iterations: 1 };

const say = (...words) => console.log(words.join(" "));
const message = (ref, data) => JSON.stringify({ message_id: 22, room: ROOM, ref, data });

export default function connect() {
  const resume = position ? `&resume=${epoch}:${position}` : "";
  const url = `${URL}?client_id=${NAME}&rooms=${ROOM}${resume}`;
  const ws = new WebSocket(url, "gohub.v1.json", { compression: "deflate" });
  ws.onopen = () => say("open", ws.protocol);
  ws.onmessage = ({ data }) => {
    const received = JSON.parse(data);
    switch (received.message_id) {
      case 3:
        epoch = received.epoch;
        position = received.offset;
        say("welcome", received.client_id, ...received.rooms, received.recovered);
        if (!greeted) {
          greeted = true;
          ws.send(message("greeting", `Grüße von ${NAME}, 你好 🚀`));
          ws.send(message("largest", "x".repeat(received.max_message - message("largest", "").length)));
        }
        break;
      case 4:
        say("ack", received.ref);
        break;
      case 22:
        position = received.offset;
        if (received.from === NAME) break;
        say("heard", received.data);
        if (received.data === "goodbye") ws.close(1000);
    }
  };
  ws.onclose = ({ code, reason }) => {
    say("closed", code, reason);
    if (code === 4500) return;
    if (code === 1000) position = undefined;
    setTimeout(connect, 200);
  };
}
