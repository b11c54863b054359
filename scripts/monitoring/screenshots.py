"""Pictures of the alerts and of the dashboard's main queries, by a real Chromium on Prometheus' own pages."""
import os
import subprocess
import tempfile
import urllib.request
from urllib.parse import quote

CHROMIUM = os.environ.get("CHROMIUM", "chromium")
# What the first rows of the dashboard show, by the name of the picture.
GRAPHS = {
    "delivered": "sum by (pod) (rate(gohub_messages_delivered_total[5s]))",
    "latency": "histogram_quantile(0.99, sum by (pod, le) (rate(gohub_fanout_latency_seconds_bucket[15s])))",
    "etcd": "histogram_quantile(0.99, sum by (pod, le) (rate(gohub_bus_put_latency_seconds_bucket[15s])))",
}


def graph(town, query, file):
    """A picture of Prometheus' graph of a query over the last two minutes."""
    address = f"{town.prometheus}/graph?g0.expr={quote(query)}&g0.tab=0&g0.range_input=2m&g0.stacked=0"
    urllib.request.urlopen(address, timeout=10).close()
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        subprocess.run([
            CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
            "--disable-background-networking", f"--user-data-dir={profile}", "--window-size=1280,900", "--virtual-time-budget=15000", f"--screenshot={file}", address],
            check=True, capture_output=True, timeout=180)
    return file


def take(town, folder):
    """One picture for each graph; their files."""
    return [graph(town, query, folder.resolve() / f"{name}.png") for name, query in GRAPHS.items()]


def alerts(town, folder):
    """What fired in the last two minutes."""
    return graph(town, 'sum by (alertname) (ALERTS{alertstate="firing", severity="critical"})', folder.resolve() / "alerts.png")
