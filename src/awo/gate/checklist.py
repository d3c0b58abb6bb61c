"""A checklist in Markdown: its `- [ ]` items as questions that a person answers.

An item is a list item with a box, `- [ ] text` (also `*` or `+`, also indented), outside fenced
code. Whether the author ticked the box says nothing: the answer is the person's. Lines that are
indented below an item belong to its text. `{#short-id}` before the text gives the item an id of its
own; otherwise the id is made from the text. What stands behind the text is read by `notation`.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from awo.errors import UsageError
from awo.evidence.gates import ChecklistItem
from awo.gate.items import LONGEST_TEXT, MOST_ITEMS, fault_of_id, fault_of_item, slug, unused, why_not_plain
from awo.gate.notation import Notes, take_notes

__all__ = ["read_any_checklist", "read_checklist", "why_not_plain"]

_ITEM = re.compile(r"^([ \t]*(?:>[ \t]*)*)[-*+][ \t]+\[[ xX]\](?:[ \t]+(.*))?$")
_BULLET = re.compile(r"^[ \t]*(?:[-*+]|\d{1,9}[.)])(?:[ \t]|$)")
_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})(.*)$")
_EXPLICIT = re.compile(r"^\{#([^}]*)\}[ \t]*(.*)$")
_LONGEST_WITH_NOTES: Final = LONGEST_TEXT + 6000
"""An item may carry fifty choices of a hundred characters behind its text."""


def read_any_checklist(text: str, *, where: str) -> list[ChecklistItem]:
    """The items of a checklist in Markdown, YAML or JSON, in the order of the file, with unique ids.

    A file whose name says so is YAML or JSON, and so is a text that begins with `items:`, unless it is named as
    Markdown. Raises `UsageError`, naming the line.
    """
    name = where.lower()
    is_written = name.endswith((".yaml", ".yml", ".json"))
    if is_written or (not name.endswith((".md", ".markdown")) and _begins_with_items(text)):
        from awo.gate.checklist_yaml import read_yaml_checklist

        return read_yaml_checklist(text, where=where)
    return read_checklist(text, where=where)


def read_checklist(markdown: str, *, where: str) -> list[ChecklistItem]:
    """The items of a Markdown checklist in the order of the file, with unique ids of 1 to 40 characters.

    Raises `UsageError`, naming `where` and the line, when there is no item, an item has no text,
    an id is given twice or is not lower-case ASCII words joined by `-`, text has control characters, or
    what stands behind an item is not understood.
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
    drafts = [(_draft(text, f"{where}:{number}"), number) for number, text in raw]
    taken = _explicit_ids([(draft.id, number) for draft, number in drafts], where)
    items = []
    for draft, number in drafts:
        item = draft.notes.item(draft.id or unused(slug(draft.text), taken), draft.text)
        taken.add(item.id)
        if fault := fault_of_item(item):
            raise UsageError(
                fault.what, where=f"{where}:{number}", expected=fault.expected, got=fault.got, hint=fault.hint
            )
        items.append(item)
    return items


class _Draft(NamedTuple):
    """An item before its id is settled: the id it was given, or ''."""

    id: str
    text: str
    notes: Notes


def _draft(text: str, where: str) -> _Draft:
    if len(text) > _LONGEST_WITH_NOTES:
        raise UsageError(
            "an item of the checklist is too long", where=where, expected=f"at most {LONGEST_TEXT} characters"
        )
    given = ""
    if explicit := _EXPLICIT.match(text):
        given, text = explicit[1].strip(), explicit[2]
        if why := fault_of_id(given):
            raise UsageError(why.what, where=where, expected=why.expected, got=why.got)
    return _Draft(given, *take_notes(text, where))


def _begins_with_items(text: str) -> bool:
    """Whether the first line that is no remark is the key `items`, as it is in YAML."""
    for line in text.split("\n"):
        if line.strip() and not line.startswith(("#", "---")):
            return bool(re.match(r"items[ \t]*:(?:[ \t]|$)", line))
    return False


def _raw_items(markdown: str, where: str) -> list[tuple[int, str]]:
    """The line number (from 1) and the text of each item, continuation lines joined with a space."""
    items: list[tuple[int, list[str]]] = []
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
            items.append((number, [(item[2] or "").strip()]))
            indent = len(item[1])
        elif indent >= 0 and _continues(line, indent):
            items[-1][1].append(line.strip())
        else:
            indent = -1
    return [(number, " ".join(lines)) for number, lines in items]


def _continues(line: str, indent: int) -> bool:
    """Whether a line below an item belongs to its text: not empty, further in, no list item of its own."""
    return bool(line.strip()) and len(line) - len(line.lstrip(" \t")) > indent and not _BULLET.match(line)


def _explicit_ids(given: list[tuple[str, int]], where: str) -> set[str]:
    taken: set[str] = set()
    for item_id, number in given:
        if item_id and item_id in taken:
            raise UsageError(f"the id {item_id!r} is given to two items", where=f"{where}:{number}")
        taken.add(item_id)
    return taken
