"""The reference peer: the other one in the room, with Python's `websockets` and, unlike the clients, in the CBOR form.

So whatever a client says or hears has been through both forms.
"""
import asyncio
import json

import cbor2
from websockets.asyncio.client import connect

MESSAGE_ID, ROOM, DATA, REF, FROM, OFFSET, ROOMS = 0, 2, 4, 5, 8, 9, 30
EMBEDDED_JSON = 262
WELCOME, ACK, ROOM_MESSAGE = 3, 4, 22


class Peer:
    def __init__(self, port, name, room):
        self.url = f"ws://127.0.0.1:{port}/ws?client_id={name}&rooms={room}"
        self.name, self.room, self.heard, self.acks, self.sent = name, room, asyncio.Queue(), asyncio.Queue(), 0

    async def __aenter__(self):
        self.socket = await connect(self.url, subprotocols=["gohub.v1.cbor"])
        welcome = cbor2.loads(await self.socket.recv())
        assert welcome[MESSAGE_ID] == WELCOME and welcome[ROOMS] == [self.room], welcome
        self.listening = asyncio.create_task(self.listen())
        return self

    async def __aexit__(self, *_):
        self.listening.cancel()
        await self.socket.close()

    async def listen(self):
        async for frame in self.socket:
            message = cbor2.loads(frame)
            if message[MESSAGE_ID] == ACK:
                self.acks.put_nowait(message[REF])
            elif message[MESSAGE_ID] == ROOM_MESSAGE and message[FROM] != self.name:
                self.heard.put_nowait(json.loads(message[DATA].value))

    async def says(self, text):
        """Publishes in the room; returns when the hub has acked it."""
        self.sent += 1
        data = cbor2.CBORTag(EMBEDDED_JSON, json.dumps(text, ensure_ascii=False).encode())
        message = {MESSAGE_ID: ROOM_MESSAGE, ROOM: self.room, DATA: data, REF: str(self.sent)}
        await self.socket.send(cbor2.dumps(message))
        answered = await self.acks.get()
        assert answered == str(self.sent), answered
