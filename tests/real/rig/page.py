"""What a person sees in an HTML page, without a browser: forms, links, messages, and where it goes on by itself."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

HIDDEN = {"head", "title", "style", "script", "template"}


@dataclass
class Form:
    action: str
    method: str
    fields: dict = field(default_factory=dict)
    inputs: dict = field(default_factory=dict)


class Page(HTMLParser):
    def __init__(self, text, url):
        super().__init__()
        self.url = url
        self.forms = []
        self.links = {}
        self.refresh = None
        self.alerts = []
        self.title = ""
        self._words = []
        self._open = []
        self._link = None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "meta" and (attributes.get("http-equiv") or "").lower() == "refresh":
            found = re.search(r"url\s*=\s*['\"]?([^'\"]+)", attributes.get("content") or "", re.I)
            self.refresh = urljoin(self.url, found.group(1).strip()) if found else None
        elif tag == "form":
            action = urljoin(self.url, attributes.get("action") or self.url)
            self.forms.append(Form(action, (attributes.get("method") or "get").upper()))
        elif tag in ("input", "button") and self.forms and attributes.get("name"):
            name = attributes["name"]
            self.forms[-1].inputs[name] = attributes
            if attributes.get("type") not in ("checkbox", "submit"):
                self.forms[-1].fields[name] = attributes.get("value") or ""
        elif tag == "a" and "href" in attributes:
            self._link = (urljoin(self.url, attributes["href"]), len(self._words))
        if tag not in ("meta", "input", "link", "br", "img", "hr"):
            self._open.append((tag, attributes, len(self._words)))

    def handle_endtag(self, tag):
        if tag == "a" and self._link:
            target, start = self._link
            self.links[" ".join(self._words[start:])] = target
            self._link = None
        while self._open:
            opened, attributes, start = self._open.pop()
            if attributes.get("role") == "alert":
                self.alerts.append(" ".join(self._words[start:]))
            if opened == tag:
                break

    def handle_data(self, data):
        words = " ".join(data.split())
        if not words:
            return
        enclosing = {tag for tag, _, _ in self._open}
        if "title" in enclosing and "svg" not in enclosing:
            self.title += words
        elif not enclosing & HIDDEN:
            self._words.append(words)

    @property
    def words(self):
        return " ".join(self._words)

    def form(self, path):
        """The form whose action is this path."""
        for form in self.forms:
            if form.action.split("?")[0].endswith(path):
                return form
        raise AssertionError(f"no form posts to {path} on {self.url}; the page says: {self.words}")
