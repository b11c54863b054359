"""The machine and its parts with a made-up time: each test of tests/units.c as one of its own, under the sanitizers."""
import subprocess
import unittest

from person import BUILD


class Units(unittest.TestCase):
    pass


def run(name):
    def test(self):
        done = subprocess.run([BUILD / "units", name], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr[-3_000:])

    return test


for name in subprocess.run([BUILD / "units"], capture_output=True, text=True, check=True).stdout.split():
    setattr(Units, f"test_{name}", run(name))
