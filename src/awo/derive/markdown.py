"""The door through which foreign text enters Markdown: escaped, so that nothing in it can act.

Foreign is all that a person, a model, a command or a workflow wrote. Written for CommonMark 0.31
with GitHub's extensions (tables, autolinks, mentions, emoji codes, mathematics).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

NEWLINE_SIGN: Final = "⏎ "

# Characters that a reader cannot see or that reorder what stands around them: C0 and C1 controls,
# fillers, zero-width, bidi and tag characters, line and paragraph separators, surrogates and
# non-characters. Listed, not asked of unicodedata: a report is the same bytes under every Python.
_UNSEEN: Final = (
    "\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ud800-\udfff\ufdd0-\ufdef\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
# Joiners that scripts and emoji need stay when both their neighbours are outside ASCII.
_KEPT: Final = "(?!(?<=[^\x00-\x7f])[\u200c\u200d](?=[^\x00-\x7f]))"
_unseen_inline = re.compile(f"{_KEPT}[{_UNSEEN}]")
_unseen_in_block = re.compile(f"(?![\n\t]){_KEPT}[{_UNSEEN}]")

_special = re.compile(r"[\\`*_\[\]<>&~#]")
_opens_a_block = re.compile(r"\+|-+|=+|\d{1,9}[.)]")
# Words on which GitHub acts after it has parsed the Markdown: only a code span keeps it from that.
_acts_later = re.compile(r"@|://|^\[!|(?i:www\.)|\$|:[\w+-]+:|#\d|(?i:gh-\d)|(?i:(?:mailto|xmpp):)")
_gap = re.compile(r"( +)")
_backticks = re.compile(r"`+")


def visible(text: str) -> str:
    """`text` on one line, with every character that cannot be seen shown as a sign.

    A newline is ⏎ and a space, anything else is like `⟨U+202E⟩`.
    """
    return _unseen_inline.sub(_sign, text)


def visible_lines(text: str) -> str:
    """As `visible`, with newlines and tabs as they are."""
    return _unseen_in_block.sub(_sign, text)


def shorten(text: str, characters: int) -> str:
    """At most about `characters` of `text`, ending in … where something was left out."""
    return text if len(text) <= characters else text[: characters - 1].rstrip() + "…"


def code(text: str) -> str:
    """A code span that shows exactly `visible(text)`. Empty text gives nothing."""
    shown = visible(text)
    if not shown:
        return ""
    fence = "`" * (1 + max((len(run) for run in _backticks.findall(shown)), default=0))
    inner = shown
    # A span may not begin or end with a backtick, and one space at both ends is taken away.
    if shown[0] == "`" or shown[-1] == "`" or (shown[0] == shown[-1] == " " and shown.strip(" ")):
        inner = f" {shown} "
    return f"{fence}{inner}{fence}"


def inline(text: str) -> str:
    """Markdown for the middle of a line that shows exactly `visible(text)` and does nothing else."""
    pieces = _gap.split(visible(text))
    if len(pieces) == 1:
        return _word(pieces[0], is_first=True)
    last = len(pieces) - 1
    shown = []
    for index, piece in enumerate(pieces):
        if index % 2:
            is_at_edge = (index == 1 and not pieces[0]) or (index == last - 1 and not pieces[last])
            shown.append("&#32;" * len(piece) if is_at_edge else " " + "&#32;" * (len(piece) - 1))
        else:
            shown.append(_word(piece, is_first=index == 0))
    return "".join(shown)


def cell(text: str) -> str:
    """As `inline`, for the cell of a table that is written without `table`."""
    return _for_cell(inline(text))


def quote(text: str) -> str:
    """A block quote of prose that shows `text` line by line, each as `inline` shows it."""
    lines = text.rstrip("\n").split("\n")
    shown = []
    for number, line in enumerate(lines):
        is_broken = bool(line) and number + 1 < len(lines) and bool(lines[number + 1])
        shown.append(f"> {inline(line)}{chr(92) if is_broken else ''}".rstrip(" ") + "\n")
    return "".join(shown)


def block(text: str) -> str:
    """A fenced block that shows `text` line by line, controls but newline and tab as signs."""
    shown = visible_lines(text)
    fence = "`" * max(3, 1 + max((len(run) for run in _backticks.findall(shown)), default=0))
    return f"{fence}text\n{shown}{'' if shown.endswith(chr(10)) else chr(10)}{fence}\n"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are Markdown already (`inline`, `code` or our own words)."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(_for_cell(c) for c in line)} |\n" for line in lines)


def _for_cell(markdown: str) -> str:
    return markdown.replace("|", "\\|")


def _word(word: str, *, is_first: bool) -> str:
    if _acts_later.search(word):
        return code(word)
    escaped = _special.sub(_escape, word)
    if word and (word[0].isspace() or word[-1].isspace()):
        escaped = "".join(f"&#{ord(c)};" if c.isspace() else c for c in escaped)
    if is_first and _opens_a_block.fullmatch(word):
        return f"{word[:-1]}\\{word[-1]}"
    return escaped


def _escape(match: re.Match[str]) -> str:
    return "\\" + match[0]


def _sign(match: re.Match[str]) -> str:
    return NEWLINE_SIGN if match[0] == "\n" else f"⟨U+{ord(match[0]):04X}⟩"
