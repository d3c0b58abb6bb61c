"""The text of a description that is written in HTML, as Zenodo takes it. Nothing in it is acted on."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Final

_BREAKS: Final = frozenset(
    ("address", "blockquote", "br", "dd", "div", "dt", "li", "p", "pre", "tr", "ul", "ol", "table")
)
_HIDDEN: Final = frozenset(("script", "style", "template", "title"))
_LOOKS_LIKE = re.compile(r"</?[A-Za-z][^<>]*>|&(#\d+|#[xX][0-9a-fA-F]+|[A-Za-z]+);")
_GAPS = re.compile(r"[ \t]*\n\s*")


def plain(text: str) -> str:
    """`text` without its tags, paragraphs as lines; as it is where it has none."""
    if not _LOOKS_LIKE.search(text):
        return text
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return _GAPS.sub("\n", "".join(reader.pieces)).strip()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._hidden = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _HIDDEN:
            self._hidden = tag
        elif re.fullmatch(r"h[1-6]", tag) or tag in _BREAKS:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._hidden:
            self._hidden = ""
        elif re.fullmatch(r"h[1-6]", tag) or tag in _BREAKS:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.pieces.append(re.sub(r"\s+", " ", data))
