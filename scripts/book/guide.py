"""A reader who does what a page says, in a checkout of his own and with a network of his own."""
import json
import os
import queue
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# A hub that has to be compiled first may take its time; everything else answers soon.
SERVE_S = 1800
RUN_S = 300
ANSWER_S = 20


class Disappointed(Exception):
    """The page promised something else."""


def checkout(folder):
    """A copy of the work tree as git sees it; what `make` has built is where it builds it."""
    listed = subprocess.run(["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True)
    for name in filter(None, listed.stdout.decode().split("\0")):
        source, target = ROOT / name, folder / name
        if source.is_symlink() or source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)
    if release := os.environ.get("RELEASE_DIR"):
        (folder / "target/release").mkdir(parents=True)
        (folder / "target/release/gohub").symlink_to(Path(release) / "gohub")


def without_building(script):
    """With RELEASE_DIR the program is there: `make run` without what only builds it. The Makefile says what else it does."""
    if not os.environ.get("RELEASE_DIR"):
        return script
    recipe = re.search(r"^run:.*\n\t@.*\n\tcargo run --release -p gohub -- (--config \$\(CONFIG\))$", (ROOT / "Makefile").read_text(), re.M)
    config = re.search(r"^CONFIG \?= (.*)$", (ROOT / "Makefile").read_text(), re.M)
    command = "target/release/gohub " + recipe.group(1).replace("$(CONFIG)", config.group(1))
    return re.sub(r"\bmake run\b", command, script)


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(port))) == 0


class Program:
    """A block in a shell of its own, which is ended with all that it started."""

    def __init__(self, script, folder, **pipes):
        self.process = subprocess.Popen(["bash", "-euo", "pipefail", "-c", script], cwd=folder, text=True, start_new_session=True, **pipes)

    def end(self):
        for how in (signal.SIGINT, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, how)
            except ProcessLookupError:
                break
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                continue
        self.process.wait(60)


class Client(Program):
    """A WebSocket client on the command line."""

    def __init__(self, script, folder):
        super().__init__(script, folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.came = queue.Queue()
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        for line in self.process.stdout:
            self.came.put(json.loads(line))

    def types(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def hears(self, wanted):
        deadline, seen = time.monotonic() + ANSWER_S, []
        while True:
            try:
                message = self.came.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise Disappointed(f"no {wanted} within {ANSWER_S} s, but {seen}") from None
            if all(message.get(field) == value for field, value in wanted.items()):
                return
            seen.append(message)


class Reader:
    """Does the blocks of one page one after the other; `with Reader(folder) as reader`."""

    def __init__(self, folder):
        self.folder = folder
        self.servers, self.clients, self.printed = {}, {}, ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for program in [*self.clients.values(), *reversed(self.servers.values())]:
            program.end()

    def does(self, block):
        getattr(self, f"does_{block.mark}")(block)

    def does_run(self, block):
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", without_building(block.text)], cwd=self.folder, text=True, timeout=RUN_S,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        self.printed = done.stdout
        if (done.returncode != 0) != ("fails" in block.more):
            raise Disappointed(f"exit {done.returncode}: {done.stdout}")

    def does_serve(self, block):
        if block.value in self.servers:
            self.servers.pop(block.value).end()
        if listens(block.value):
            raise Disappointed(f"somebody else listens on {block.value}")
        log = self.folder / f"target/{block.value}.log"
        log.parent.mkdir(exist_ok=True)
        with open(log, "w") as output:
            program = Program(without_building(block.text), self.folder, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        self.servers[block.value] = program
        deadline = time.monotonic() + SERVE_S
        while not listens(block.value):
            if program.process.poll() is not None or time.monotonic() > deadline:
                raise Disappointed(f"nobody listens on {block.value}: {log.read_text()[-2000:]}")
            time.sleep(0.1)

    def does_client(self, block):
        if block.value in self.clients:
            self.clients.pop(block.value).end()
        client = self.clients[block.value] = Client(f"exec env {block.text.strip()}", self.folder)
        client.hears({"message_id": 3})

    def does_types(self, block):
        for line in block.text.splitlines():
            self.clients[block.value].types(line)

    def does_hears(self, block):
        for line in block.text.splitlines():
            self.clients[block.value].hears(json.loads(line))

    def does_output(self, block):
        pattern = ".*".join(re.escape(line.strip()).replace(re.escape("..."), ".*") for line in block.text.strip().splitlines())
        if not re.search(pattern, self.printed, re.S):
            raise Disappointed(f"printed was {self.printed!r}")

    def does_settings(self, block):
        path = self.folder / "target/settings.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(block.text)
        done = subprocess.run(["target/release/gohub", "check-config", path], cwd=self.folder, text=True, capture_output=True)
        if done.returncode != 0:
            raise Disappointed(done.stderr)

    def does_install(self, block):
        """Everything that pip is to install is there, from requirements.txt."""
        wanted = (ROOT / "scripts/book/requirements.txt").read_text()
        for package in re.findall(r"pip install (\S+)", block.text):
            if not re.search(rf"^{re.escape(package)}\b", wanted, re.M):
                raise Disappointed(f"{package} is not in requirements.txt")

    def does_kind(self, block):
        """Held against the tests by kubernetes.py."""

    does_compose = does_kind
