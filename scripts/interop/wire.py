"""The wire between a client and the hub: a TCP proxy that passes every byte, notes what it sees, and can cut it.

What a library does by itself (offering compression, answering pings) shows here and nowhere in its own program.
"""
import asyncio
import contextlib
import socket
import struct

CONTINUATION, CLOSE, PING, PONG = 0x0, 0x8, 0x9, 0xA


class Frames:
    """Reads WebSocket frames out of a stream, whatever the pieces it comes in."""

    def __init__(self):
        self.rest = b""

    def feed(self, data):
        """The whole frames so far, each as (first byte, payload)."""
        self.rest += data
        while len(self.rest) >= 2:
            masked, size, at = self.rest[1] & 0x80, self.rest[1] & 0x7F, 2
            if size >= 126:
                width = 2 if size == 126 else 8
                if len(self.rest) < 2 + width:
                    return
                size, at = int.from_bytes(self.rest[2:2 + width], "big"), 2 + width
            mask, at = (self.rest[at:at + 4], at + 4) if masked else (b"", at)
            if len(self.rest) < at + size:
                return
            first, payload = self.rest[0], self.rest[at:at + size]
            if masked:
                payload = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
            self.rest = self.rest[at + size:]
            yield first, payload


def header(head, name):
    """The value of a header in a request or answer; None when it is not there."""
    for line in head.decode("latin-1").split("\r\n")[1:]:
        key, _, value = line.partition(":")
        if key.strip().lower() == name.lower():
            return value.strip()
    return None


class Connection:
    """One connection, as it went over the wire."""

    def __init__(self):
        self.request = self.answer = b""
        self.pings, self.pongs, self.hub_close, self.client_close = [], [], None, None
        self.compressed, self.message, self.largest = False, 0, 0

    def heads(self, from_client, head):
        if from_client:
            self.request = head
        else:
            self.answer = head

    def note(self, from_client, first, payload):
        kind = first & 0xF
        self.compressed |= bool(first & 0x40)
        if from_client and kind < CLOSE:
            self.message = len(payload) + (self.message if kind == CONTINUATION else 0)
            self.largest = max(self.largest, self.message)
        if not from_client and kind == PING:
            self.pings.append(payload)
        if from_client and kind == PONG:
            self.pongs.append(payload)
        if kind == CLOSE:
            code = struct.unpack(">H", payload[:2])[0] if len(payload) >= 2 else None
            if from_client:
                self.client_close = code
            else:
                self.hub_close = code


class Wire:
    def __init__(self, hub_port):
        self.hub_port, self.connections, self.open = hub_port, [], asyncio.Event()
        self.writers = []
        self.open.set()

    async def __aenter__(self):
        self.server = await asyncio.start_server(self.carry, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self.server.close()
        self.break_all()

    async def first(self):
        """The first connection, once the hub has answered it."""
        while not (self.connections and self.connections[0].answer):
            await asyncio.sleep(0.02)
        return self.connections[0]

    def cut(self):
        """Breaks what is connected, without a word, and lets nobody in until `mend`."""
        self.open.clear()
        self.break_all()

    def break_all(self):
        for writer in self.writers:
            with contextlib.suppress(OSError):
                # No lingering: the peer gets a reset, as from a network that went away.
                sock = writer.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        self.writers.clear()

    def mend(self):
        self.open.set()

    async def carry(self, reader, writer):
        await self.open.wait()
        hub_reader, hub_writer = await asyncio.open_connection("127.0.0.1", self.hub_port)
        connection = Connection()
        self.connections.append(connection)
        self.writers += [writer, hub_writer]
        there = self.pass_on(connection, True, reader, hub_writer)
        back = self.pass_on(connection, False, hub_reader, writer)
        await asyncio.gather(there, back)
        writer.close()
        hub_writer.close()

    async def pass_on(self, connection, from_client, reader, writer):
        head, frames = b"", None
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if frames is None:
                    head, end, rest = (head + data).partition(b"\r\n\r\n")
                    if end:
                        frames = Frames()
                        connection.heads(from_client, head)
                else:
                    rest = data
                for first, payload in frames.feed(rest) if frames else ():
                    connection.note(from_client, first, payload)
                writer.write(data)
                await writer.drain()
            # Only this direction has ended.
            writer.write_eof()
