"""What a PromQL expression names, and whether the hub knows it.

Not a parser: a name that is no function, no keyword and no label is a metric, which is all that has to be known to find a misspelt one.
Whether an expression is one at all is promtool's business.
"""
import re
from dataclasses import dataclass

KEYWORDS = {"by", "without", "on", "ignoring", "group_left", "group_right", "and", "or", "unless", "offset", "bool", "atan2",
            "inf", "nan", "start", "end"}
# What Prometheus, its service discovery and the operator's ServiceMonitor put on every series.
TARGET_LABELS = {"job", "instance", "namespace", "service", "pod", "container", "endpoint"}
# Of Prometheus itself, not of the hub.
SYNTHETIC = {"up"}
SUFFIXES = ("_bucket", "_sum", "_count")
# Functions that make sense of a counter, and of nothing else.
OF_COUNTERS = {"rate", "irate", "increase"}


class Misspelt(Exception):
    """An expression names something that is not there."""


@dataclass(frozen=True)
class Metric:
    """A line of docs/metrics.md."""
    kind: str
    labels: frozenset


@dataclass(frozen=True)
class Selector:
    """A metric in an expression, with the labels that are matched and the function around it, if any."""
    name: str
    labels: tuple
    function: str


def documented(page):
    """The metrics of the table in docs/metrics.md, by name."""
    rows = re.findall(r"^\| `(\w+)` \| (counter|gauge|histogram) \| (.*?) \| ", page, re.M)
    return {name: Metric(kind, frozenset(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}


def _variables(expression):
    """Grafana's variables as something that Prometheus could read."""
    expression = re.sub(r"\$__(rate_)?interval\b", "5m", expression)
    return re.sub(r'"\$\{?\w+\}?"', '""', expression)


def selectors(expression):
    """Every metric that an expression names."""
    text = _variables(expression)
    text = re.sub(r'"(?:[^"\\]|\\.)*"', '""', text)
    found = []
    for match in re.finditer(r"[a-zA-Z_:][a-zA-Z0-9_:]*", _outside_braces(text)):
        name, rest = match.group(), text[match.end():]
        before = text[:match.start()].rstrip()
        if name.lower() in KEYWORDS or before[-1:].isdigit():
            continue
        # A function, or an aggregation whose labels come first.
        if re.match(r"\s*(\(|(by|without)\b)", rest):
            continue
        if _is_grouping(text, match.start()):
            continue
        labels = re.match(r"\s*\{(.*?)\}", rest)
        matched = tuple(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", labels.group(1))) if labels else ()
        function = re.search(r"(\w+)\s*\($", before)
        found.append(Selector(name, matched, function.group(1) if function else ""))
    return found


def grouped(expression):
    """The labels of every by (...), on (...) and the like."""
    groups = re.findall(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)", expression)
    return {label.strip() for group in groups for label in group.split(",") if label.strip()}


def _outside_braces(text):
    return re.sub(r"\{[^}]*\}|\[[^\]]*\]", lambda found: " " * len(found.group()), text)


def _is_grouping(text, place):
    """Whether a place is inside the brackets of by (...) and the like."""
    opened = text.rfind("(", 0, place)
    return opened >= 0 and ")" not in text[opened:place] \
        and re.search(r"\b(by|without|on|ignoring|group_left|group_right)\s*$", text[:opened]) is not None


def check(expression, metrics):
    """Raises Misspelt unless every metric and label of the expression is a documented one, used as what it is."""
    found = selectors(expression)
    if not found:
        raise Misspelt(f"no metric in {expression!r}")
    known = set(TARGET_LABELS)
    for selector in found:
        known |= _check_selector(selector, metrics)
    for label in grouped(expression):
        if label not in known:
            raise Misspelt(f"{label} is a label of none of {', '.join(s.name for s in found)}")


def _check_selector(selector, metrics):
    """The labels that this metric's series have."""
    if selector.name in SYNTHETIC:
        return TARGET_LABELS
    name, labels = selector.name, set()
    for suffix in SUFFIXES:
        base = name.removesuffix(suffix)
        if base != name and base in metrics and metrics[base].kind == "histogram":
            name, labels = base, {"le"} if suffix == "_bucket" else set()
            break
    else:
        if name in metrics and metrics[name].kind == "histogram":
            raise Misspelt(f"{name} is a histogram: its series are called {name}_bucket, _sum and _count")
    if name not in metrics:
        raise Misspelt(f"{selector.name} is not in docs/metrics.md")
    labels |= metrics[name].labels | TARGET_LABELS
    for label in selector.labels:
        if label not in labels:
            raise Misspelt(f"{selector.name} has no label {label}")
    cumulative = metrics[name].kind != "gauge"
    if (selector.function in OF_COUNTERS) != cumulative:
        raise Misspelt(f"{selector.name} is a {metrics[name].kind}, and {selector.function or 'no function'} is around it")
    return labels
