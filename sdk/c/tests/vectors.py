"""The golden messages of sdk/protocol/vectors, which the hub and every SDK run, in both forms."""
import json
import pathlib
import subprocess
import unittest

from person import BUILD

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "protocol/vectors"


def read(name):
    return json.loads((FOLDER / name).read_text())


class Codec:
    """tests/codec.c, at the other end of a pipe."""

    def __init__(self):
        self.child = subprocess.Popen([BUILD / "codec"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __call__(self, *words):
        self.child.stdin.write(("\t".join(words) + "\n").encode())
        self.child.stdin.flush()
        line = self.child.stdout.readline()
        assert line, "the codec ended: a sanitizer found something"
        return json.loads(line)

    def read(self, form, text):
        return self("read", form, text if form == "cbor" else text.encode().hex())


codec = Codec()


def expected(message):
    """The message as dump.c shows it: data as the text it was written with, absent fields left out."""
    fields = {name: value for name, value in message.items() if name != "data" or "data_text" not in message}
    if "data" in fields:
        fields["data_text"] = json.dumps(fields.pop("data"), ensure_ascii=False)
    if "messages" in fields:
        fields["messages"] = [expected(each) for each in fields["messages"]]
    return {"read": True, **fields}


def comparable(dumped):
    """Data without a text of its own in the vector counts by its value."""
    if dumped is None:
        return None
    if "data_text" in dumped:
        dumped["data_value"] = json.loads(dumped["data_text"])
    dumped["messages"] = [comparable(each) for each in dumped.get("messages", [])]
    return dumped


def without_text(envelope):
    return {
        **{name: value for name, value in envelope.items() if name != "data_text"},
        "messages": [without_text(each) for each in envelope["messages"]],
    }


class Vectors(unittest.TestCase):
    def same(self, dumped, vector):
        wanted = comparable(expected(vector["message"]))
        self.assertIsNotNone(dumped, vector["name"])
        self.assertEqual(without_text(comparable(dumped)), without_text(wanted), vector["name"])
        if "data_text" in vector["message"]:
            self.assertEqual(dumped["data_text"], vector["message"]["data_text"], "untouched, byte for byte")


def readable(vector):
    def test(self):
        self.same(codec.read("json", vector["json"]), vector)
        self.same(codec.read("cbor", vector["cbor"]), vector)

    return test


def writable(vector):
    def test(self):
        words = []
        message = vector["message"]
        for name, value in message.items():
            if name == "data_hex":
                words.append(f"data_hex={value}")
            elif name == "data_text":
                words.append(f"data_text_hex={value.encode().hex()}")
            elif name != "data":
                words.append(f"{name}={value}")
        written = codec("write", "json", *words)
        self.assertEqual(json.loads(bytes.fromhex(written)), json.loads(vector["json"]))
        again = codec("read", "json", written)
        self.same(again, vector)
        binary = codec("write", "cbor", *words)
        self.assertEqual(len(binary), len(vector["cbor"]), "shortest form")
        self.same(codec.read("cbor", binary), vector)

    return test


def harmless(vector):
    """What a hub refuses, a client may read as it likes, as long as nothing breaks."""

    def test(self):
        for form in ("json", "cbor"):
            if form in vector:
                codec.read(form, vector[form])
        if "cbor" in vector and vector["says"] in ("CBOR map", "not valid CBOR", "follows"):
            self.assertIsNone(codec.read("cbor", vector["cbor"]))
        if "json" in vector and vector["says"] in ("not valid JSON", "JSON object", "follows"):
            self.assertIsNone(codec.read("json", vector["json"]))

    return test


def cut_anywhere(vector):
    """Of a message that breaks off at any byte nothing is read that is not in it."""

    def test(self):
        whole = comparable(expected(vector["message"]))
        # Base64 counts as text as long as `encoding` has not come.
        opaque = "data_hex" in whole
        for form in ("json", "cbor"):
            text = vector[form].encode().hex() if form == "json" else vector[form]
            for size in range(0, len(text), 2):
                self.assertIsNone(codec("read", form, text[:size]))
                for name, value in comparable(codec("cut", form, text[:size])).items():
                    if name not in ("read", "messages", "data_value", "data_hex", "from", "to") and not (opaque and name == "data_text"):
                        self.assertEqual(value, whole[name])

    return test


for kind, file, make in [
    ("is read from both forms", "hub_messages.json", readable),
    ("is read from both forms", "requests.json", readable),
    ("is written as something equal", "requests.json", writable),
    ("is refused or harmless", "refused.json", harmless),
    ("may break off anywhere", "hub_messages.json", cut_anywhere),
]:
    for number, vector in enumerate(read(file)["vectors"]):
        setattr(Vectors, f"test {file}: {number} {vector['name']} {kind}", make(vector))


class Tables(unittest.TestCase):
    def test_every_table_of_tables_json_is_in_this_library_and_nothing_that_is_not_there(self):
        tables, ours = read("tables.json"), codec("tables")
        for field in tables["fields"]:
            self.assertEqual(ours["fields"][field["key"]], field["name"])
        self.assertEqual(len(ours["fields"]), len(tables["fields"]))
        named = [each if isinstance(each, str) else each["name"] for each in tables["gap_reasons"]]
        self.assertEqual(ours["gap_reasons"], named)
        self.assertEqual(ours["error_codes"], [each["name"] for each in tables["error_codes"]])
        self.assertEqual(ours["ids"], {each["name"]: each["id"] for each in tables["ids"]})
        self.assertEqual(ours["first_application_id"], tables["first_application_id"])
        self.assertEqual(ours["subprotocols"], tables["subprotocols"])

    def test_fields_that_this_version_does_not_know_are_skipped(self):
        self.assertEqual(codec.read("cbor", "a300021863fb3ff000000000000005627031"), {"read": True, "message_id": 2, "ref": "p1"})
        self.assertEqual(
            codec.read("json", '{"message_id":2,"later":{"a":[1,{}],"b":"\\u0041"},"ref":"p1"}'),
            {"read": True, "message_id": 2, "ref": "p1"},
        )

    def test_what_is_nested_without_end_is_refused_and_uses_no_stack(self):
        self.assertIsNone(codec.read("json", '{"message_id":20,"data":' + "[" * 50_000 + "]" * 50_000 + "}"))
        self.assertIsNone(codec.read("json", '{"message_id":20,"later":' + '{"a":' * 20_000 + "1" + "}" * 20_000 + "}"))
        self.assertIsNone(codec.read("cbor", "a200011863" + "81" * 40_000 + "01"))
        deep = '{"message_id":20,"data":' + "[" * 100 + "]" * 100 + "}"
        self.assertEqual(codec.read("json", deep)["message_id"], 20)

    def test_data_that_is_no_json_is_never_written(self):
        for text in ['1,"from":"admin"', "", "{", "[1,]", "01", "1.", '"\\x"', "nul", "1 2", '"a\nb"']:
            for form in ("json", "cbor"):
                self.assertIsNone(codec("write", form, "message_id=20", f"data_text_hex={text.encode().hex()}"), text)
