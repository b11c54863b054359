"""The guides, done: every page's commands in their order in a checkout of their own; and what pages say about other files."""
import os
import re
import tempfile
import unittest
from pathlib import Path

import yaml

import api_reference
import cluster
import network
from blocks import Unmarked, blocks
from guide import ROOT, Disappointed, Reader, checkout
from links import broken, summary

BOOK = ROOT / "docs/book/src"
# The ports of the guides are fixed, and somebody's hub may be on them. Where we are not root they have to be free.
network.leave()


def pages():
    return summary((BOOK / "SUMMARY.md").read_text())


class Guides(unittest.TestCase):
    """One test for each page that has commands; they are added below."""


def done(page):
    def test(self):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            folder = Path(folder)
            checkout(folder)
            with Reader(folder) as reader:
                for block in blocks((BOOK / page).read_text()):
                    print(f"{page}:{block.line} {block.mark} {block.value}", flush=True)
                    try:
                        reader.does(block)
                    except Disappointed as disappointed:
                        self.fail(f"{page}:{block.line}: {disappointed}")
    return test


for page in pages():
    if blocks((BOOK / page).read_text()):
        setattr(Guides, "test_" + re.sub(r"\W", "_", page.removesuffix(".md")), done(page))


class Cluster(unittest.TestCase):
    def test_what_the_guides_say_to_kubernetes_and_docker_is_there(self):
        seen = 0
        for page in pages():
            for block in blocks((BOOK / page).read_text()):
                if block.mark in ("kind", "compose"):
                    seen += 1
                    with self.subTest(f"{page}:{block.line}"):
                        cluster.check(block.text)
        self.assertGreater(seen, 5)

    def test_a_word_that_is_not_there_would_be_noticed(self):
        for wrong in (
            "kubectl aply -f config/samples/gohub.yaml",
            "kubectl apply -f config/samples/nothing.yaml",
            "kubectl wait gohub/gohub --for=condition=Redy",
            """kubectl patch gohub/gohub --type=merge -p '{"spec": {"config": {"log": {"levle": "debug"}}}}'""",
            "kubectl explain gohub.spec.config.heartbeet",
            "helm install gohub-operator charts/gohub",
            "helm install gohub-operator charts/gohub-operator --set imagee.tag=1",
            "for image in hub operater; do kind load image-archive target/images/$image.tar; done",
            "scripts/images.sh hubb",
            "docker compose --file config/compose/compose.yaml upp",
            "kubctl get pods",
        ):
            with self.subTest(wrong), self.assertRaises((cluster.Unknown, FileNotFoundError)):
                cluster.check(wrong)

    def test_a_wrong_image_or_setting_of_the_composition_would_be_noticed(self):
        document = yaml.safe_load((ROOT / "config/compose/compose.yaml").read_text())
        cluster.composition(document)
        for change in ({"image": "gohub:0.0.0"}, {"environment": {"GOHUB_CLUSTER__ENABLD": "true"}}, {"depends_on": ["etdc"]}):
            with self.subTest(change), self.assertRaises(cluster.Unknown):
                cluster.composition({"services": document["services"] | {"one": document["services"]["one"] | change}})

    def test_the_kubernetes_page_is_the_readmes(self):
        readme = (ROOT / "README.md").read_text()
        block = re.search(r"^```sh kubernetes\n(kind create.*?)^```$", readme, re.M | re.S).group(1)
        page = [block.text for block in blocks((BOOK / "kubernetes.md").read_text())]
        self.assertEqual(page[0] + page[1], block)


class Book(unittest.TestCase):
    def test_every_link_leads_somewhere(self):
        wrong, count = broken(os.environ["BOOK"])
        self.assertEqual(wrong, [])
        self.assertGreater(count, 300)

    def test_a_link_that_leads_nowhere_would_be_noticed(self):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "a.html").write_text('<h1 id="x">A</h1> <a href="b.html">b</a> <a href="#y">y</a> <a href="a.html#x">x</a>')
            self.assertEqual(broken(folder), (["a.html: b.html", "a.html: #y has no such place"], 3))

    def test_every_page_is_in_the_summary_and_every_page_of_the_summary_is_there(self):
        there = {str(path.relative_to(BOOK)) for path in BOOK.rglob("*.md")} - {"SUMMARY.md"}
        self.assertEqual(set(pages()), there)

    def test_included_files_are_in_the_book(self):
        book = Path(os.environ["BOOK"])
        for page, words in (("protocol.html", "exactly one message with the same"), ("reference/settings.html", "The public listener"),
                            ("reference/metrics.html", "gohub_connections_total"), ("reference/api.html", "/api/v1/revocations")):
            with self.subTest(page):
                text = (book / page).read_text()
                self.assertIn(words, text)
                self.assertNotIn("{{#include", text)

    def test_the_api_reference_is_made_from_the_openapi_document(self):
        self.assertEqual((ROOT / "docs/api.md").read_text(), api_reference.made())

    def test_a_block_without_a_mark_is_refused(self):
        for page in ("```sh\nls\n```\n", "```bash\nls\n```\n", "```console\n$ ls\n```\n", "```sh,runn\nls\n```\n"):
            with self.subTest(page), self.assertRaises(Unmarked):
                blocks(page)


class Readers(unittest.TestCase):
    """A page that promises something else is noticed."""

    def disappointed(self, page):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            checkout(Path(folder))
            with Reader(Path(folder)) as reader, self.assertRaises(Disappointed):
                for block in blocks(page):
                    reader.does(block)

    def test_a_command_that_fails(self):
        self.disappointed("```sh,run\nfalse\n```\n")

    def test_a_command_that_should_fail_and_does_not(self):
        self.disappointed("```sh,run,fails\ntrue\n```\n")

    def test_a_command_that_prints_something_else(self):
        self.disappointed("```sh,run,output\necho no\n```\n\n```text,output\nyes\n```\n")

    def test_a_hub_that_does_not_come_up(self):
        self.disappointed("```sh,serve=8080\nGOHUB_SERVER__ADDR=nonsense make run\n```\n")

    def test_settings_that_are_refused(self):
        self.disappointed("```yaml,settings\nlimits: {max_conections: 1}\n```\n")
