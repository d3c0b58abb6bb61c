"""A checklist: the `- [ ]` items of a Markdown file as questions that a person answers.

An item is a list item with a box, `- [ ] text` (also `*` or `+`, also indented), outside fenced
code. Whether the author ticked the box says nothing: the answer is the person's. Lines that are
indented below an item belong to its text. `{#short-id}` before the text gives the item an id of its
own; otherwise the id is made from the text. `(optional)` at the end makes an item that may be left out.
"""

from __future__ import annotations

import re
import unicodedata

from awo.errors import UsageError
from awo.evidence.gates import ChecklistItem

LONGEST_TEXT = 2000
LONGEST_ID = 40
MOST_ITEMS = 500

_ITEM = re.compile(r"^([ \t]*(?:>[ \t]*)*)[-*+][ \t]+\[[ xX]\](?:[ \t]+(.*))?$")
_BULLET = re.compile(r"^[ \t]*(?:[-*+]|\d{1,9}[.)])(?:[ \t]|$)")
_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})(.*)$")
_EXPLICIT = re.compile(r"^\{#([^}]*)\}[ \t]*(.*)$")
_ID = re.compile(r"^[a-z0-9]+(?:-[a-z0-9]+)*$")
_OPTIONAL = re.compile(r"[ \t]*\(optional\)\.?$", re.IGNORECASE)

_JOINERS = "\u200c\u200d"
"""Format characters that writing needs (Persian, emoji); every other one can hide or turn text round."""


def read_checklist(markdown: str, *, where: str) -> list[ChecklistItem]:
    """The items of a checklist in the order of the file, each `yes_no`, with unique ids of 1 to 40 characters.

    Raises `UsageError`, naming `where` and the line, when there is no item, an item has no text,
    an id is given twice or is not lower-case ASCII words joined by `-`, or text has control characters.
    """
    raw = _raw_items(markdown.removeprefix("\ufeff"), where)
    if not raw:
        raise UsageError(
            "the checklist has no items",
            where=where,
            expected="at least one line like '- [ ] The numbers were checked'",
        )
    if len(raw) > MOST_ITEMS:
        raise UsageError(
            "the checklist is too long", where=where, expected=f"at most {MOST_ITEMS} items", got=str(len(raw))
        )
    split = [_split(text, f"{where}:{number}") for number, text in raw]
    taken = _explicit_ids([(given, number) for (given, _, _), (number, _) in zip(split, raw, strict=True)], where)
    items = []
    for given, text, required in split:
        item_id = given or _unused(_slug(text), taken)
        taken.add(item_id)
        items.append(ChecklistItem(id=item_id, text=text, kind="yes_no", required=required))
    return items


def why_not_plain(text: str, *, allowed: str = "") -> str:
    """Why text cannot be shown to a person as it is, as a short clause; empty when it can.

    Refused: control characters outside `allowed`, characters that hide text or turn it round, lone surrogates.
    """
    for character in text:
        if character in allowed or character in _JOINERS:
            continue
        if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
            return f"it has the control character U+{ord(character):04X}"
    return ""


def _raw_items(markdown: str, where: str) -> list[tuple[int, str]]:
    """The line number (from 1) and the text of each item, continuation lines joined with a space."""
    items: list[tuple[int, str]] = []
    fence = ""
    indent = -1  # how far the item that is being read is indented; -1 when none is
    for number, line in enumerate(markdown.replace("\r\n", "\n").split("\n"), start=1):
        if why := why_not_plain(line, allowed="\t"):
            raise UsageError("the checklist has text that cannot be shown", where=f"{where}:{number}", got=why)
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence) and not mark[2].strip():
                fence = ""
            continue
        if mark:
            fence, indent = mark[1], -1
        elif item := _ITEM.match(line):
            items.append((number, (item[2] or "").strip()))
            indent = len(item[1])
        elif indent >= 0 and _continues(line, indent):
            first, text = items[-1]
            items[-1] = (first, f"{text} {line.strip()}")
        else:
            indent = -1
    return items


def _continues(line: str, indent: int) -> bool:
    """Whether a line below an item belongs to its text: not empty, further in, no list item of its own."""
    return bool(line.strip()) and len(line) - len(line.lstrip(" \t")) > indent and not _BULLET.match(line)


def _split(text: str, where: str) -> tuple[str, str, bool]:
    """The explicit id or '', the text that is left, and whether an answer is required."""
    given = ""
    if explicit := _EXPLICIT.match(text):
        given, text = explicit[1].strip(), explicit[2]
        if not _ID.match(given) or len(given) > LONGEST_ID:
            raise UsageError(
                "an item's id is not usable",
                where=where,
                expected=f"lower-case ASCII words joined by '-', at most {LONGEST_ID} characters",
                got=given[:80],
            )
    bare = _OPTIONAL.sub("", text)
    if not bare.strip():
        raise UsageError("an item of the checklist has no text", where=where)
    if len(bare) > LONGEST_TEXT:
        raise UsageError(
            "an item of the checklist is too long", where=where, expected=f"at most {LONGEST_TEXT} characters"
        )
    return given, bare.strip(), bare == text


def _explicit_ids(given: list[tuple[str, int]], where: str) -> set[str]:
    taken: set[str] = set()
    for item_id, number in given:
        if item_id and item_id in taken:
            raise UsageError(f"the id {item_id!r} is given to two items", where=f"{where}:{number}")
        taken.add(item_id)
    return taken


def _slug(text: str) -> str:
    """Words of the text in ASCII, joined by `-`; whole words as far as 40 characters go; 'item' when none is left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii").lower()
    slug = "-".join(re.findall(r"[a-z0-9]+", plain.replace("'", "")))
    if len(slug) > LONGEST_ID:
        slug = slug[: LONGEST_ID + 1].rpartition("-")[0] or slug[:LONGEST_ID]
    return slug or "item"


def _unused(slug: str, taken: set[str]) -> str:
    number, candidate = 1, slug
    while candidate in taken:
        number += 1
        suffix = f"-{number}"
        candidate = slug[: LONGEST_ID - len(suffix)].rstrip("-") + suffix
    return candidate
