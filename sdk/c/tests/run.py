#!/usr/bin/env python3
"""Runs the tests of the C client: run.py [NAME ...], the names of files beside this one; closes with 'N passed, N failed'."""
import faulthandler
import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ALL = ["builds", "memory", "vectors", "units", "fuzzing", "samples", "hubs", "cluster"]
# No run takes longer; one that hangs fails.
LONGEST_S = 560

sys.path.insert(0, str(HERE))
faulthandler.dump_traceback_later(LONGEST_S, exit=True)


class Sentences(unittest.TextTestResult):
    """Each test as the sentence that it is."""

    def getDescription(self, test):
        return test._testMethodName.removeprefix("test").replace("_", " ").strip()


names = sys.argv[1:] or ALL
suite = unittest.TestSuite(unittest.defaultTestLoader.loadTestsFromName(name) for name in names)
result = unittest.TextTestRunner(resultclass=Sentences, verbosity=2).run(suite)
failed = len(result.failures) + len(result.errors)
print(f"{result.testsRun - failed - len(result.skipped)} passed, {failed} failed", flush=True)
sys.exit(0 if failed == 0 and result.testsRun > 0 else 1)
