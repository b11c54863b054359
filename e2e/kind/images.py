#!/usr/bin/env python3
"""Writes one docker archive with every container image that a kind node has from the start: images.py OUT ROOT BIN KIND

ROOT is the node's file system, BIN holds the programs of node/, KIND is the directory of kind's Go module. The images' names are
asked of kubeadm, kind and containerd's configuration: whoever will look for them.
"""
import glob
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
COMPONENTS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "etcd", "kindnetd")
LIBRARIES = "usr/lib/x86_64-linux-gnu"


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


class Layer:
    """A tar of root-owned files without times, so that equal content is an equal layer."""

    def __init__(self, path):
        self.path = path
        self.tar = tarfile.open(path, "w")
        self.directories = set()

    def parents(self, name):
        parts = name.split("/")[:-1]
        for end in range(1, len(parts) + 1):
            self.directory("/".join(parts[:end]))

    def directory(self, name, mode=0o755):
        if name not in self.directories:
            self.directories.add(name)
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            self.tar.addfile(entry)

    def file(self, name, source):
        self.parents(name)
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = os.path.getsize(source), 0o755
        with open(source, "rb") as content:
            self.tar.addfile(entry, content)

    def link(self, name, target):
        self.parents(name)
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname = tarfile.SYMTYPE, target
        self.tar.addfile(entry)

    def done(self):
        self.tar.close()
        with open(self.path, "rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()


def iptables(layer, root):
    """iptables and nft with the libraries that they and iptables' plugins load: without libm `statistic` fails, and Services with two
    endpoints silently have no rules."""
    programs = ["/usr/sbin/xtables-nft-multi", "/usr/sbin/xtables-legacy-multi", "/usr/sbin/nft"]
    plugins = [path.removeprefix(root) for path in sorted(glob.glob(f"{root}/{LIBRARIES}/xtables/*.so"))]
    libraries = set()
    for program in programs + plugins:
        libraries.update(word for word in output("chroot", root, "ldd", program).split() if word.startswith("/"))
    layer.directory("tmp", 0o1777)
    for directory in ("etc", "run", "var"):
        layer.directory(directory)
    for program in programs + plugins:
        layer.file(program.lstrip("/"), root + program)
    for library in sorted(libraries):
        name = re.sub(r"^/(lib\w*)/", r"usr/\1/", library).lstrip("/")
        layer.file(name, root + output("chroot", root, "readlink", "-f", library).strip())
    for link in ("lib", "lib64", "sbin"):
        layer.link(link, f"usr/{link}")
    for family in ("iptables", "ip6tables"):
        for suffix in ("", "-save", "-restore"):
            layer.link(f"usr/sbin/{family}{suffix}", "xtables-nft-multi")
            layer.link(f"usr/sbin/{family}-nft{suffix}", "xtables-nft-multi")
            layer.link(f"usr/sbin/{family}-legacy{suffix}", "xtables-legacy-multi")
    if os.path.exists(f"{root}/etc/protocols"):
        layer.file("etc/protocols", f"{root}/etc/protocols")


def kubernetes(layer, programs):
    layer.file("usr/local/bin/kubernetes", f"{programs}/node")
    for name in COMPONENTS:
        layer.link(f"usr/local/bin/{name}", "kubernetes")


def busybox(layer, root):
    layer.directory("tmp", 0o1777)
    layer.file("bin/busybox", f"{root}/bin/busybox")
    for name in ("sh", "mkdir", "rm", "chmod"):
        layer.link(f"bin/{name}", "busybox")


def names(root, kind):
    """What kubeadm, kind and containerd call the images."""
    with open(f"{root}/kind/version") as version:
        listed = output(
            "chroot", root, "kubeadm", "config", "images", "list", "--kubernetes-version", version.read().strip()
        ).split()
    with open(f"{root}/etc/containerd/config.toml") as config:
        listed += re.findall(r'sandbox_image = "([^"]+)"', config.read())
    ours = {}
    for file in ("cni", "storage"):
        with open(f"{kind}/pkg/build/nodeimage/const_{file}.go") as source:
            ours.update(re.findall(r'(\w+Image) *= "([^"]+)"', source.read()))

    def of(part):
        return sorted({name for name in listed if f"/{part}:" in name})

    return of, ours


def manifests(root, kind, ours):
    """The manifests that kind applies, out of its source."""
    for file, constant, target in (
        ("cni", "defaultCNIManifest", "default-cni.yaml"),
        ("storage", "defaultStorageManifest", "default-storage.yaml"),
    ):
        with open(f"{kind}/pkg/build/nodeimage/const_{file}.go") as source:
            text = source.read().split(f"const {constant} = `", 1)[1]
        for name, image in ours.items():
            text = text.replace(f"` + {name} + `", image)
        with open(f"{root}/kind/manifests/{target}", "w") as manifest:
            manifest.write(text.split("`", 1)[0])


def main(out, root, programs, kind):
    of, ours = names(root, kind)
    manifests(root, kind, ours)
    fill = {
        "iptables": lambda layer: iptables(layer, root),
        "kubernetes": lambda layer: kubernetes(layer, programs),
        "coredns": lambda layer: layer.file("coredns", f"{programs}/coredns"),
        "storage": lambda layer: layer.file("usr/local/bin/local-path-provisioner", f"{programs}/local-path-provisioner"),
        "busybox": lambda layer: busybox(layer, root),
        "pause": lambda layer: layer.file("pause", f"{programs}/pause"),
    }
    images = [
        (["iptables", "kubernetes"], {}, [name for part in COMPONENTS for name in of(part)]),
        (["iptables", "kubernetes"], {"Entrypoint": ["/usr/local/bin/kindnetd"]}, [ours["kindnetdImage"]]),
        (["coredns"], {"Entrypoint": ["/coredns"]}, of("coredns")),
        (["storage"], {"Entrypoint": ["/usr/local/bin/local-path-provisioner"]}, [ours["storageProvisionerImage"]]),
        (["busybox"], {}, [ours["storageHelperImage"]]),
        (["pause"], {"Entrypoint": ["/pause"], "User": "65535:65535"}, of("pause")),
    ]
    digests = {}
    with tarfile.open(out, "w") as archive:
        for name, write in fill.items():
            layer = Layer(f"{out}.{name}")
            write(layer)
            digests[name] = layer.done()
            archive.add(layer.path, f"{digests[name]}.tar")
            os.unlink(layer.path)

        def add(name, document):
            content = json.dumps(document).encode()
            entry = tarfile.TarInfo(name or f"{hashlib.sha256(content).hexdigest()}.json")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
            return entry.name

        listed = []
        for layers, config, tags in images:
            document = {
                "architecture": "amd64",
                "os": "linux",
                "config": {"Env": [PATH], **config},
                "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digests[name]}" for name in layers]},
                "history": [{"created_by": name} for name in layers],
            }
            config_name = add(None, document)
            listed.append({"Config": config_name, "RepoTags": tags, "Layers": [f"{digests[name]}.tar" for name in layers]})
        add("manifest.json", listed)


main(*sys.argv[1:5])
