"""The client and several real hubs over a real etcd: hubs die, are drained, are cut off, and nobody loses a word."""
import json
import signal
import time
import unittest
import urllib.error

from hub import Etcd, until
from hubs import Judge
from person import Person, Talk

PEOPLE = 100
etcd = hubs = None


def setUpModule():
    global etcd, hubs
    etcd = Etcd()
    hubs = etcd.hubs(2)


def tearDownModule():
    for hub in hubs:
        hub.stop()
    etcd.stop()


def urls():
    return [hub.url for hub in hubs]


def sides(person):
    """The hub this person is on, and the other one."""
    return (hubs[0], hubs[1]) if person.events("welcome")[-1]["node"] == "hub-0" else (hubs[1], hubs[0])


def meet(room, url, client_id, form="json"):
    return Person.in_rooms([room], url, client_id, form, request_ms=30_000)


class Cluster(unittest.TestCase):
    def killed(self, form):
        room = f"killed {form}"
        anna = meet(room, urls(), f"anna {form}", form)
        here, there = sides(anna)
        bert = meet(room, there.url, f"bert {form}", form)
        talk = Talk(bert, room)
        until("some were heard", lambda: len(anna.heard) > 5)
        here.signal(signal.SIGKILL)
        welcome = anna.tells("welcome", 2)
        count = talk.stop()
        self.assertEqual((welcome["resumed"], welcome["recovered"], welcome["rooms"]), (True, True, [room]))
        anna.hears(count - 1)
        self.assertEqual(anna.heard, [*range(count)], "every one, in order, once")
        here.restart()
        anna.leave()
        bert.leave()

    def test_json_a_hub_is_killed_and_the_client_goes_on_at_the_other_one_where_it_was_and_misses_nothing(self):
        self.killed("json")

    def test_cbor_a_hub_is_killed_and_the_client_goes_on_at_the_other_one_where_it_was_and_misses_nothing(self):
        self.killed("cbor")

    def test_a_publisher_whose_hub_is_killed_repeats_what_was_not_answered_and_each_is_delivered_once(self):
        carl = meet("publisher", urls(), "carl")
        here, there = sides(carl)
        dana = meet("publisher", there.url, "dana")
        tags = [carl.tell("publish", "publisher", str(n)) for n in range(8)]
        here.signal(signal.SIGKILL)
        offsets = {carl.answer(tag)["offset"] for tag in tags}
        until("all of them", lambda: len(dana.heard) >= 8)
        self.assertEqual(sorted(dana.heard), [*range(8)])
        self.assertEqual(offsets, {each["offset"] for each in dana.events("message")})
        here.restart()
        carl.leave()
        dana.leave()

    def test_a_hub_is_drained_and_everybody_goes_in_their_own_slot_without_a_back_off_on_top_and_misses_nothing(self):
        emil = meet("drained", urls(), "emil")
        here, there = sides(emil)
        fred = meet("drained", there.url, "fred")
        talk = Talk(fred, "drained")
        here.call("POST", "drain")
        drain = emil.tells("drain")
        welcome = emil.tells("welcome", 2)
        count = talk.stop()
        self.assertTrue(welcome["recovered"] and drain["reason"])
        emil.hears(count - 1)
        self.assertEqual(emil.heard, [*range(count)])

        def began(state):
            return [each["at"] for each in emil.events("state") if each["state"] == state]

        took = began("connecting")[1] - began("waiting")[0]
        slot = drain["reconnect_in_ms"]
        # A timer may be a moment late, and never early.
        self.assertTrue(slot - 2 <= took < slot + 400, f"slot {slot} ms, came after {took} ms")
        self.assertEqual(len(began("draining")), 1)
        until("the drained hub has ended", here.gone)
        here.restart()
        emil.leave()
        fred.leave()

    def test_the_bus_goes_away_and_the_client_hears_of_the_mode_and_its_end_and_what_it_says_is_said_then(self):
        gina = meet("mode", urls(), "gina")
        etcd.signal(signal.SIGSTOP)
        try:
            tag = gina.tell("publish", "mode", '"patience"')
            self.assertEqual(gina.tells("mode")["mode"], "degraded")
        finally:
            etcd.signal(signal.SIGCONT)
        self.assertEqual(gina.tells("mode", 2)["mode"], "normal")
        gina.answer(tag)
        gina.hears("patience")
        self.assertEqual(len(gina.heard), 1)
        gina.leave()

    def test_a_storm_of_people_lose_their_hub_at_once_come_back_and_nobody_misses_a_word(self):
        crowd = [meet("storm", urls(), f"p{n}", "cbor" if n % 2 else "json") for n in range(PEOPLE)]
        gone, stays = hubs
        voice = meet("storm", stays.url, "voice")
        talk = Talk(voice, "storm")
        until("all hear", lambda: all(each.heard for each in crowd))
        lost = [each for each in crowd if sides(each)[0] is gone]
        self.assertGreater(len(lost), PEOPLE / 5)
        gone.signal(signal.SIGKILL)
        until("all are back", lambda: all(len(each.events("welcome")) > 1 for each in lost), 60)
        count = talk.stop()
        for each in crowd:
            each.hears(count - 1, 60)
            # Those who came into the room before the voice heard all of it.
            self.assertEqual(each.heard, [*range(count)], each.client_id)
            self.assertEqual(each.events("gap"), [])
        gone.restart()
        for each in [*crowd, voice]:
            each.leave()


class ClusterTickets(unittest.TestCase):
    def test_a_hub_is_killed_and_nobody_who_comes_back_to_the_other_one_is_judged_anew(self):
        judge = Judge()
        own = etcd_of_its_own = Etcd()
        self.addCleanup(etcd_of_its_own.stop)
        pair = own.hubs(2, auth=judge.auth("2m"))
        for hub in pair:
            self.addCleanup(hub.stop)

        def gives_tickets(hub):
            early = Person.in_rooms([], hub.url, token="early")
            given = early.tells("welcome").get("ticket_life_ms")
            early.leave()
            return given

        # A hub has the keys of tickets a moment after it is ready.
        for hub in pair:
            until("it gives tickets", lambda: gives_tickets(hub))
        judge.asked = 0
        crowd = [Person.in_rooms(["storm"], [hub.url for hub in pair], token=f"t{n}") for n in range(16)]
        self.assertEqual(judge.asked, len(crowd))
        pair[0].signal(signal.SIGKILL)
        lost = [each for each in crowd if each.tells("welcome")["node"] == "hub-0"]
        self.assertTrue(lost)
        for each in lost:
            self.assertTrue(each.tells("welcome", 2)["recovered"])
        self.assertEqual(judge.asked, len(crowd), "the tickets opened the door")
        for each in crowd:
            each.leave()
