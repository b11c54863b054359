#!/usr/bin/env python3
"""Makes config/prometheus/prometheus-rule.yaml, the object of the Prometheus Operator, from gohub.rules.yaml beside it.

  rule_object.py                                 writes it
  rule_object.py --check                         fails when it has drifted
  rule_object.py --book https://wiki.example     prints it with links into that copy of the book
"""
import sys
import textwrap
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "config/prometheus"
SOURCE, OBJECT = FOLDER / "gohub.rules.yaml", FOLDER / "prometheus-rule.yaml"
BOOK = "https://gohub.example.com/book"
HEAD = """# The alerts of gohub.rules.yaml for the Prometheus Operator, made from that file by scripts/monitoring/rule_object.py.
# The labels are those by which your Prometheus selects rules.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: gohub
  labels:
    release: prometheus
spec:
"""


def made(rules):
    """The object with these rules (the text of a rule file)."""
    groups = rules[rules.index("groups:"):]
    return HEAD + textwrap.indent(groups, "  ")


def main(arguments):
    text = made(SOURCE.read_text())
    match arguments:
        case []:
            OBJECT.write_text(text)
        case ["--check"]:
            if OBJECT.read_text() != text:
                sys.exit(f"{OBJECT} has drifted from {SOURCE.name}: run {sys.argv[0]}")
        case ["--book", address]:
            print(text.replace(BOOK, address.rstrip("/")), end="")
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
