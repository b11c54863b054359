#!/usr/bin/env python3
"""Python's `websockets`: websockets_client.py URL NAME. README.md beside this file says what every client does."""
import asyncio
import json
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

URL, NAME = sys.argv[1:]
ROOM = "interop"
GREETING = f"Grüße von {NAME}, 你好 🚀"


def say(*words):
    print(*words, flush=True)


def message(ref, text):
    return json.dumps({"message_id": 22, "room": ROOM, "ref": ref, "data": text}, ensure_ascii=False)


async def main():
    greet, epoch, position = True, None, None
    while True:
        url = f"{URL}?client_id={NAME}&rooms={ROOM}"
        if position:
            url += f"&resume={epoch}:{position}"
        try:
            async with connect(url, subprotocols=["gohub.v1.json"]) as socket:
                say("open", socket.subprotocol)
                async for frame in socket:
                    received = json.loads(frame)
                    position = received.get("offset", position) if received["message_id"] in (3, 22) else position
                    if received["message_id"] == 3:
                        epoch = received["epoch"]
                        say("welcome", received["client_id"], *received["rooms"], json.dumps(received["recovered"]))
                        if greet:
                            largest = "x" * (received["max_message"] - len(message("largest", "")))
                            await socket.send(message("greeting", GREETING))
                            await socket.send(message("largest", largest))
                            greet = False
                    elif received["message_id"] == 4:
                        say("ack", received["ref"])
                    elif received["message_id"] == 22 and received["from"] != NAME:
                        say("heard", received["data"])
                        if received["data"] == "goodbye":
                            await socket.close()
            closed = socket.close_code, socket.close_reason
        except ConnectionClosed as gone:
            closed = (gone.rcvd.code, gone.rcvd.reason) if gone.rcvd else (1006, "")
        say("closed", *closed)
        if closed[0] == 4500:
            return
        if closed[0] == 1000:
            position = None
        await asyncio.sleep(0.2)


asyncio.run(main())
