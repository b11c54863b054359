"""A small town to watch: an etcd, three hubs (one with TLS), a Prometheus that scrapes them all, and people who misbehave."""
import contextlib
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import yaml
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

ROOT = Path(__file__).resolve().parents[2]
KEY = "a-key-for-the-town-of-tests"
# Long enough for a start on a busy machine; nothing is slept for.
PATIENCE_S = 60
NAMESPACE, SERVICE = "demo", "chat"


def free_ports(count):
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def eventually(what, look, patience=PATIENCE_S):
    """The first answer of `look` that is not false; it is asked until then."""
    deadline = time.monotonic() + patience
    while True:
        try:
            found = look()
        except (OSError, urllib.error.URLError) as error:
            found, why = None, error
        else:
            why = found
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {patience} s, last seen: {why}")
        time.sleep(0.2)


def answer(url, method="GET", body=None):
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, method=method, data=body, headers=headers)
    with urllib.request.urlopen(request, timeout=10) as response:
        return response.read().decode()


class Town:
    """Everything that runs; `with Town(folder) as town`."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.stack = contextlib.ExitStack()
        self.processes = {}
        self.release = Path(os.environ["RELEASE_DIR"])

    def __enter__(self):
        try:
            self.begin()
        except BaseException:
            self.stack.close()
            raise
        return self

    def __exit__(self, *_):
        self.stack.close()

    def start(self, name, command, **environment):
        log = self.stack.enter_context(open(self.folder / f"{name}.log", "wb"))
        clean = {key: value for key, value in os.environ.items() if not key.startswith("GOHUB_")}
        process = subprocess.Popen(command, env={**clean, **environment}, stdout=log, stderr=log)
        self.processes[name] = process
        self.stack.callback(self.end, name)
        return process

    def end(self, name, how=signal.SIGKILL):
        process = self.processes[name]
        if process.poll() is None:
            process.send_signal(how)
        process.wait(PATIENCE_S)

    def begin(self):
        ports = free_ports(12)
        self.etcd, peer = (f"127.0.0.1:{port}" for port in ports[:2])
        # In memory where there is some: the disk of a busy machine is not what is looked at.
        data = self.stack.enter_context(tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else self.folder))
        self.start("etcd", [
            os.environ["ETCD"], "--data-dir", data, "--log-level", "error",
            "--listen-client-urls", f"http://{self.etcd}", "--advertise-client-urls", f"http://{self.etcd}",
            "--listen-peer-urls", f"http://{peer}", "--initial-advertise-peer-urls", f"http://{peer}",
            "--initial-cluster", f"default=http://{peer}"])
        self.certify()
        self.config = self.folder / "config.yaml"
        self.config.write_text("heartbeat: {interval: 25s}\n")
        self.hubs = {}
        for number, name in enumerate(("one", "two", "tls")):
            public, admin, grpc = (f"127.0.0.1:{port}" for port in ports[2 + 3 * number:5 + 3 * number])
            self.hubs[name] = (public, admin)
            tls = {"GOHUB_SERVER__TLS__CERT": str(self.folder / "tls.crt"), "GOHUB_SERVER__TLS__KEY": str(self.folder / "tls.key")}
            self.start(f"hub-{name}", [self.release / "gohub", "--config", str(self.config)], **{
                "GOHUB_SERVER__ADDR": public, "GOHUB_ADMIN__ADDR": admin, "GOHUB_ADMIN__API_KEYS": KEY,
                "GOHUB_CLUSTER__ENABLED": "true", "GOHUB_CLUSTER__NODE": name, "GOHUB_CLUSTER__GRPC_ADDR": grpc,
                "GOHUB_CLUSTER__ADVERTISE": grpc, "GOHUB_CLUSTER__ETCD__ENDPOINTS": f"http://{self.etcd}",
                "GOHUB_CLUSTER__ETCD__COMPACT": "true", "GOHUB_LIMITS__MESSAGE_RATE": "0", **(tls if name == "tls" else {})})
        for name, (_, admin) in self.hubs.items():
            eventually(f"hub {name} is ready", lambda admin=admin: answer(f"http://{admin}/readyz"))
        self.watch(ports[11])

    def certify(self):
        subprocess.run([
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", str(self.folder / "tls.key"), "-out", str(self.folder / "tls.crt")],
            check=True, capture_output=True)

    def watch(self, port):
        """Prometheus with our rules, which here do not wait: `for` is what promtool has tried."""
        rules = yaml.safe_load((ROOT / "config/prometheus/gohub.rules.yaml").read_text())
        for group in rules["groups"]:
            for rule in group["rules"]:
                rule["for"] = "0s"
        (self.folder / "rules.yaml").write_text(yaml.safe_dump(rules))
        # The labels that the operator's ServiceMonitor gives, for the dashboard's choices.
        labels = {"namespace": NAMESPACE, "service": SERVICE}
        targets = [{"targets": [admin], "labels": labels | {"pod": f"hub-{name}"}} for name, (_, admin) in self.hubs.items()]
        (self.folder / "prometheus.yml").write_text(yaml.safe_dump({
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": ["rules.yaml"],
            "scrape_configs": [{"job_name": "gohub", "static_configs": targets},
                               {"job_name": "gohub-etcd", "static_configs": [{"targets": [self.etcd]}]}]}))
        self.prometheus = f"http://127.0.0.1:{port}"
        program = os.environ["PROMETHEUS"]
        # The distribution's Prometheus has its pages outside the program.
        assets = [f"--web.local-assets={pages}"] if (pages := os.environ.get("PROMETHEUS_PAGES")) else []
        self.start("prometheus", [
            program, f"--config.file={self.folder / 'prometheus.yml'}", f"--storage.tsdb.path={self.folder / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn", *assets])
        eventually("Prometheus is ready", lambda: answer(f"{self.prometheus}/-/ready"))
        eventually("everything is scraped", lambda: self.ask("sum(up)") == [4.0])

    def ask(self, query):
        """The values of a query, now."""
        url = f"{self.prometheus}/api/v1/query?" + urllib.parse.urlencode({"query": query})
        result = json.loads(answer(url))["data"]["result"]
        return [float(sample["value"][1]) for sample in result]

    def firing(self):
        alerts = json.loads(answer(f"{self.prometheus}/api/v1/alerts"))["data"]["alerts"]
        return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}

    def load(self, seconds):
        """The load generator over two of the hubs; returns the process, whose output is its JSON."""
        urls = ",".join(f"ws://{self.hubs[name][0]}/ws" for name in ("one", "two"))
        process = subprocess.Popen(
            [self.release / "gohub-bench", "cluster", "--url", urls, "-n", "200", "--publishers", "4", "--rate", "200",
             "--seconds", str(seconds), "--lazy-us", "500"], stdout=subprocess.PIPE, text=True)
        self.processes["bench"] = process
        self.stack.callback(self.end, "bench")
        return process

    def refused_publication(self):
        """The error that somebody gets who publishes while etcd is away."""
        with connect(f"ws://{self.hubs['one'][0]}/ws?client_id=late") as late:
            late.send(json.dumps({"message_id": 20, "data": 1, "ref": "1"}))
            while (message := json.loads(late.recv(timeout=30))).get("ref") != "1":
                pass
            return message["code"]

    def misbehave(self):
        """What gives the panels of refusals, errors, closes and gaps something to show."""
        public, _ = self.hubs["one"]
        with socket.create_connection(public.split(":")) as plain:
            plain.sendall(b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n")
            plain.recv(1000)
        with contextlib.suppress(OSError), socket.create_connection(self.hubs["tls"][0].split(":")) as plain:
            plain.sendall(b"GET /ws HTTP/1.1\r\nHost: x\r\n\r\n")
            plain.recv(1000)
        with connect(f"ws://{public}/ws?client_id=odd&resume=0000000000000000:1-0") as odd:
            # A room that cannot be, and a publication to a client that is not there.
            odd.send(json.dumps({"message_id": 10, "room": "", "ref": "1"}))
            odd.send(json.dumps({"message_id": 21, "to": "nobody", "data": 1, "ref": "2"}))
            odd.send("no message")
            refused = set()
            while len(refused) < 3:
                message = json.loads(odd.recv(timeout=10))
                if message["message_id"] == 5:
                    refused.add(message["code"])
            for message_id, room in ((12, "lobby"), (13, "lobby")):
                odd.send(json.dumps({"message_id": message_id, "room": room, "limit": 1, "ref": "3"}))
            answer(f"http://{self.hubs['one'][1]}/api/v1/clients/odd", "DELETE")
            with contextlib.suppress(WebSocketException):
                while True:
                    odd.recv(timeout=10)
