#!/usr/bin/env python3
"""The alerts and the dashboard, without a hub: every name in them is one that the hub has, every alert fires for what it says and for
nothing else, and leads to a page that says what to do. scripts/monitoring_test.sh runs it, and live.py beside it."""
import json
import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

import yaml

from expression import Metric, Misspelt, check, documented, grouped, selectors
import rule_object

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "config/prometheus/gohub.rules.yaml"
TESTS = RULES.with_name("gohub.rules.test.yaml")
DASHBOARD = ROOT / "config/grafana/gohub.json"
RUNBOOK = ROOT / "docs/book/src/runbook.md"
PROMTOOL = os.environ["PROMTOOL"]
# What the alerts need of etcd, whose list is not ours; live.py asks a real etcd for each.
ETCD = {name: Metric(kind, frozenset()) for name, kind in {
    "etcd_server_has_leader": "gauge",
    "etcd_server_leader_changes_seen_total": "counter",
    "etcd_server_quota_backend_bytes": "gauge",
    "etcd_mvcc_db_total_size_in_bytes": "gauge",
    "etcd_mvcc_db_total_size_in_use_in_bytes": "gauge",
    "etcd_debugging_mvcc_compact_revision": "gauge",
    "etcd_disk_wal_fsync_duration_seconds": "histogram",
}.items()}
METRICS = documented((ROOT / "docs/metrics.md").read_text()) | ETCD


def alerts(text=None):
    groups = yaml.safe_load(RULES.read_text() if text is None else text)["groups"]
    return [rule for group in groups for rule in group["rules"]]


def queries():
    """Every query of the dashboard with where it stands, its variables and annotations included."""
    dashboard = json.loads(DASHBOARD.read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]
    for annotation in dashboard["annotations"]["list"]:
        yield annotation["name"], annotation["expr"]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            inner = re.fullmatch(r"label_values\((.*), \w+\)", variable["definition"])
            yield variable["name"], inner.group(1)


def unknown(value, schema, where):
    """The fields of a value that a definition's schema does not have."""
    if isinstance(value, list):
        for one in value:
            yield from unknown(one, schema["items"], where)
    elif isinstance(value, dict) and "properties" in schema:
        for name, inner in value.items():
            if name in schema["properties"]:
                yield from unknown(inner, schema["properties"][name], f"{where}.{name}")
            else:
                yield f"{where}.{name}"


