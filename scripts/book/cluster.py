"""What the guides say about Kubernetes and Docker, held against what the definition, the chart, the images and the end-to-end tests have.

The commands need a cluster, and `make e2e` brings one up with the same tools; here each of their words is looked up.
"""
import json
import re
import shlex
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
# What e2e/ does with the same effect by kubectl or by the API itself: its tests name the objects, fields and conditions.
KUBECTL = {"apply", "wait", "scale", "patch", "get", "explain", "delete", "port-forward", "rollout", "drain", "uncordon", "logs"}
COMPOSE = {"up", "down", "logs", "ps"}


class Unknown(Exception):
    """A page names something that is not there."""


def text(path):
    return (ROOT / path).read_text()


DEFINITION = yaml.safe_load(text("crds/gohub.io_gohubs.yaml"))["spec"]
SCHEMA = DEFINITION["versions"][0]["schema"]["openAPIV3Schema"]
CONDITIONS = set(re.findall(r"^    ([A-Z]\w+),$", text("operator/src/api/conditions.rs"), re.M))
IMAGES = set(re.findall(r"^    (\w+)\)", text("scripts/images.sh"), re.M))
E2E = "".join(path.read_text() for path in (ROOT / "e2e").rglob("*.rs")) + text("scripts/e2e.sh")
CHART = "charts/gohub-operator"


def commands(script):
    """The commands of a block: continued lines joined, comments left out, what a `for` repeats and a pipe begins included."""
    script = re.sub(r"\\\n", " ", script)
    for line in script.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        line = re.sub(r"^for \w+ in [\w ]+; do (.*); done$", r"\1", line)
        yield shlex.split(line.split(" | ")[0])


def check(script):
    """Raises Unknown for the first word that is not there."""
    for line in re.findall(r"^for \w+ in ([\w ]+);", script, re.M):
        known(set(line.split()), IMAGES, "an image")
    for words in commands(script):
        judge = {"kubectl": kubectl, "helm": helm, "kind": kind, "docker": docker, "scripts/images.sh": images, "websocat": websocat,
                 "etcdctl": lambda _: None}.get(words[0])
        if judge is None:
            raise Unknown(f"{words[0]} in {' '.join(words)}")
        judge(words[1:])


def known(words, among, what):
    for word in words:
        if word not in among:
            raise Unknown(f"{word} is not {what}")


def option(words, name):
    for place, word in enumerate(words):
        if word == name:
            return words[place + 1]
        if word.startswith(f"{name}="):
            return word[len(name) + 1:]
    return None


def kubectl(words):
    words = [word for word in words if word != "--server-side"]
    while words[0] in ("-n", "--namespace"):
        words = words[2:]
    known(words[:1], KUBECTL, "a verb of ours")
    if file := option(words, "-f"):
        document = yaml.safe_load_all(text(file))
        if file != "config/install.yaml":
            for one in document:
                fits({"spec": one["spec"]}, SCHEMA, file)
    if patch := option(words, "-p"):
        fits(json.loads(patch), SCHEMA, "patch")
    if words[0] == "explain":
        field(words[1])
    condition = (option(words, "--for") or "").removeprefix("condition=")
    if condition and condition not in CONDITIONS:
        raise Unknown(f"condition {condition}")
    if condition and f'"{condition}"' not in E2E:
        raise Unknown(f"the end-to-end tests wait for no {condition}")


def field(path):
    node = SCHEMA
    for name in path.split(".")[1:]:
        node = node["properties"]
        known([name], node, f"in {path}")
        node = node[name]


def fits(value, schema, where):
    """Every field of the value is one of the schema's; the API server judges the rest."""
    if isinstance(value, list):
        for one in value:
            fits(one, schema.get("items", {}), where)
    if not isinstance(value, dict) or schema.get("x-kubernetes-preserve-unknown-fields") or "properties" not in schema:
        return
    for name, inner in value.items():
        known([name], schema["properties"], f"a field at {where}")
        fits(inner, schema["properties"][name], f"{where}.{name}")


def helm(words):
    known(words[:1], {"install", "upgrade", "uninstall"}, "a verb of ours")
    if words[0] != "uninstall":
        known([words[2]], {CHART}, "our chart")
        if CHART not in E2E:
            raise Unknown("the end-to-end tests install no chart")
    values = yaml.safe_load(text(f"{CHART}/values.yaml"))
    for place, word in enumerate(words):
        if word == "--set":
            node = values
            for name in words[place + 1].split("=")[0].split("."):
                known([name], node, "a value of the chart")
                node = node[name]


def kind(words):
    allowed = [["create", "cluster"], ["delete", "cluster"], ["load", "image-archive"]]
    if words[:2] not in allowed:
        raise Unknown(f"kind {' '.join(words)}")


def images(words):
    known(words, IMAGES, "an image")


def websocat(words):
    if not re.fullmatch(r"ws://127\.0\.0\.1:\d+/ws\?[\w=&,]+", words[0]):
        raise Unknown(words[0])


def docker(words):
    if words[0] == "load":
        return
    if words[0] != "compose":
        raise Unknown(f"docker {words[0]}")
    composition(yaml.safe_load(text(option(words, "--file"))))
    known([word for word in words[1:] if not word.startswith("-") and "/" not in word], COMPOSE, "a verb of ours")


def composition(document):
    """Images are those that scripts/images.sh makes, and every variable sets a setting."""
    version = re.search(r'^\[workspace\.package\][^\[]*?^version = "([^"]*)"', text("Cargo.toml"), re.M | re.S).group(1)
    etcd = re.search(r"go\.etcd\.io/etcd/server/v3 v(\S+)", text("scripts/etcd/go.mod")).group(1)
    settings = json.loads(text("config/settings.schema.json"))
    for name, service in document["services"].items():
        known([service["image"]], {f"gohub:{version}", f"etcd:v{etcd}"}, "an image of ours")
        known(service.get("depends_on", []), document["services"], "a service")
        for variable in service.get("environment", {}):
            node = settings
            for part in variable.removeprefix("GOHUB_").lower().split("__"):
                known([part], node.get("properties", {}), f"a setting ({name}: {variable})")
                node = node["properties"][part]
