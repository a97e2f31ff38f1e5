"""What tests ask of a page of HTML."""

from __future__ import annotations

import base64
from html.parser import HTMLParser

VOID = {"meta", "img", "br", "source", "input"}


class Page(HTMLParser):
    """What a test asks of a page: its tags, its text by section, its pictures; badly nested tags are an error."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self._open: list[tuple[str, str | None]] = []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append((tag, dict(attrs).get("id")))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        for tag, key in self._open:
            if tag == "section" and key:
                self.texts[key] = self.texts.get(key, "") + data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def images(self) -> list[str]:
        """Every address that a browser would load a picture from."""
        found = [image["src"] for image in self.all("img")] + [source["srcset"] for source in self.all("source")]
        return [uri or "" for uri in found]

    def svgs(self) -> str:
        uris = [uri for uri in self.images if uri.startswith("data:image/svg+xml;base64,")]
        return "".join(base64.b64decode(uri.partition(",")[2]).decode() for uri in uris)
