"""Real hubs and a real etcd for the tests, each a process of its own on free ports, and what waits for them."""
import atexit
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[3]
# Nothing here takes longer on a machine that has other work, too.
PATIENCE_S = 30
# A key of the admin API.
KEY = "a-key-for-the-sdk-tests"

_folder = pathlib.Path(tempfile.mkdtemp(prefix="gohub-sdk-c-"))
_running = set()
_logs = open(os.environ.get("SDK_TEST_LOG", _folder / "log"), "ab")


@atexit.register
def _clean():
    for child in list(_running):
        child.kill()
    shutil.rmtree(_folder, ignore_errors=True)


def until(what, condition, seconds=PATIENCE_S):
    """Waits until `condition` gives something, and gives that; fails with `what` when it does not in time."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"in vain: {what}")
        time.sleep(0.01)


def free_ports(count):
    """Ports nobody listens on, all different."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _start(*command):
    # A hub takes every GOHUB_ variable for a setting.
    env = {name: value for name, value in os.environ.items() if not name.startswith("GOHUB_")}
    child = subprocess.Popen([str(word) for word in command], env=env, stdin=subprocess.DEVNULL, stdout=_logs, stderr=_logs)
    _running.add(child)
    return child


def _answers(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return response.status == 200
    except (OSError, urllib.error.URLError):
        return False


class Hub:
    """A hub."""

    count = 0

    def __init__(self, **settings):
        self.port, self.admin = free_ports(2)
        Hub.count += 1
        self.file = _folder / f"hub-{Hub.count}.yaml"
        self.settings = settings
        self.url = f"ws://127.0.0.1:{self.port}/ws"
        self.restart()

    def restart(self):
        """Starts the process, again after a kill."""
        self._configure()
        program = os.environ.get("HUB_PROGRAM", ROOT / "target/debug/gohub")
        self.child = _start(program, "--config", self.file)

        def ready():
            assert self.child.poll() is None, "the hub ended"
            return _answers(f"http://127.0.0.1:{self.admin}/readyz")

        until("the hub is ready", ready)

    def _configure(self):
        own = {
            "server": {"addr": f"127.0.0.1:{self.port}", "shards": 1},
            "admin": {"addr": f"127.0.0.1:{self.admin}", "api_keys": [KEY]},
            "drain": {"settle": "0s", "deadline": "10s", "reconnect_spread": "500ms"},
            "reload": {"interval": "100ms"},
        }
        merged = {**own, **self.settings}
        for section, values in own.items():
            merged[section] = {**values, **self.settings.get(section, {})}
        # JSON is YAML.
        self.file.write_text(json.dumps(merged))

    def call(self, method, path, body=None):
        """A call of the admin API."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.admin}/api/v1/{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as response:
            text = response.read()
        return json.loads(text) if text else None

    def gone(self):
        """Whether its process has ended."""
        return self.child.poll() is not None

    def signal(self, number):
        """Sends the process a signal; SIGKILL waits for its end."""
        self.child.send_signal(number)
        if number == signal.SIGKILL:
            self.child.wait()
            _running.discard(self.child)

    def stop(self):
        """Ends it at once."""
        if not self.gone():
            self.signal(signal.SIGKILL)


class Etcd:
    """An etcd of one member."""

    def __init__(self):
        client, peer = free_ports(2)
        program = subprocess.check_output([ROOT / "scripts/etcd.sh"], text=True).strip()
        self.url = f"http://127.0.0.1:{client}"
        peers = f"http://127.0.0.1:{peer}"
        data = tempfile.mkdtemp(prefix="etcd-", dir=_folder)
        self.child = _start(
            program, "--name", "one", "--data-dir", data, "--log-level", "error", "--unsafe-no-fsync",
            "--listen-client-urls", self.url, "--advertise-client-urls", self.url,
            "--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers, "--initial-cluster", f"one={peers}",
        )  # fmt: skip
        until("etcd is healthy", lambda: _answers(f"{self.url}/health"))

    def hubs(self, count, **settings):
        """Hubs over this etcd that know each other."""
        hubs = []
        for index, port in enumerate(free_ports(count)):
            cluster = {
                "enabled": True,
                "node": f"hub-{index}",
                "grpc_addr": f"127.0.0.1:{port}",
                "advertise": f"127.0.0.1:{port}",
                "etcd": {"endpoints": [self.url], "lease_ttl": "2s"},
            }
            hubs.append(Hub(cluster=cluster, **settings))
        for hub in hubs:
            until("the hubs know each other", lambda: len(hub.call("GET", "nodes")["items"]) == count)
        return hubs

    def signal(self, number):
        """Sends the process a signal."""
        self.child.send_signal(number)

    def stop(self):
        """Ends it at once."""
        self.child.kill()
        self.child.wait()
        _running.discard(self.child)
