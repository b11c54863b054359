"""The fenced blocks of a page, with the marks that say what is to be done with them.

  sh,run            run in the checkout, must succeed
  sh,run,fails      run, must fail
  sh,serve=8080     started and left running until somebody listens on that port; the next one for the same port takes its place
  sh,client=alice   a WebSocket client that gets its lines from `types` blocks; begins when its welcome has come
  json,types=alice  lines that this client sends
  json,hears=alice  messages that it gets, in this order, others between them; more fields may be in them
  text,output       what the block before it has printed; `...` stands for anything
  yaml,settings     a settings file that the hub accepts
  sh,install        done before: what it installs is in requirements.txt
  sh,kind  sh,compose   needs Kubernetes or Docker: held against what the end-to-end tests and images use
"""
import re
from dataclasses import dataclass

MARKS = {
    "sh": {"run", "serve", "client", "install", "kind", "compose"},
    "json": {"types", "hears"},
    "text": {"output"},
    "yaml": {"settings"},
}


class Unmarked(Exception):
    """A block that looks like a command says not what is to be done with it."""


@dataclass(frozen=True)
class Block:
    """A fenced block: language, mark, the mark's value, further marks, text and the line it begins at."""
    language: str
    mark: str
    value: str
    more: frozenset
    text: str
    line: int


def blocks(page):
    """The marked blocks of a page. Shell commands have to be marked; data need not."""
    found = []
    for fence in re.finditer(r"^```([^\n`]+)\n(.*?)^```$", page, re.M | re.S):
        language, *marks = fence.group(1).strip().split(",")
        line = page.count("\n", 0, fence.start()) + 1
        if language in ("sh", "bash", "shell", "console") and (language != "sh" or not marks):
            raise Unmarked(f"line {line}: a block of commands is `sh` with a mark")
        if not marks:
            continue
        mark, _, value = marks[0].partition("=")
        if mark not in MARKS.get(language, set()):
            raise Unmarked(f"line {line}: nobody knows {language},{mark}")
        found.append(Block(language, mark, value, frozenset(marks[1:]), fence.group(2), line))
    return found
