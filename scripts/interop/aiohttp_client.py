#!/usr/bin/env python3
"""Python's `aiohttp`: aiohttp_client.py URL NAME. README.md beside this file says what every client does."""
import asyncio
import json
import sys

import aiohttp

URL, NAME = sys.argv[1:]
ROOM = "interop"
GREETING = f"Grüße von {NAME}, 你好 🚀"


def say(*words):
    print(*words, flush=True)


def message(ref, text):
    return json.dumps({"message_id": 22, "room": ROOM, "ref": ref, "data": text}, ensure_ascii=False)


class Client:
    def __init__(self):
        self.greeted, self.epoch, self.position = False, None, None

    async def take(self, socket, received):
        if received["message_id"] in (3, 22):
            self.position = received["offset"]
        if received["message_id"] == 3:
            self.epoch = received["epoch"]
            say("welcome", received["client_id"], *received["rooms"], json.dumps(received["recovered"]))
            if not self.greeted:
                self.greeted = True
                await socket.send_str(message("greeting", GREETING))
                await socket.send_str(message("largest", "x" * (received["max_message"] - len(message("largest", "")))))
        elif received["message_id"] == 4:
            say("ack", received["ref"])
        elif received["message_id"] == 22 and received["from"] != NAME:
            say("heard", received["data"])
            if received["data"] == "goodbye":
                await socket.close()

    async def listen(self, socket):
        """Until the connection is closed; returns code and reason."""
        while True:
            frame = await socket.receive()
            if frame.type is aiohttp.WSMsgType.TEXT:
                await self.take(socket, frame.json())
            elif frame.type is aiohttp.WSMsgType.CLOSE:
                return frame.data, frame.extra
            else:
                return socket.close_code, ""


async def main():
    client = Client()
    async with aiohttp.ClientSession() as session:
        while True:
            query = {"client_id": NAME, "rooms": ROOM}
            if client.position:
                query["resume"] = f"{client.epoch}:{client.position}"
            async with session.ws_connect(URL, params=query, protocols=["gohub.v1.json"], compress=15) as socket:
                say("open", socket.protocol)
                code, reason = await client.listen(socket)
            say("closed", code, reason)
            if code == 4500:
                return
            if code == 1000:
                client.position = None
            await asyncio.sleep(0.2)


asyncio.run(main())
