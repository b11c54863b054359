#!/usr/bin/env python3
"""Runs the named test modules, classes or tests and closes with "N passed, N failed"; a run of no test is a failure."""
import sys
import unittest

sys.path.insert(0, ".")
suite = unittest.defaultTestLoader.loadTestsFromNames(sys.argv[1:])
result = unittest.TextTestRunner(verbosity=2).run(suite)
# A test with several failed subtests counts once.
broken = {getattr(test, "test_case", test).id() for test, _ in result.failures + result.errors}
skipped = len(result.skipped)
passed = result.testsRun - len(broken) - skipped
print(f"{passed} passed, {len(broken)} failed" + (f", {skipped} skipped" if skipped else ""))
sys.exit(0 if passed > 0 and not broken else 1)
