"""libFuzzer on everything that a peer can send, for a short while each; the golden messages are the seeds."""
import os
import pathlib
import subprocess
import tempfile
import unittest

from person import BUILD
from vectors import read

# How long each target runs; a longer run is SECONDS_EACH=600 sdk/c/test.sh fuzzing
SECONDS = int(os.environ.get("SECONDS_EACH", "5"))


def frame(payload, opcode):
    """A frame as a hub sends it."""
    size = len(payload)
    head = bytes([0x80 | opcode, size]) if size < 126 else bytes([0x80 | opcode, 126, size >> 8, size & 255])
    return head + payload


class Fuzzing(unittest.TestCase):
    def run_for_a_while(self, target, seeds):
        with tempfile.TemporaryDirectory() as folder:
            for number, seed in enumerate(seeds):
                (pathlib.Path(folder) / f"seed-{number}").write_bytes(seed)
            run = subprocess.run(
                [BUILD / f"fuzz-{target}", folder, f"-max_total_time={SECONDS}", "-max_len=4096", "-timeout=10", "-print_final_stats=1",
                 f"-artifact_prefix={BUILD}/"],
                capture_output=True, text=True, errors="replace",
            )  # fmt: skip
        self.assertEqual(run.returncode, 0, run.stderr[-3_000:])
        runs = next(int(line.split()[-1]) for line in run.stderr.splitlines() if "number_of_executed_units" in line)
        print(f"{runs:,} runs ... ", end="", flush=True)
        self.assertGreater(runs, 1_000)

    def golden(self):
        return [vector for name in ("hub_messages.json", "requests.json", "refused.json") for vector in read(name)["vectors"]]

    def test_whatever_a_peer_sends_as_frames_stays_inside_the_buffers(self):
        texts = [frame(vector["json"].encode(), 1) for vector in self.golden() if "json" in vector]
        controls = [frame(b"", 9), frame(b"\x03\xe8bye", 8), b"\x01\x01a" + frame(b"p", 9) + b"\x80\x01b", frame(b"x" * 300, 2)]
        self.run_for_a_while("frame", [*texts, *controls])

    def test_whatever_is_no_json_is_refused_and_what_is_can_be_written_again(self):
        self.run_for_a_while("json", [vector["json"].encode() for vector in self.golden() if "json" in vector])

    def test_whatever_is_no_cbor_is_refused_and_what_is_can_be_written_again(self):
        self.run_for_a_while("cbor", [bytes.fromhex(vector["cbor"]) for vector in self.golden() if "cbor" in vector])

    def test_whatever_hub_network_and_application_do_each_request_is_settled_once_and_nothing_hangs(self):
        opens = bytes([0, 0, 0, 0, 5, 15, 0, 1, 1])
        asks = bytes([14, 0, 50, 0, 14, 3, 50, 0, 15, 2, 1, 9, 15, 2, 2, 9])
        breaks = bytes([12, 0, 3, 30, 5, 15, 1, 1, 4])
        self.run_for_a_while("client", [opens, opens + asks, opens + asks + breaks, opens + breaks + asks, opens + bytes([15, 7, 9, 9]) + asks + breaks])