def promtool(*arguments, cwd=RULES.parent):
    return subprocess.run([PROMTOOL, *arguments], cwd=cwd, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


class Names(unittest.TestCase):
    def test_the_table_of_metrics_is_read_whole(self):
        rows = (ROOT / "docs/metrics.md").read_text().count("\n| `")
        self.assertEqual(len(METRICS) - len(ETCD), rows)
        self.assertGreater(rows, 70)

    def test_every_alert_names_what_the_hub_has(self):
        for alert in alerts():
            with self.subTest(alert["alert"]):
                check(alert["expr"], METRICS)

    def test_every_query_of_the_dashboard_names_what_the_hub_has(self):
        for title, query in queries():
            with self.subTest(title, query=query):
                check(query, METRICS)

    def test_a_misspelt_metric_would_be_noticed_in_every_place(self):
        everywhere = [alert["expr"] for alert in alerts()] + [query for _, query in queries()]
        tried = 0
        for expression in everywhere:
            for selector in selectors(expression):
                for wrong in (selector.name + "x", selector.name.replace("_", "", 1), selector.name[:-1]):
                    broken = re.sub(rf"\b{selector.name}\b", wrong, expression)
                    if broken != expression:
                        tried += 1
                        with self.subTest(broken), self.assertRaises(Misspelt):
                            check(broken, METRICS)
        self.assertGreater(tried, 200)

    def test_a_wrong_label_and_a_wrong_kind_are_noticed(self):
        for broken in (
            'sum by (hop) (rate(gohub_gaps_total{reason="x"}[5m]))',
            'sum by (reason) (rate(gohub_gaps_total{code="x"}[5m]))',
            "sum(gohub_gaps_total) > 1",
            "rate(gohub_connections[5m])",
            "histogram_quantile(0.99, sum by (le) (rate(gohub_pass_seconds[5m])))",
            "vector(1)",
        ):
            with self.subTest(broken), self.assertRaises(Misspelt):
                check(broken, METRICS)


class Alerts(unittest.TestCase):
    def test_promtool_accepts_them(self):
        result = promtool("check", "rules", RULES.name)
        self.assertEqual(result.returncode, 0, result.stdout)
        result = promtool("check", "config", "prometheus.yml")
        self.assertEqual(result.returncode, 0, result.stdout)

    def test_each_fires_for_what_it_says_and_for_nothing_else(self):
        result = promtool("test", "rules", TESTS.name)
        self.assertEqual(result.returncode, 0, result.stdout)

    def test_one_that_never_fires_would_be_noticed(self):
        self.each_is_missed(lambda alert: alert | {"expr": "vector(0) > 1"})

    def test_one_that_always_fires_would_be_noticed(self):
        self.each_is_missed(lambda alert: alert | {"expr": "vector(1)", "for": "0s"})

    def test_one_that_does_not_wait_would_be_noticed(self):
        self.each_is_missed(lambda alert: alert | {"for": "0s"})

    def each_is_missed(self, change):
        """The unit tests fail for every alert when all were changed so."""
        with tempfile.TemporaryDirectory() as folder:
            groups = yaml.safe_load(RULES.read_text())
            for group in groups["groups"]:
                group["rules"] = [change(alert) for alert in group["rules"]]
            (Path(folder) / RULES.name).write_text(yaml.safe_dump(groups))
            (Path(folder) / TESTS.name).write_text(TESTS.read_text())
            result = promtool("test", "rules", TESTS.name, cwd=folder)
        self.assertNotEqual(result.returncode, 0)
        failed = set(re.findall(r'expr: "?ALERTS\{alertname=\\?"(\w+)\\?"', result.stdout))
        missed = {alert["alert"] for alert in alerts()} - failed
        self.assertEqual(missed, set(), "nobody noticed that these were broken")

    def test_every_alert_has_a_test_of_its_own(self):
        tested = [test["name"].split(",")[0] for test in yaml.safe_load(TESTS.read_text())["tests"] if "promql_expr_test" in test]
        self.assertEqual(tested, [alert["alert"] for alert in alerts()])

    def test_every_alert_leads_into_the_book(self):
        chapters = re.findall(r"^## (\w+)$", RUNBOOK.read_text(), re.M)
        self.assertEqual(chapters, [alert["alert"] for alert in alerts()])
        for alert in alerts():
            with self.subTest(alert["alert"]):
                self.assertEqual(alert["annotations"]["runbook_url"], f"{rule_object.BOOK}/runbook.html#{alert['alert'].lower()}")
                self.assertIn(alert["labels"]["severity"], ("warning", "critical"))
                self.assertEqual(set(alert["annotations"]), {"summary", "description", "runbook_url"})

    def test_the_words_of_an_alert_use_labels_that_its_expression_keeps(self):
        for alert in alerts():
            for label in re.findall(r"\$labels\.(\w+)", " ".join(alert["annotations"].values())):
                with self.subTest(alert["alert"], label=label):
                    kept = grouped(alert["expr"]) or {"job", "instance"}
                    self.assertIn(label, kept)

    def test_the_object_has_only_fields_that_the_prometheus_operator_knows(self):
        definition = yaml.safe_load((Path(os.environ["DEFINITIONS"]) / "monitoring.coreos.com_prometheusrules.yaml").read_text())
        version = next(one for one in definition["spec"]["versions"] if one["name"] == "v1")
        spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
        made = yaml.safe_load(rule_object.OBJECT.read_text())["spec"]
        self.assertEqual(list(unknown(made, spec, "spec")), [])
        made["groups"][0]["rules"][0]["runbook"] = "x"
        self.assertEqual(list(unknown(made, spec, "spec")), ["spec.groups.rules.runbook"])

    def test_the_object_is_made_from_the_plain_rules(self):
        made = yaml.safe_load(rule_object.OBJECT.read_text())
        self.assertEqual(rule_object.OBJECT.read_text(), rule_object.made(RULES.read_text()))
        self.assertEqual((made["apiVersion"], made["kind"]), ("monitoring.coreos.com/v1", "PrometheusRule"))
        self.assertEqual(made["spec"]["groups"], yaml.safe_load(RULES.read_text())["groups"])


class Dashboard(unittest.TestCase):
    def test_every_panel_has_a_title_a_place_and_a_query(self):
        panels = json.loads(DASHBOARD.read_text())["panels"]
        self.assertEqual(len({panel["id"] for panel in panels}), len(panels))
        for panel in panels:
            with self.subTest(panel["title"]):
                self.assertLessEqual(panel["gridPos"]["x"] + panel["gridPos"]["w"], 24)
                if panel["type"] != "row":
                    self.assertTrue(panel["targets"])

    def test_no_two_panels_lie_on_each_other(self):
        taken = {}
        for panel in json.loads(DASHBOARD.read_text())["panels"]:
            place = panel["gridPos"]
            for x in range(place["x"], place["x"] + place["w"]):
                for y in range(place["y"], place["y"] + place["h"]):
                    self.assertIsNone(taken.get((x, y)), f"{panel['title']} on {taken.get((x, y))}")
                    taken[x, y] = panel["title"]
