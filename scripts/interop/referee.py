#!/usr/bin/env python3
"""Lets every client of CLIENTS talk to a real hub and judges what came of it: referee.py HUB TOOLS [CLIENT ...]

HUB is the program, TOOLS the folder that install.sh filled. What a client said is read from its lines (README.md beside
this file), what its library did from the wire, what arrived from the peer in the same room. One line for each client and
check; the last is 'N passed, N failed'.
"""
import asyncio
import contextlib
import os
import secrets
import socket
import sys
import urllib.request
from pathlib import Path

from peer import Peer
from wire import Wire, header

HERE = Path(__file__).resolve().parent
ROOM = "interop"
WAIT_S = 20
PINGS = 4
MAX_MESSAGE = 64 * 1024
ANSWER = "Schöne Grüße zurück, 再见 👩‍🚀"
MISSED = ["missed: eins", "missed: zwei", "missed: drei 🚧"]


def clients(tools):
    """Every client: the command that runs it (URL and name are added), and what it cannot do, by check."""
    java = ["java", "-XX:TieredStopAtLevel=1", "-cp", f"{tools}/java/classes:{tools}/java/lib/*"]
    websocat = {
        "open": "seen on the wire: it does not tell which one was answered",
        "compression": "it has no permessage-deflate; its --compress-* options compress the data itself",
    }
    return {
        "chromium": ([sys.executable, HERE / "chromium.py"], {}),
        "websockets": ([sys.executable, HERE / "websockets_client.py"], {}),
        "aiohttp": ([sys.executable, HERE / "aiohttp_client.py"], {}),
        "okhttp": ([*java, "OkHttpInterop"], {}),
        "java-websocket": ([*java, "JavaWebSocketInterop"], {}),
        "libwebsockets": ([f"{tools}/libwebsockets"], {}),
        "k6": ([HERE / "k6.sh", f"{tools}/bin/k6"], {}),
        "websocat": ([HERE / "websocat.sh", f"{tools}/venv/bin/websocat"], websocat),
    }


class Failed(Exception):
    """A check's expectation that was not met, in words."""


def expect(seen, wanted, what):
    if seen != wanted:
        raise Failed(f"{what} is {str(seen)[:200]!r}, not {str(wanted)[:200]!r}")


async def soon(what, awaitable):
    try:
        return await asyncio.wait_for(awaitable, WAIT_S)
    except asyncio.TimeoutError:
        raise Failed(f"no {what} within {WAIT_S} s") from None


async def until(what, condition):
    async def look():
        while not condition():
            await asyncio.sleep(0.02)
    await soon(what, look())


class Match:
    """One client's turn: its program, the wire it is on, the peer, and the checks in the order in which they happen."""

    def __init__(self, name, hub, wire, peer, process, cannot):
        self.name, self.hub, self.wire, self.peer, self.process, self.cannot = name, hub, wire, peer, process, cannot

    async def line(self):
        raw = await soon("line of the client", self.process.stdout.readline())
        if not raw:
            raise Failed("the client's program ended")
        return raw.decode().rstrip("\n")

    async def says(self, *lines):
        for wanted in lines:
            expect(await self.line(), wanted, "the client's line")

    async def subprotocol(self):
        """the offered subprotocol is answered, and the client knows"""
        if "open" not in self.cannot:
            await self.says("open gohub.v1.json")
        first = await soon("connection", self.wire.first())
        expect(header(first.request, "Sec-WebSocket-Protocol"), "gohub.v1.json", "the offer")
        expect(header(first.answer, "Sec-WebSocket-Protocol"), "gohub.v1.json", "the answer")
        return self.cannot.get("open")

    async def welcome(self):
        """client_id and rooms of the query come back in the welcome"""
        await self.says(f"welcome {self.name} {ROOM} false")

    async def compression(self):
        """its offer of permessage-deflate is declined without harm"""
        first = self.wire.connections[0]
        offer = header(first.request, "Sec-WebSocket-Extensions")
        if not (offer or "").startswith("permessage-deflate"):
            raise Failed(f"it offered {offer}")
        expect(header(first.answer, "Sec-WebSocket-Extensions"), None, "the answer")
        return offer

    async def publish(self):
        """a text with umlauts and emoji gets its ack and arrives as it was"""
        await self.says("ack greeting")
        text = await soon("greeting at the peer", self.peer.heard.get())
        expect(text, f"Grüße von {self.name}, 你好 🚀", "what the peer heard")

    async def largest(self):
        """a message of exactly max_message bytes gets its ack and arrives"""
        await self.says("ack largest")
        text = await soon("largest message at the peer", self.peer.heard.get())
        expect(text.strip("x"), "", "what is not x")
        expect(self.wire.connections[0].largest, MAX_MESSAGE, "the largest message on the wire")

    async def receive(self):
        """what another client publishes in the room is heard as it was said"""
        await self.peer.says(ANSWER)
        await self.says(f"heard {ANSWER}")

    async def heartbeat(self):
        """every ping of the hub is answered, and the connection lives"""
        connection = self.wire.connections[-1]
        already = len(connection.pongs)
        await until("pongs", lambda: len(connection.pongs) >= already + PINGS)
        expect(connection.pongs, connection.pings[:len(connection.pongs)], "the pongs")
        await self.peer.says("still there?")
        await self.says("heard still there?")
        expect(len(self.wire.connections), 1, "the number of connections")

    async def resume(self):
        """after a broken connection it resumes: everything, once, in order"""
        self.wire.cut()
        for text in MISSED:
            await self.peer.says(text)
        self.wire.mend()
        heard, recovered = [], False
        await self.peer.says("all there?")
        while not heard or heard[-1] != "all there?":
            line = await self.line()
            recovered |= line == f"welcome {self.name} {ROOM} true"
            if line.startswith("heard "):
                heard.append(line.removeprefix("heard "))
        expect(recovered, True, "a welcome with recovered")
        expect(heard, [*MISSED, "all there?"], "what was heard")

    async def close(self):
        """it closes with 1000, and the hub answers so"""
        closing = self.wire.connections[-1]
        await self.peer.says("goodbye")
        await self.says("heard goodbye")
        expect((await self.line())[:11], "closed 1000", "the client's line")
        with contextlib.suppress(Failed):
            await until("close frames", lambda: closing.client_close and closing.hub_close)
        expect((closing.client_close, closing.hub_close), (1000, 1000), "the close codes of client and hub")

    async def kick(self):
        """kicked through the admin API, it sees code and reason and stops"""
        await self.says(*([] if "open" in self.cannot else ["open gohub.v1.json"]), f"welcome {self.name} {ROOM} false")
        await asyncio.to_thread(self.hub.kick, self.name)
        expect((await self.line())[:18], "closed 4500 kicked", "the client's line")
        await soon("end of the client's program", self.process.wait())
        expect(self.process.returncode, 0, "the client's exit code")
        expect(any(one.compressed for one in self.wire.connections), False, "a compressed frame on the wire")

    async def play(self):
        """Every check, as (name, what it shows, outcome, remark). What comes after a failed one was not reached."""
        over = None
        for check in (self.subprotocol, self.welcome, self.compression, self.publish, self.largest, self.receive,
                      self.heartbeat, self.resume, self.close, self.kick):
            name = check.__name__
            if name in self.cannot:
                yield name, check.__doc__, "cannot", self.cannot[name]
            elif over:
                yield name, check.__doc__, "FAILED", f"not reached: {over} failed"
            else:
                try:
                    yield name, check.__doc__, "ok", await check() or ""
                except Failed as failure:
                    over = name
                    yield name, check.__doc__, "FAILED", str(failure)


