"""Somebody who uses the C client as an application does, as a process of its own, and remembers everything it was told."""
import atexit
import itertools
import json
import os
import pathlib
import selectors
import subprocess
import threading
import time

from hub import PATIENCE_S, until

BUILD = pathlib.Path(os.environ.get("SDK_C_BUILD", pathlib.Path(__file__).resolve().parents[1] / "build"))
# The columns of a command in tests/person.c behind its tag and its name.
_COLUMNS = 7

_people = set()
_selector = selectors.DefaultSelector()
_lock = threading.Lock()


def _listen():
    while True:
        for key, _ in _selector.select(0.05):
            key.data._read()


threading.Thread(target=_listen, daemon=True).start()


@atexit.register
def _clean():
    for person in list(_people):
        person.child.kill()


def offset(text):
    """An offset as something that compares."""
    return tuple(int(part) for part in text.split("-"))


class Failed(Exception):
    """A request failed."""

    def __init__(self, answer):
        super().__init__(answer["code"])
        self.code = answer["code"]
        self.uncertain = answer.get("uncertain")


class Person:
    """A client and its record."""

    def __init__(self, url, client_id="", form="json", token="", ask=False, connect_ms=0, request_ms=0):
        urls = [url] if isinstance(url, str) else url
        words = [form, client_id, token, "ask" if ask else "", str(connect_ms), str(request_ms), *urls]
        self.client_id = client_id
        self.told = []
        self.answers = {}
        self._tags = itertools.count(1)
        self._rest = b""
        self._send = threading.Lock()
        # A sanitizer's report goes to stderr, which the tests' output shows, and ends the process with a failure.
        self.child = subprocess.Popen([BUILD / "person", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        os.set_blocking(self.child.stdout.fileno(), False)
        _people.add(self)
        with _lock:
            _selector.register(self.child.stdout, selectors.EVENT_READ, self)

    @classmethod
    def in_rooms(cls, rooms, *args, **options):
        """One who is connected and in these rooms."""
        person = cls(*args, **options)
        person.tell("connect")
        person.tells("welcome")
        for room in rooms:
            person.ask("join", room)
        return person

    def _read(self):
        try:
            chunk = self.child.stdout.read(1 << 16)
        except ValueError:
            return
        if chunk is None:
            return
        if not chunk:
            _selector.unregister(self.child.stdout)
            return
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            told = json.loads(line)
            if told["event"] == "done":
                self.answers[told["tag"]] = told
            else:
                self.told.append(told)

    def tell(self, command, *words):
        """A command; gives back its tag."""
        tag = str(next(self._tags))
        columns = [str(word) for word in words] + [""] * (_COLUMNS - len(words))
        line = "\t".join([tag, command, *columns]) + "\n"
        with self._send:
            self.child.stdin.write(line.encode())
        return tag

    def answer(self, tag, seconds=PATIENCE_S):
        """What a request came to; raises when it failed."""
        told = until(f"an answer to {tag} of {self.client_id}", lambda: self.alive() and self.answers.get(tag), seconds)
        if not told["ok"]:
            raise Failed(told)
        return told

    def alive(self):
        """True, or an error when the process ended by itself: a sanitizer found something."""
        assert self.child.poll() is None, f"{self.client_id} ended with {self.child.poll()}"
        return True

    def ask(self, command, *words):
        """A request and its answer."""
        return self.answer(self.tell(command, *words))

    def publish(self, room, data, type="", key=""):
        """Says something in a room and waits for the ack."""
        return self.ask("publish", room, json.dumps(data), "", "", type, key)

    def events(self, name):
        """What was told under this name, in order."""
        return [each for each in list(self.told) if each["event"] == name]

    def tells(self, name, n=1, seconds=PATIENCE_S):
        """Waits for the n-th event of this name."""
        until(f"event {n} {name} of {self.client_id}", lambda: self.alive() and len(self.events(name)) >= n, seconds)
        return self.events(name)[n - 1]

    @property
    def state(self):
        """Where the connection stands."""
        states = self.events("state")
        return states[-1]["state"] if states else "idle"

    def is_(self, state):
        """Waits until the connection stands so."""
        until(f"{self.client_id} is {state}", lambda: self.alive() and self.state == state)

    @property
    def heard(self):
        """What was said, in order."""
        return [json.loads(each["data_text"]) if "data_text" in each else bytes.fromhex(each["data_hex"]) for each in self.events("message")]

    def hears(self, data, seconds=PATIENCE_S):
        """Waits until it heard this."""
        until(f"{self.client_id} hears {data!r:.40}", lambda: self.alive() and data in self.heard, seconds)

    def inside(self, room):
        """Whether its connection is in the room."""
        before = len(self.events("inside"))
        self.tell("inside", room)
        return self.tells("inside", before + 1)["yes"]

    @property
    def in_order(self):
        """Whether every offset stands behind the one before: order, and nothing twice."""
        offsets = [offset(each["offset"]) for each in self.events("message")]
        return all(one < other for one, other in zip(offsets, offsets[1:]))

    def leave(self):
        """Goes, in order; fails when the process did not end well."""
        self.tell("close")
        self.tells("closed")
        self.child.stdin.close()
        assert self.child.wait(PATIENCE_S) == 0
        _people.discard(self)


class Talk:
    """Says numbers in a room until it is told to stop, and counts those that were acked."""

    def __init__(self, person, room):
        self.person, self.room, self.count = person, room, 0
        self.error = None
        self._talking = True
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        try:
            while self._talking:
                self.person.publish(self.room, self.count)
                self.count += 1
        except (AssertionError, Failed) as error:
            self.error = error

    def stop(self):
        """How many were acked."""
        self._talking = False
        self._thread.join()
        if self.error:
            raise self.error
        return self.count


def passed(seconds):
    """A condition: so much time went by."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end
