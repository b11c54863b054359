#!/usr/bin/env python3
"""Runs Autobahn cases against an echo URL and judges the report; the last line is 'N passed, N failed'.

  autobahn.py SUITE_DIR URL REPORT_DIR core|large

core   every case but 9 (large messages), 12 and 13 (compression): 247 cases. Each must also end with a close
       code from the server; 7.3.1 alone expects a close frame without one.
large  section 9: 54 cases, messages up to 16 MiB and 64-byte fragments of 4 MiB.
A case passes when both its behaviour and its closing are OK, NON-STRICT or INFORMATIONAL. Any other number of
cases than stated here is a failure too: a suite that silently runs less proves less.
"""
import json
import shutil
import subprocess
import sys
from pathlib import Path

SETS = {"core": (["*"], ["9.*", "12.*", "13.*"], 247), "large": (["9.*"], [], 54)}
PASS = {"OK", "NON-STRICT", "INFORMATIONAL"}
DEADLINE_S = 540


def run(suite, url, report, cases, excluded):
    shutil.rmtree(report, ignore_errors=True)
    report.mkdir(parents=True)
    spec = report / "spec.json"
    spec.write_text(json.dumps({
        "outdir": str(report), "options": {"failByDrop": False}, "servers": [{"agent": "gohub", "url": url}],
        "cases": cases, "exclude-cases": excluded, "exclude-agent-cases": {},
    }))
    with open(report / "run.log", "wb") as log:
        command = [str(suite / "py27/bin/wstest"), "-m", "fuzzingclient", "-s", str(spec)]
        try:
            subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, timeout=DEADLINE_S)
        except subprocess.TimeoutExpired:
            print(f"not done after {DEADLINE_S} s")
    index = report / "index.json"
    if not index.exists():
        sys.exit(f"no report was written: {(report / 'run.log').read_text(errors='replace')[-800:]}")
    return next(iter(json.loads(index.read_text()).values()), {})


def fault(case, result, codes_required):
    """Why a case failed, or None."""
    if result["behavior"] not in PASS:
        return f"behaviour {result['behavior']}"
    if result["behaviorClose"] not in PASS:
        return f"closing {result['behaviorClose']}, code {result.get('remoteCloseCode')}"
    if codes_required and result.get("remoteCloseCode") is None and case != "7.3.1":
        return "dropped without a close code"
    return None


def main():
    suite, url, report, name = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]).resolve(), sys.argv[4]
    cases, excluded, expected = SETS[name]
    results = run(suite, url, report, cases, excluded)
    failed = 0
    for case in sorted(results, key=lambda text: [int(part) for part in text.split(".")]):
        why = fault(case, results[case], codes_required=name == "core")
        if why:
            failed += 1
            print(f"case {case}: {why}")
    if len(results) != expected:
        print(f"{len(results)} cases ran, {expected} were expected")
        failed += max(1, expected - len(results))
    passed = sum(1 for case in results if not fault(case, results[case], name == "core"))
    print(f"autobahn {name}: report in {report}/index.html")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
