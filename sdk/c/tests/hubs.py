"""The client against one real hub: what an application does on a good day, in both forms, and on a bad one."""
import base64
import hashlib
import hmac
import http.server
import json
import signal
import threading
import time
import unittest

from hub import Hub, until
from person import Failed, Person, offset, passed

# Messages that a slow client does not read: more than the sockets of both sides hold.
FLOOD = 12_000
hub = None


def setUpModule():
    global hub
    hub = Hub(rooms={"defaults": {"presence_changes": True}})


def tearDownModule():
    hub.stop()


def code(call, *words):
    """The code a request failed with, or ok."""
    try:
        call(*words)
        return "ok"
    except Failed as failed:
        return failed.code


SECRET = "a-secret-of-at-least-thirty-two-characters"
JWT = {"hmac_secrets": [SECRET], "leeway": "0s", "expiry_warning": "1s"}
ALLOW = ["join", "publish", "presence", "history"]


def jwt(seconds, **claims):
    def part(value):
        return base64.urlsafe_b64encode(value).rstrip(b"=")

    header = part(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
    body = header + b"." + part(json.dumps({**claims, "exp": int(time.time()) + seconds}).encode())
    return (body + b"." + part(hmac.digest(SECRET.encode(), body, hashlib.sha256))).decode()


class OneHub(unittest.TestCase):
    def both(self, form):
        room = f'lobby {form}, "größer" 部屋'
        alice = Person.in_rooms([room], hub.url, f"alice {form}", form)
        self.assertFalse(alice.tells("welcome")["resumed"])
        bob = Person.in_rooms([room], hub.url, f"bob-{form}", form)
        until("alice sees bob come", lambda: any(json.loads(each["data_text"]).get("joined") == f"bob-{form}" for each in alice.events("presence")))
        first = alice.publish(room, {"text": "hi", "n": [1, 2.5, None]}, "chat", "k1")
        again = alice.publish(room, {"text": "hi", "n": [1, 2.5, None]}, "", "k1")
        self.assertEqual(again["offset"], first["offset"], "the same key: acked with the first one's offset, delivered once")
        bob.ask("publish", room, "#00ff80")
        until("alice hears both", lambda: len(alice.heard) == 2)
        said = alice.events("message")[0]
        self.assertEqual(
            {name: said[name] for name in ("message_id", "message_type", "room", "from", "key", "offset")},
            {"message_id": 22, "message_type": "chat", "room": room, "from": f"alice {form}", "key": "k1", "offset": first["offset"]},
        )
        self.assertEqual(alice.heard, [{"text": "hi", "n": [1, 2.5, None]}, b"\x00\xff\x80"])
        page = alice.ask("presence", room)
        self.assertEqual((sorted(page["clients"]), page["total"]), ([f"alice {form}", f"bob-{form}"], 2))
        one = alice.ask("presence", room, "", 1)
        two = alice.ask("presence", room, "", 1, one["next"])
        self.assertEqual(len({*one["clients"], *two["clients"]}), 2)
        history = bob.ask("history", room, "", 10)
        texts = [each.get("data_text", each.get("data_hex")) for each in history["messages"] if each["message_id"] == 22]
        self.assertEqual((texts, history["complete"]), (['{"text": "hi", "n": [1, 2.5, null]}', "00ff80"], True))
        since = bob.ask("history", room, first["offset"])
        self.assertTrue(all(each["offset"] != first["offset"] for each in since["messages"]))
        bob.ask("unicast", f"alice {form}", '"psst"')
        bob.ask("broadcast", "", '"all"')
        alice.hears("all")
        self.assertTrue("psst" in alice.heard and "psst" not in bob.heard)
        self.assertIn("offset", alice.ask("ping"))
        bob.ask("leave", room)
        until("alice sees bob go", lambda: any(json.loads(each["data_text"]).get("left") == f"bob-{form}" for each in alice.events("presence")))
        self.assertFalse(bob.inside(room))
        for person in (alice, bob):
            self.assertTrue(person.in_order)
            self.assertEqual(person.events("error") + person.events("gap"), [])
            person.leave()

    def test_json_two_people_meet_in_a_room_talk_see_each_other_and_look_back(self):
        self.both("json")

    def test_cbor_two_people_meet_in_a_room_talk_see_each_other_and_look_back(self):
        self.both("cbor")

    def errors(self, form):
        carol = Person.in_rooms([], hub.url, f"carol-{form}", form)
        asked = [("join", "no/good"), ("unicast", "nobody", "1"), ("send", 4711, "1"), ("join", "fine"), ("publish", "fine", '"' + "x" * 3000 + '"')]
        codes = [code(carol.ask, *words) for words in asked]
        self.assertEqual(codes, ["bad_room", "client_unknown", "unknown_message", "ok", "too_large"])
        self.assertEqual([code(carol.ask, "publish", "fine", text) for text in ("{", '"\udc00"'.encode("utf-8", "surrogatepass").decode("latin-1"), "1,2")], ["bad_argument", "ok", "bad_argument"])
        self.assertEqual((carol.state, carol.inside("fine"), carol.inside("no/good")), ("open", True, False))
        carol.leave()

    def test_json_errors_fail_their_request_and_nothing_else(self):
        self.errors("json")

    def test_cbor_errors_fail_their_request_and_nothing_else(self):
        self.errors("cbor")

    def test_what_is_asked_for_before_the_connection_is_there_is_done_when_it_is(self):
        early = Person(hub.url, "early")
        tags = [early.tell("join", "dawn"), early.tell("publish", "dawn", '"first"'), early.tell("publish", "dawn", '"second"')]
        early.tell("connect")
        for tag in tags:
            early.answer(tag)
        early.hears("second")
        self.assertEqual(early.heard, ["first", "second"])
        early.leave()

    def test_more_requests_than_there_is_room_for_are_refused_at_once_and_the_others_are_done(self):
        full = Person(hub.url, "full")
        tags = [full.tell("publish", "full", str(n)) for n in range(12)]
        codes = [code(full.answer, tag) for tag in tags[8:]]
        self.assertEqual(codes, ["queue_full"] * 4)
        full.tell("connect")
        for tag in tags[:8]:
            full.answer(tag)
        full.leave()

    def test_a_nameless_client_keeps_its_name_its_rooms_and_its_place_when_its_connection_breaks(self):
        nobody = Person.in_rooms(["cut"], hub.url)
        other = Person.in_rooms([], hub.url, "cutter")
        nobody.tell("break")
        nobody.is_("waiting")
        other.publish("cut", "meanwhile")
        nobody.hears("meanwhile")
        first, second = nobody.tells("welcome"), nobody.tells("welcome", 2)
        self.assertEqual(
            (second["client_id"], second["resumed"], second["recovered"], second["rooms"]), (first["client_id"], True, True, ["cut"])
        )
        nobody.leave()
        other.leave()

    def test_a_publish_whose_answer_was_lost_is_repeated_with_its_key_and_delivered_once(self):
        hedy = Person.in_rooms(["once"], hub.url, "hedy")
        witness = Person.in_rooms(["once"], hub.url, "witness")
        # It does not read: the ack never comes, although the hub has the message.
        hedy.tell("pause")
        tag = hedy.tell("publish", "once", '"only once"')
        witness.hears("only once")
        hedy.tell("break")
        hedy.tell("resume")
        ack = hedy.answer(tag)
        witness.publish("once", "end")
        witness.hears("end")
        self.assertEqual(witness.heard, ["only once", "end"])
        self.assertEqual(ack["offset"], witness.tells("message")["offset"])
        hedy.leave()
        witness.leave()

    def test_a_publish_without_a_key_is_not_repeated_and_says_that_nobody_knows(self):
        una = Person.in_rooms([], hub.url, "una")
        witness = Person.in_rooms(["twice"], hub.url, "witness")
        una.tell("pause")
        tag = una.tell("publish", "twice", '"perhaps"', "", "", "", "", "once")
        witness.hears("perhaps")
        una.tell("break")
        una.tell("resume")
        with self.assertRaises(Failed) as failed:
            una.answer(tag)
        self.assertEqual((failed.exception.code, failed.exception.uncertain), ("connection_lost", True))
        una.is_("open")
        self.assertEqual(witness.heard, ["perhaps"])
        witness.leave()
        una.leave()

    def test_a_client_that_is_kicked_stays_away_and_is_told_why(self):
        dora = Person.in_rooms(["lobby"], hub.url, "dora")
        hub.call("DELETE", "clients/dora")
        self.assertEqual((dora.tells("closed")["code"], dora.state), (4500, "closed"))
        self.assertEqual(code(dora.publish, "lobby", 1), "closed")
        dora.tell("connect")
        until("back in its room", lambda: dora.inside("lobby"))
        dora.leave()

    def test_a_client_that_closes_is_closed_leaves_its_rooms_and_can_come_back(self):
        eve = Person.in_rooms(["exit"], hub.url, "eve")
        watcher = Person.in_rooms(["exit"], hub.url, "watcher")
        eve.tell("close")
        until("the others see it go", lambda: any(json.loads(each["data_text"]).get("left") == "eve" for each in watcher.events("presence")))
        self.assertEqual([each["code"] for each in eve.events("closed")], [1000])
        watcher.publish("exit", "meanwhile")
        eve.tell("connect")
        eve.hears("meanwhile")
        self.assertTrue(eve.tells("welcome", 2)["recovered"])
        eve.leave()
        watcher.leave()

    def test_what_is_larger_than_the_receive_buffer_is_told_as_a_gap_and_the_connection_lives_on(self):
        small = Person.in_rooms(["large"], hub.url, "small")
        hub.call("POST", "rooms/large/messages", {"data": "x" * 5_000})
        gap = small.tells("gap")
        self.assertEqual((gap["reason"], gap["count"], gap["from"]), ("too_large", 1, gap["to"]))
        self.assertEqual(gap["position"], gap["to"])
        self.assertEqual(code(small.ask, "history", "large", "", 5), "too_large")
        small.publish("large", "still here")
        small.hears("still here")
        self.assertEqual(len(small.events("welcome")), 1)
        small.leave()

    def test_the_back_end_puts_a_client_into_a_room_and_takes_it_out(self):
        moved = Person.in_rooms([], hub.url, "moved")
        hub.call("PUT", "clients/moved/rooms/placed")
        self.assertEqual(moved.tells("joined")["room"], "placed")
        self.assertTrue(moved.inside("placed"))
        moved.tell("break")
        moved.tells("welcome", 2)
        until("in it again", lambda: moved.inside("placed"))
        hub.call("DELETE", "clients/moved/rooms/placed")
        self.assertEqual(moved.tells("left")["room"], "placed")
        self.assertFalse(moved.inside("placed"))
        moved.leave()


class OwnHub(unittest.TestCase):
    def own(self, **settings):
        own = Hub(**settings)
        self.addCleanup(own.stop)
        return own

    def test_a_hub_that_is_killed_and_started_anew_has_another_epoch_and_the_client_is_told_of_the_gap(self):
        own = self.own()
        fay = Person.in_rooms(["home"], own.url, "fay")
        fay.publish("home", "before")
        fay.hears("before")
        own.signal(signal.SIGKILL)
        fay.tells("trouble")
        own.restart()
        welcome = fay.tells("welcome", 2)
        self.assertEqual((welcome["resumed"], welcome["recovered"]), (True, False))
        self.assertNotEqual(welcome["epoch"], fay.tells("welcome")["epoch"])
        self.assertEqual(fay.tells("gap")["reason"], "epoch_changed")
        fay.publish("home", "after")
        fay.hears("after")
        fay.leave()

    def test_a_hub_that_stands_still_is_left_after_a_ping_without_an_answer_and_found_again_when_it_goes_on(self):
        own = self.own(heartbeat={"interval": "1s", "timeout": "1s"})
        gus = Person.in_rooms(["home"], own.url, "gus", connect_ms=2_000)
        own.signal(signal.SIGSTOP)
        gus.is_("waiting")
        own.signal(signal.SIGCONT)
        gus.is_("open")
        self.assertTrue(gus.tells("welcome", 2)["recovered"])
        gus.leave()

    def test_quiet_people_keep_their_connection_for_many_heartbeats(self):
        own = self.own(heartbeat={"interval": "1s", "timeout": "1s", "app_interval": "1s"})
        ivy = Person.in_rooms([], own.url, "ivy")
        until("five seconds went by", passed(5))
        self.assertEqual((len(ivy.events("welcome")), ivy.state), (1, "open"))
        ivy.leave()

    def slow(self, policy):
        own = self.own(
            slow_client={"policy": policy, "max_pending": "64KiB", "max_age": "60s"},
            server={"send_buffer": "16KiB"},
            heartbeat={"interval": "60s", "timeout": "60s"},
        )
        lag = Person.in_rooms(["flood"], own.url, "lag")
        lag.tell("pause")
        text = "x" * 500
        for n in range(0, FLOOD, 1_000):
            own.call("POST", "batch", {"messages": [{"room": "flood", "data": f"{n + k} {text}"} for k in range(1_000)]})
        lag.tell("resume")
        own.call("POST", "rooms/flood/messages", {"data": "end"})

        def missed():
            return sum(gap["count"] for gap in lag.events("gap"))

        until("every message was heard or counted", lambda: len(lag.events("message")) + missed() == FLOOD + 1)
        self.assertTrue(lag.in_order)
        if policy == "drop":
            self.assertTrue(missed() > 0 and all(gap["reason"] == "slow_client" for gap in lag.events("gap")))
            self.assertEqual(len(lag.events("welcome")), 1)
        else:
            later = lag.events("welcome")[1:]
            self.assertTrue(later and all(welcome["recovered"] for welcome in later))
            self.assertEqual(missed(), 0, "resumed: nothing is missing")
        lag.leave()

    def test_a_client_that_reads_too_slowly_is_told_what_it_missed(self):
        self.slow("drop")

    def test_a_client_that_reads_too_slowly_and_is_cut_off_comes_back_and_misses_nothing(self):
        self.slow("kick")

    def test_a_hub_that_is_full_says_when_to_come_and_is_then_asked_again(self):
        own = self.own(limits={"max_connections": 1, "retry_after": "1s"})
        first = Person.in_rooms([], own.url, "first")
        second = Person(own.url, "second")
        second.tell("connect")
        second.is_("waiting")
        began = time.monotonic()
        first.leave()
        second.is_("open")
        self.assertGreater(time.monotonic() - began, 0.7, "not before the time that Retry-After named")
        second.leave()

    def test_a_hub_that_limits_a_clients_rate_tells_it_to_wait_and_the_next_message_leaves_after_that(self):
        own = self.own(limits={"message_rate": 3, "message_burst": 5})
        hasty = Person.in_rooms(["rate"], own.url, "hasty", request_ms=30_000)
        tags = []
        while not hasty.events("retry"):
            tags += [hasty.tell("publish", "rate", str(len(tags) + n)) for n in range(6)]
            for tag in tags[-6:]:
                hasty.answer(tag)
        retry = hasty.tells("retry")
        late = hasty.publish("rate", "late")
        self.assertGreaterEqual(late["at"] - retry["at"], retry["after_ms"] - 10)
        hasty.hears("late")
        self.assertEqual(hasty.heard, [*range(len(tags)), "late"])
        hasty.leave()

    def answer_tokens(self, person, tokens):
        """Gives a token each time one is asked for; counts them in `asked`."""
        person.asked = 0

        def run():
            while person.child.poll() is None:
                while len(person.events("ask_token")) > person.asked:
                    person.asked += 1
                    person.tell("token", tokens(person.asked))
                time.sleep(0.01)

        threading.Thread(target=run, daemon=True).start()

    def test_a_token_that_ends_is_replaced_on_the_living_connection_and_rooms_the_new_one_does_not_allow_are_left(self):
        own = self.own(auth={"required": True, "jwt": JWT})
        jan = Person(own.url, ask=True)

        def token(n):
            rooms = [{"pattern": "*" if n == 1 else "public", "allow": ALLOW}]
            return jwt(3 if n < 3 else 3_600, sub="jan", capabilities={"rooms": rooms, "clients": ["**"], "broadcast": True})

        self.answer_tokens(jan, token)
        jan.tell("connect")
        self.assertEqual(jan.tells("welcome")["client_id"], "jan")
        jan.ask("join", "public")
        jan.ask("join", "private")
        until("two refreshes", lambda: jan.asked == 3)
        self.assertEqual(jan.tells("left")["room"], "private")
        jan.publish("public", "still here")
        jan.ask("refresh", token(3))
        self.assertEqual((len(jan.events("welcome")), jan.inside("public"), jan.inside("private")), (1, True, False))
        self.assertEqual(code(jan.ask, "refresh", "not-a-token-at-all"), "unauthorized")
        self.assertEqual(jan.state, "open")
        jan.leave()

    def test_a_connection_that_its_token_closes_comes_back_at_once_with_a_new_one_and_misses_nothing(self):
        own = self.own(auth={"required": True, "jwt": {**JWT, "expiry_warning": "0s"}})
        kim = Person(own.url, ask=True)
        self.answer_tokens(kim, lambda n: jwt(2 if n == 1 else 3_600, sub="kim"))
        kim.tell("connect")
        kim.tells("welcome")
        kim.ask("join", "news")
        lea = Person.in_rooms(["news"], own.url, token=jwt(3_600, sub="lea"))
        said = 0
        while len(kim.events("welcome")) < 2:
            lea.publish("news", said)
            said += 1
        lea.publish("news", "end")
        self.assertTrue(kim.tells("welcome", 2)["recovered"])
        kim.hears("end")
        self.assertEqual(kim.heard, [*range(said), "end"])
        self.assertEqual(kim.asked, 2)
        kim.leave()
        lea.leave()

    def test_a_wrong_token_is_the_end_and_no_event_ever_shows_one(self):
        own = self.own(auth={"required": True, "jwt": JWT})
        token = jwt(-60, sub="mia")
        mia = Person(own.url, token=token)
        mia.tell("connect")
        self.assertEqual(mia.tells("closed")["code"], 401)
        self.assertNotIn(token[:20], json.dumps(mia.told))
        for url in ("ws://[broken", "http://hub/ws", "ws://hub/ws\r\nX: y", "ws://"):
            self.assertEqual(Person(url, token="s3cret").child.wait(), 1, url)


class Judge:
    """A server that judges tokens: the token is the name."""

    def __init__(self):
        judge = self
        self.asked = 0

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                judge.asked += 1
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                answer = json.dumps({"client_id": body["token"]}).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def auth(self, life):
        """The hub's settings."""
        url = f"http://127.0.0.1:{self.server.server_address[1]}/"
        return {"required": True, "hook": {"url": url, "cache": "0s", "stale": "0s"}, "ticket": {"life": life}}


class Tickets(unittest.TestCase):
    def test_a_ticket_is_replaced_before_its_life_is_over_and_used_once_each_time(self):
        judge = Judge()
        own = Hub(auth=judge.auth("5s"))
        self.addCleanup(own.stop)
        rosa = Person.in_rooms(["again"], own.url, token="rosa")
        for n in (2, 3):
            until("longer than a life went by", passed(5.5))
            rosa.tell("break")
            self.assertTrue(rosa.tells("welcome", n)["recovered"])
        self.assertEqual(judge.asked, 1)
        self.assertTrue(all(each.get("ticket", "") == "" for each in rosa.told), "and is shown to nobody")
        rosa.leave()

    def test_somebody_to_whom_nothing_was_said_for_longer_than_the_hub_keeps_comes_back_and_has_missed_nothing(self):
        own = Hub(retention={"max_age": "2s"}, heartbeat={"interval": "1s", "timeout": "5s", "app_interval": "500ms"})
        self.addCleanup(own.stop)
        sven = Person.in_rooms(["quiet"], own.url, "sven")
        tina = Person.in_rooms(["busy"], own.url, "tina")
        over, said = passed(5), 0
        while not over():
            tina.publish("busy", said)
            said += 1
        sven.tell("break")
        self.assertTrue(sven.tells("welcome", 2)["recovered"])
        self.assertEqual((sven.events("gap"), sven.heard), ([], []))
        positions = [offset(each["position"]) for each in sven.told if "position" in each]
        self.assertEqual(positions, sorted(positions), "a position never goes back")
        sven.leave()
        tina.leave()
