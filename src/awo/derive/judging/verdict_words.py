"""Reads what a judge said: the words of a menu and nothing else. An answer off the menu is never bent onto it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from awo.derive.judging.framing import Said

LONGEST_REASON: Final = 2_000
_QUOTED: Final = 40
_AROUND: Final = " \t*_`\"'“”.,!<>[]()#"
_THOUGHT: Final = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)


class Choice(NamedTuple):
    """The word of the menu that an answer names, as the menu spells it, or None and why; and what else it says."""

    word: str | None
    why: str
    reason: str


def spoken(text: str) -> str:
    """The answer without what a model thinks aloud between `<think>` and `</think>`, open ends included."""
    return _THOUGHT.sub("", text)


def labelled(said: Said, label: str, menu: Sequence[str]) -> Choice:
    """What the lines `LABEL: word` of an answer choose.

    Letter case and decoration such as `**` aside, each must be a word of `menu`, and all the same word.
    """
    begins = re.compile(rf"[\s*_`#>-]*{re.escape(label)}[\s*_`]*:(.*)", re.IGNORECASE)
    found: list[str] = []
    rest: list[str] = []
    for line in spoken(said.text).split("\n"):
        match = begins.fullmatch(line)
        (rest if match is None else found).append(line if match is None else match[1])
    return _chosen(found, menu, "\n".join(rest), f"no line `{label}: …`", said)


def bare(said: Said, menu: Sequence[str]) -> Choice:
    """What the lines of an answer choose that are a word of `menu` and nothing else."""
    found: list[str] = []
    rest: list[str] = []
    for line in spoken(said.text).split("\n"):
        (rest if on_menu(line, menu) is None else found).append(line)
    return _chosen(found, menu, "\n".join(rest), f"no line that is one of {', '.join(menu)}", said)


def opened_by(said: Said, label: str) -> str:
    """What an answer says from its first line `LABEL: …` on; '' when it has none, or nothing behind it."""
    match = re.search(rf"^[ \t*_`#>-]*{re.escape(label)}[ \t*_`]*:", spoken(said.text), re.IGNORECASE | re.MULTILINE)
    return spoken(said.text)[match.end() :].strip(" \t\r\n*_") if match else ""


def on_menu(text: str, menu: Sequence[str]) -> str | None:
    """The word of `menu` that `text` is, letter case, white space and decoration aside."""
    by_folded = {folded(word): word for word in menu}
    plain = folded(text)
    return by_folded.get(plain) or by_folded.get(plain.strip(_AROUND))


def folded(word: str) -> str:
    """A word as it is compared: letter case aside, white space collapsed."""
    return " ".join(word.split()).casefold()


def cut_short(said: Said) -> str:
    """What may explain that an answer is off the menu, as the end of a sentence; '' for nothing."""
    if said.stop_reason == "length":
        return "; it was cut off at its limit"
    return "; the model refused" if said.stop_reason == "refusal" else ""


def shortened(text: str, most_characters: int = LONGEST_REASON) -> str:
    """At most so many characters of `text`, with an ellipsis where it was cut."""
    text = text.strip()
    return text if len(text) <= most_characters else text[: most_characters - 2].rstrip() + " …"


def _chosen(found: Sequence[str], menu: Sequence[str], rest: str, nothing: str, said: Said) -> Choice:
    words = {text: on_menu(text, menu) for text in found}
    named = {word for word in words.values() if word is not None}
    off = [text for text, word in words.items() if word is None]
    reason = shortened(rest)
    if not found:
        return Choice(None, f"the answer has {nothing}{cut_short(said)}", reason)
    if off:
        return Choice(None, f"the answer says {off[0].strip()[:_QUOTED]!r}, not one of {', '.join(menu)}", reason)
    if len(named) > 1:
        both = ", ".join(word for word in menu if word in named)
        return Choice(None, f"the answer names more than one: {both}", reason)
    return Choice(named.pop(), "", reason)
