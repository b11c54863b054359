"""Where the links of a built book lead: every address inside it, and every place on its page."""
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The ids and the addresses of one page."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.addresses = set(), []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.ids |= {attributes[name] for name in ("id", "name") if attributes.get(name)}
        for name in ("href", "src"):
            if attributes.get(name) and not (tag == "base"):
                self.addresses.append(attributes[name])


def broken(folder):
    """Every link of the book in this folder that leads nowhere, as text; and how many there are in all."""
    folder = Path(folder).resolve()
    pages = {path: Page(path.read_text()) for path in folder.rglob("*.html")}
    wrong, count = [], 0
    for path, page in pages.items():
        if path.name in ("404.html", "toc.html"):
            continue
        for address in page.addresses:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            count += 1
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if parts.path.endswith("/") or target.is_dir():
                target /= "index.html"
            if not target.is_file() or folder not in target.parents:
                wrong.append(f"{path.relative_to(folder)}: {address}")
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].ids:
                wrong.append(f"{path.relative_to(folder)}: {address} has no such place")
    return wrong, count


def summary(text):
    """The pages that SUMMARY.md names."""
    return re.findall(r"\]\(([^)]+\.md)\)", text)
