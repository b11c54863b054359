#!/usr/bin/env python3
"""Makes docs/api.md, for people, from docs/openapi.json, which the hub's tests make from the hub: api_reference.py"""
import json
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"
HEAD = """# Admin API

Health, metrics and the server API, on the admin listener (`admin.addr`, `127.0.0.1:9090` unless configured). Calls under `/api/v1` need a key:
`Authorization: Bearer KEY`, one of `admin.api_keys`, or of `admin.scoped_keys` with the scope that the call is of. Bodies are JSON. Made by
`scripts/book/api_reference.py` from `docs/openapi.json`, which a hub serves too: generate a client from that.
"""
CHAPTERS = {"publish": "Publish", "clients": "Act on clients", "inventory": "Who and what is there", "identity": "Revoke tokens",
            "operations": "Operate", "health": "Health"}


def cell(text):
    return " ".join((text or "").split()).replace("|", "\\|")


def kind(schema):
    """What a field holds, in a word or two."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return f"[{name}](#{name.lower()})"
    for choice in ("oneOf", "anyOf", "allOf"):
        if choice in schema:
            return " or ".join(kind(one) for one in schema[choice] if one.get("type") != "null")
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    types = schema.get("type", "anything")
    types = [types] if isinstance(types, str) else types
    name = " or ".join(one for one in types if one != "null")
    return f"list of {kind(schema['items'])}" if name == "array" else name


def call(path, method, operation, lines):
    lines += [f"### `{method.upper()} {path}`", "", cell(operation.get("summary")), ""]
    if operation.get("parameters"):
        lines += ["| parameter | in | what |", "| --- | --- | --- |"]
        lines += [f"| `{one['name']}` | {one['in']} | {cell(one.get('description'))} |" for one in operation["parameters"]]
        lines.append("")
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        lines += [f"Body: {kind(content.get('schema', {}))}" + ("" if media == "application/json" else f" ({media})"), ""]
    answers = []
    for status, response in operation["responses"].items():
        of = [kind(content.get("schema", {})) for content in response.get("content", {}).values()]
        answers.append(f"{status}" + (f" {of[0]}" if of else ""))
    lines += ["Answers: " + ", ".join(answers), ""]


def schema(name, of, lines):
    lines += [f"### {name}", ""]
    if of.get("description"):
        lines += [cell(of["description"]), ""]
    if of.get("properties"):
        required = of.get("required", [])
        lines += ["| field | type | what |", "| --- | --- | --- |"]
        for field, inner in of["properties"].items():
            lines.append(f"| `{field}`{'' if field in required else ' (optional)'} | {kind(inner)} | {cell(inner.get('description'))} |")
        lines.append("")
    elif "oneOf" in of or "enum" in of:
        lines += ["One of: " + kind(of), ""]


def made():
    document = json.loads((DOCS / "openapi.json").read_text())
    lines = HEAD.splitlines() + [""]
    tags = {tag for methods in document["paths"].values() for operation in methods.values() for tag in operation["tags"]}
    # What nobody has named yet comes last, under its tag.
    for tag, title in (CHAPTERS | {tag: tag.capitalize() for tag in sorted(tags - CHAPTERS.keys())}).items():
        lines += [f"## {title}", ""]
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                if tag in operation.get("tags", []):
                    call(path, method, operation, lines)
    lines += ["## Bodies", ""]
    for name, of in document["components"]["schemas"].items():
        schema(name, of, lines)
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    (DOCS / "api.md").write_text(made())
