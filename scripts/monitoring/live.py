"""The alerts and the dashboard on a real Prometheus, which scrapes real hubs over a real etcd under load."""
import json
import os
import re
import signal
import tempfile
import unittest
from pathlib import Path

from expression import selectors
from test import ETCD, METRICS, alerts, queries
from town import NAMESPACE, SERVICE, Town, answer, eventually

LOAD_S = 30
# Counters with a label begin with their first event, and these events do not happen here.
NEVER_HERE = {"gohub_auth_hook_calls_total", "gohub_key_set_fetches_total", "gohub_webhooks_total"}
# The hub has it and counts nothing in it, so its query stays empty: when it does, this goes from here.
NEVER_COUNTED = {"gohub_publish_failures_total"}
# The hub shows them and the page's generator does not know of them yet: when it does, they go from here.
NOT_ON_THE_PAGE = {"gohub_canary_failures_total", "gohub_room_hook_calls_total", "gohub_room_hook_verdicts_total"}
# These tell the truth about a machine that is busy with something else, too.
OF_THE_MACHINE = {"GoHubPutSlow", "GoHubEtcdDiskSlow", "GoHubEtcdElections", "GoHubWatchLags", "GoHubFanoutSlow", "GoHubSlowClients"}


def filled(query):
    """A query of the dashboard as Grafana sends it, with a choice made."""
    query = query.replace("$namespace", NAMESPACE).replace("$service", SERVICE)
    return query.replace("$__rate_interval", "15s").replace("$__interval", "5s")


class Live(unittest.TestCase):
    """One town for all of them; they run in the order of their names: what breaks something comes last."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        cls.addClassCleanup(folder.cleanup)
        cls.town = Town(folder.name)
        cls.town.__enter__()
        cls.addClassCleanup(cls.town.__exit__)
        cls.bench = cls.town.load(LOAD_S)
        eventually("the load arrives", lambda: cls.town.ask("sum(rate(gohub_messages_delivered_total[5s])) > 1000"))
        cls.town.misbehave()

    def test_1_every_query_of_the_dashboard_has_an_answer_under_load(self):
        for title, query in queries():
            # What it shows is that something changed; under load nothing does.
            query = re.sub(r" > 0$", " >= 0", query)
            if {selector.name for selector in selectors(query)} & NEVER_COUNTED:
                continue
            with self.subTest(title, query=query):
                eventually(f"{title} shows something", lambda query=query: self.town.ask(filled(query)), 20)

    def test_2_the_figures_are_those_of_the_load(self):
        connections = eventually("connections", lambda: self.town.ask('sum(gohub_connections{namespace="demo"})'))
        self.assertGreaterEqual(connections[0], 200)
        report, _ = self.bench.communicate(timeout=LOAD_S + 60)
        report = json.loads(report.strip().splitlines()[-1])
        self.assertGreater(report["delivered"], 100_000)
        eventually("every delivery is counted", lambda: self.town.ask(f"sum(gohub_messages_delivered_total) >= {report['delivered']}"))

    def test_3_every_metric_of_the_alerts_has_series(self):
        for alert in alerts():
            for selector in selectors(alert["expr"]):
                if selector.name not in NEVER_HERE:
                    with self.subTest(alert["alert"], metric=selector.name):
                        self.assertTrue(self.town.ask(f"count({selector.name})"), selector.name)

    def test_4_the_hub_has_the_metrics_of_the_page_and_the_page_has_the_hubs(self):
        page = {name for name in METRICS if name not in ETCD}
        shown = answer(f"http://{self.town.hubs['one'][1]}/metrics")
        shown = set(re.findall(r"^# TYPE (\w+) ", shown, re.M))
        self.assertEqual(shown - page - NOT_ON_THE_PAGE, set())
        self.assertGreater(len(shown), 60)

    def test_5_nothing_fires_while_all_is_well(self):
        # These hubs have one file and differ in their variables, as no hubs of one Deployment do.
        expected = OF_THE_MACHINE | {"GoHubConfigDiffers", "GoHubReconnects"}
        eventually("nothing fires", lambda: not self.town.firing() - expected)

    def test_6_a_refused_configuration_fires(self):
        good = self.town.config.read_text()
        self.town.config.write_text("heartbeat: {intervall: 25s}\n")
        eventually("the alert", lambda: "GoHubConfigRefused" in self.town.firing())
        self.town.config.write_text(good)
        eventually("it ends", lambda: "GoHubConfigRefused" not in self.town.firing())

    def test_7_pictures(self):
        folder = os.environ.get("SCREENSHOTS")
        if not folder:
            self.skipTest("SCREENSHOTS names no folder")
        import screenshots
        for picture in screenshots.take(self.town, Path(folder)):
            self.assertGreater(picture.stat().st_size, 10_000, picture)

    def test_8_a_hub_that_is_gone_fires(self):
        self.town.end("hub-two")
        eventually("the alert", lambda: "GoHubDown" in self.town.firing())

    def test_9_etcd_that_is_gone_fires(self):
        self.town.end("etcd", signal.SIGKILL)
        wanted = {"GoHubBusDegraded", "GoHubDeliveryBroken", "GoHubEtcdMemberDown"}
        eventually(f"{wanted}", lambda: wanted <= self.town.firing())
        # Who publishes now is refused, and counted.
        code = self.town.refused_publication()
        eventually("the refusal is seen", lambda: self.town.ask(f'sum(gohub_errors_total{{code="{code}"}}) > 0'))
        if folder := os.environ.get("SCREENSHOTS"):
            import screenshots
            self.assertGreater(screenshots.alerts(self.town, Path(folder)).stat().st_size, 10_000)
