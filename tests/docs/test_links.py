"""Links between documents: the file is there, and so is the heading."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

_FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]+`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)


def links_in(text: str) -> list[str]:
    """The targets of inline links, code left out."""
    return _LINK.findall(_CODE.sub("", _FENCE.sub("", text)))


def anchors_in(text: str) -> set[str]:
    """The anchors that a code host makes from the headings: lower case, hyphens for spaces, no punctuation."""
    headings = _HEADING.findall(_FENCE.sub("", text))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def broken_links(document: Path) -> list[str]:
    """The relative links of `document` that lead nowhere."""
    broken = []
    for target in links_in(document.read_text(encoding="utf-8")):
        name, _, anchor = unquote(target).partition("#")
        if re.match(r"[a-z][a-z0-9+.-]*:", name):
            continue
        path = document.parent / name if name else document
        headings = anchors_in(path.read_text(encoding="utf-8")) if path.is_file() and path.suffix == ".md" else set()
        if not path.exists() or (anchor and headings and anchor not in headings):
            broken.append(target)
    return broken


def test_a_link_to_a_missing_file_or_heading_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One thing\n[a](#one-thing) [b](#other) [c](gone.md) [d](page.md#one-thing) `[e](x)`\n")
    assert broken_links(page) == ["#other", "gone.md"]


def test_every_relative_link_in_the_documents_leads_somewhere(documents: list[Path], root: Path) -> None:
    assert documents
    broken = {str(path.relative_to(root)): broken_links(path) for path in documents}
    assert {name: links for name, links in broken.items() if links} == {}
