#!/usr/bin/env python3
"""Writes a container image of a few programs as an archive for `docker load`, `ctr image import` and `kind load image-archive`, without a
daemon and without a registry. It is what the Dockerfile makes:

    scripts/image.py OUT.tar gohub:0.1.0 target/release/gohub [PROGRAM..]

The first program is what the image runs. One that is not static brings the libraries it loads: a test's image need not be small. Equal
inputs give an equal image: no times are written.
"""
import hashlib
import io
import json
import os
import platform
import subprocess
import sys
import tarfile

AUTHORITIES = "etc/ssl/certs/ca-certificates.crt"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def entry(name, size, mode):
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, mode
    return info


def libraries(program):
    """Where the loader finds what a program needs, itself included; nothing for a static one."""
    listed = subprocess.run(["ldd", program], capture_output=True, text=True)
    return [word for word in listed.stdout.split() if word.startswith("/") and word != program]


def layer(programs):
    """One tar: the programs on the PATH, the certificate authorities, and a /tmp."""
    files = {f"usr/local/bin/{os.path.basename(program)}": (program, 0o755) for program in programs}
    for program in programs:
        files.update({path.lstrip("/"): (path, 0o755) for path in libraries(program)})
    if os.path.exists(f"/{AUTHORITIES}"):
        files[AUTHORITIES] = (f"/{AUTHORITIES}", 0o644)
    directories = {"tmp": 0o1777}
    for name in files:
        parts = name.split("/")
        directories.update({"/".join(parts[:end]): 0o755 for end in range(1, len(parts))})
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for directory, mode in sorted(directories.items()):
            info = entry(directory, 0, mode)
            info.type = tarfile.DIRTYPE
            tar.addfile(info)
        for name, (path, mode) in sorted(files.items()):
            with open(path, "rb") as source:
                tar.addfile(entry(name, os.path.getsize(path), mode), source)
    return content.getvalue()


def main(out, tag, *programs):
    content = layer(programs)
    digest = hashlib.sha256(content).hexdigest()
    config = json.dumps(
        {
            "architecture": ARCHITECTURES[platform.machine()],
            "os": "linux",
            "config": {
                "User": "65532:65532",
                "Env": ["PATH=/usr/local/bin"],
                "Entrypoint": [f"/usr/local/bin/{os.path.basename(programs[0])}"],
            },
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
            "history": [{"created_by": "scripts/image.py"}],
        }
    ).encode()
    name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = json.dumps([{"Config": name, "RepoTags": [tag], "Layers": [f"{digest}.tar"]}]).encode()
    with tarfile.open(f"{out}.new", "w") as tar:
        for path, blob in ((f"{digest}.tar", content), (name, config), ("manifest.json", manifest)):
            tar.addfile(entry(path, len(blob), 0o644), io.BytesIO(blob))
    os.replace(f"{out}.new", out)


if len(sys.argv) < 4:
    sys.exit(__doc__)
main(*sys.argv[1:])
