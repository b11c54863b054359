#!/usr/bin/env python3
"""Writes what a program is made of as CycloneDX 1.5: every crate that is linked into it, with version, licence, checksum and what needs what.

  scripts/sbom.py PACKAGE > PACKAGE.cdx.json

From `cargo metadata --locked` and Cargo.lock alone, so the same sources give the same bytes.
"""
import json
import subprocess
import sys
import tomllib

TARGET = "x86_64-unknown-linux-gnu"


def checksums():
    with open("Cargo.lock", "rb") as lock:
        packages = tomllib.load(lock)["package"]
    return {(package["name"], package["version"]): package.get("checksum") for package in packages}


def linked(root, nodes):
    """The packages that normal dependencies lead to; those of build scripts and tests are not in the program."""
    found, waiting = {}, [root]
    while waiting:
        package = waiting.pop()
        if package in found:
            continue
        normal = [dep["pkg"] for dep in nodes[package]["deps"] if any(kind["kind"] is None for kind in dep["dep_kinds"])]
        found[package] = sorted(normal)
        waiting += normal
    return found


def main():
    name = sys.argv[1]
    asked = ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", TARGET]
    metadata = json.loads(subprocess.run(asked, check=True, capture_output=True).stdout)
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    root = next(package["id"] for package in metadata["packages"] if package["name"] == name)
    graph, sums = linked(root, nodes), checksums()

    def reference(package):
        return f"pkg:cargo/{packages[package]['name']}@{packages[package]['version']}"

    def component(package):
        known = packages[package]
        out = {"type": "application" if package == root else "library", "bom-ref": reference(package)}
        out |= {"name": known["name"], "version": known["version"], "purl": reference(package)}
        if known["license"]:
            out["licenses"] = [{"expression": known["license"].replace("/", " OR ")}]
        if sum := sums.get((known["name"], known["version"])):
            out["hashes"] = [{"alg": "SHA-256", "content": sum}]
        return out

    others = sorted((package for package in graph if package != root), key=reference)
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": component(root)},
        "components": [component(package) for package in others],
        "dependencies": [
            {"ref": reference(package), "dependsOn": sorted(map(reference, graph[package]))} for package in [root, *others]
        ],
    }
    json.dump(document, sys.stdout, indent=1)
    print()


main()