class Hub:
    """A hub with a heartbeat that shows in a test."""

    def __init__(self, program):
        self.program, self.key = program, secrets.token_hex(16)
        held = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
        self.port, self.admin = (one.getsockname()[1] for one in held)
        for one in held:
            one.close()

    async def __aenter__(self):
        settings = {
            "GOHUB_SERVER__ADDR": f"127.0.0.1:{self.port}", "GOHUB_ADMIN__ADDR": f"127.0.0.1:{self.admin}",
            "GOHUB_ADMIN__API_KEYS": self.key, "GOHUB_LOG__LEVEL": "warn",
            "GOHUB_HEARTBEAT__INTERVAL": "500ms", "GOHUB_HEARTBEAT__TIMEOUT": "3s",
        }
        self.process = await asyncio.create_subprocess_exec(self.program, env={**os.environ, **settings})
        await until("hub", self.is_ready)
        return self

    async def __aexit__(self, *_):
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
        await self.process.wait()

    def is_ready(self):
        if self.process.returncode is not None:
            raise SystemExit("the hub did not start")
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{self.admin}/readyz", timeout=1):
            return True
        return False

    def kick(self, client):
        request = urllib.request.Request(f"http://127.0.0.1:{self.admin}/api/v1/clients/{client}", method="DELETE",
                                         headers={"Authorization": f"Bearer {self.key}"})
        with urllib.request.urlopen(request, timeout=WAIT_S):
            pass


async def turn(hub, name, command, cannot):
    """The outcomes of one client's checks, printed as they come."""
    outcomes = []
    async with Wire(hub.port) as wire, Peer(hub.port, f"peer-of-{name}", ROOM) as peer:
        process = await asyncio.create_subprocess_exec(*map(str, command), f"ws://127.0.0.1:{wire.port}/ws", name,
                                                       stdout=asyncio.subprocess.PIPE, start_new_session=True)
        try:
            async for check, shows, outcome, remark in Match(name, hub, wire, peer, process, cannot).play():
                print(f"{name:15} {check:12} {outcome:7} {shows}{f' ({remark})' if remark else ''}", flush=True)
                outcomes.append(outcome)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, 9)
            await process.wait()
    return outcomes


async def main():
    program, tools, *wanted = sys.argv[1:]
    known = clients(tools)
    outcomes = []
    async with Hub(program) as hub:
        for name in wanted or known:
            outcomes += await turn(hub, name, *known[name])
    failed = outcomes.count("FAILED")
    print(f"{outcomes.count('ok')} passed, {failed} failed")
    sys.exit(1 if failed or not outcomes else 0)


asyncio.run(main())
