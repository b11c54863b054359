"""The samples do what they say, against a real hub, in their default memory and under the sanitizers."""
import re
import subprocess
import unittest

from hub import Hub, PATIENCE_S, until
from person import BUILD, Person

hub = None


def setUpModule():
    global hub
    hub = Hub()


def tearDownModule():
    hub.stop()


class Samples(unittest.TestCase):
    def test_the_sensor_publishes_readings_that_are_acked_and_does_what_it_is_told_and_survives_a_kill(self):
        watcher = Person.in_rooms(["plant"], hub.url, "watcher")
        sensor = subprocess.Popen([BUILD / "sensor", hub.url, "t1", "plant"], stdout=subprocess.PIPE, text=True)
        self.addCleanup(sensor.kill)
        until("a reading", lambda: watcher.heard)
        watcher.ask("unicast", "t1", '{"every_ms": 20}')
        until("many readings", lambda: len(watcher.heard) > 20)
        keys = [each["key"] for each in watcher.events("message")]
        self.assertTrue(all(key.startswith("t1#") for key in keys) and len(set(keys)) == len(keys))
        self.assertEqual([each["n"] for each in watcher.heard], [*range(len(watcher.heard))], "every one, in order, once")
        hub.stop()
        hub.restart()
        watcher.tells("welcome", 2)
        before = len(watcher.heard)
        until("readings go on", lambda: len(watcher.heard) > before + 5)
        watcher.ask("unicast", "t1", '{"stop": true}')
        said, _ = sensor.communicate(timeout=PATIENCE_S)
        self.assertEqual(sensor.returncode, 0, said)
        self.assertIn("acked 20", said)
        self.assertIn("reading every 20 ms", said)
        watcher.leave()

    def test_a_loop_without_threads_serves_its_other_task_while_it_talks(self):
        friend = Person.in_rooms(["loops"], hub.url, "friend")
        loop = subprocess.Popen([BUILD / "loop", hub.url, "looper", "loops", "3"], stdout=subprocess.PIPE, text=True)
        friend.hears("here")
        for n in range(100):
            friend.publish("loops", n)
        said, _ = loop.communicate(timeout=PATIENCE_S)
        blinked, heard = map(int, re.match(r"blinked (\d+), heard (\d+)", said).groups())
        # Its own word and the friend's; thirty blinks in three seconds, fewer on a machine that has other work, too.
        self.assertEqual((loop.returncode, heard), (0, 101))
        self.assertGreater(blinked, 10)
        friend.leave()
