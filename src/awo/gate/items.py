"""What every item of a checklist keeps to, in whichever notation it was written: sizes, ids, and bounds that fit."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from awo.evidence.gates import ChecklistItem
from awo.gate.decimals import number
from awo.plugins import nearest

LONGEST_TEXT: Final = 2000
LONGEST_ID: Final = 40
LONGEST_CHOICE: Final = 100
LONGEST_UNIT: Final = 40
MOST_CHOICES: Final = 50
MOST_ITEMS: Final = 500
YES_NO: Final = ("yes", "no")

JOINERS: Final = "\u200c\u200d"
"""Format characters that writing needs (Persian, emoji); every other one can hide or turn text round."""

_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class ItemFault:
    """What is wrong with an item; `key` is the field of the item that it is wrong in."""

    key: str
    what: str
    expected: str = ""
    got: str = ""
    hint: str = ""


def why_not_plain(text: str, *, allowed: str = "") -> str:
    """Why text cannot be shown to a person as it is, as a short clause; empty when it can.

    Refused: control characters outside `allowed`, characters that hide text or turn it round, lone surrogates.
    """
    if text.isascii() and text.isprintable():
        return ""
    for character in text:
        if character in allowed or character in JOINERS:
            continue
        if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
            return f"it has the control character U+{ord(character):04X}"
    return ""


def fault_of_item(item: ChecklistItem) -> ItemFault | None:
    """The first thing that keeps this item from being asked; None when nothing does."""
    if fault := fault_of_id(item.id):
        return fault
    if not item.text.strip():
        return ItemFault("text", "an item of the checklist has no text")
    if len(item.text) > LONGEST_TEXT:
        return ItemFault("text", "an item of the checklist is too long", f"at most {LONGEST_TEXT} characters")
    return _fault_of_texts(item) or _fault_of_kind(item) or _fault_of_approval(item)


def fault_of_id(item_id: str) -> ItemFault | None:
    """Why this cannot be an item's id; None when it can."""
    if len(item_id) <= LONGEST_ID and _ID.fullmatch(item_id):
        return None
    form = f"lower-case ASCII words joined by '-', at most {LONGEST_ID} characters"
    return ItemFault("id", "an item's id is not usable", form, ascii(item_id)[1:-1][:80])


def slug(text: str) -> str:
    """Words of the text in ASCII, joined by `-`; whole words as far as 40 characters go; 'item' when none is left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii").lower()
    found = "-".join(re.findall(r"[a-z0-9]+", plain.replace("'", "")))
    if len(found) > LONGEST_ID:
        found = found[: LONGEST_ID + 1].rpartition("-")[0] or found[:LONGEST_ID]
    return found or "item"


def unused(wanted: str, taken: Collection[str]) -> str:
    """`wanted`, with a number behind it when it is taken; never longer than an id may be."""
    count, candidate = 1, wanted
    while candidate in taken:
        count += 1
        suffix = f"-{count}"
        candidate = wanted[: LONGEST_ID - len(suffix)].rstrip("-") + suffix
    return candidate


def _fault_of_texts(item: ChecklistItem) -> ItemFault | None:
    for key, texts in (("text", [item.text]), ("choices", item.choices), ("unit", [item.unit])):
        for text in texts:
            if why := why_not_plain(text):
                return ItemFault(key, "the checklist has text that cannot be shown", got=why)
    if len(item.unit) > LONGEST_UNIT:
        return ItemFault("unit", "a unit is too long", f"at most {LONGEST_UNIT} characters")
    return None


def _fault_of_kind(item: ChecklistItem) -> ItemFault | None:
    if item.kind == "choice":
        return _fault_of_choices(item.choices)
    if item.choices:
        return ItemFault("choices", f"an item of kind {item.kind} has no choices", hint="kind: choice")
    if item.kind != "number" and (item.lowest or item.highest or item.unit):
        key = "unit" if item.unit else "range"
        return ItemFault(key, f"an item of kind {item.kind} has no {key}", hint="kind: number")
    for bound in (item.lowest, item.highest):
        if bound and number(bound) is None:
            return ItemFault("range", "a bound is no number", "a decimal number like 0 or 2.5", ascii(bound)[:80])
    low, high = number(item.lowest), number(item.highest)
    if low is not None and high is not None and low > high:
        return ItemFault("range", "the range is empty", "the lower bound first", f"{item.lowest}..{item.highest}")
    return None


def _fault_of_choices(choices: list[str]) -> ItemFault | None:
    if not 2 <= len(choices) <= MOST_CHOICES:
        wanted = f"2 to {MOST_CHOICES} answers to choose from"
        return ItemFault("choices", "a choice needs answers to choose from", wanted, str(len(choices)))
    for choice in choices:
        if not choice or choice != choice.strip() or len(choice) > LONGEST_CHOICE:
            wanted = f"a text of at most {LONGEST_CHOICE} characters"
            return ItemFault("choices", "an answer to choose is empty or too long", wanted, ascii(choice)[:80])
    if len(set(choices)) < len(choices):
        return ItemFault("choices", "an answer to choose stands there twice")
    return None


def _fault_of_approval(item: ChecklistItem) -> ItemFault | None:
    wanted = item.approve_with
    if not wanted:
        return None
    able = YES_NO if item.kind == "yes_no" else tuple(item.choices)
    if item.kind not in ("yes_no", "choice"):
        what = f"an item of kind {item.kind} has no one answer with which an approval goes"
        return ItemFault("approve_with", what, got=ascii(wanted)[:80])
    if wanted not in able:
        near = nearest(wanted, able)
        what = "the answer with which an approval goes is none of the item's answers"
        hint = f"did you mean {near!r}?" if near else ""
        return ItemFault("approve_with", what, ", ".join(able), ascii(wanted)[1:-1][:80], hint)
    return None
