#!/usr/bin/env python3
"""Chromium: chromium.py URL NAME opens chromium.html in a headless one and prints what it says, until it is kicked."""
import http.server
import queue
import subprocess
import sys
import tempfile
import threading
import urllib.parse
from pathlib import Path

URL, NAME = sys.argv[1:]
PAGE = Path(__file__).with_name("chromium.html")
# What a machine without Chromium's background services needs; a page gets nothing from them.
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
         "--remote-debugging-port=0"]
LINES = queue.Queue()


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(PAGE.read_bytes())

    def do_POST(self):
        LINES.put(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.answer(b"")

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    page = f"http://127.0.0.1:{server.server_port}/?{urllib.parse.urlencode({'url': URL, 'name': NAME})}"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = subprocess.Popen(["chromium", *FLAGS, f"--user-data-dir={profile}", page],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            line = ""
            while not line.startswith("closed 4500"):
                line = LINES.get()
                print(line, flush=True)
        finally:
            browser.terminate()
            browser.wait()


main()
