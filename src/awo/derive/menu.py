"""Which options of a menu stand in a text as whole words and whole numbers: for choices of scores and of votes."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

# 1 is in none of -1, 1.5 and 1,000; it is in 4-1 and v-1, where the stroke ends a word or a number and is no sign.
_BEFORE = r"(?<!\w)(?<![.](?=[0-9]))(?<!(?<!\w)-(?=[0-9]))(?<![0-9],(?=[0-9]{3}(?![0-9])))"
_AFTER = r"(?!\w)(?!\.[0-9])(?!(?<=[0-9]),[0-9]{3}(?![0-9]))"


def finder(options: Collection[str]) -> Callable[[str], list[str]]:
    """What gives the options that stand in a text, in the order of their beginnings; none of them may be empty.

    Of several that begin at one place the longest counts, and one within another does not: `not happy` has no
    `happy`. Two that overlap otherwise both count.
    """
    longest_first = sorted(options, key=len, reverse=True)
    pattern = re.compile(f"{_BEFORE}(?=({'|'.join(map(re.escape, longest_first))}){_AFTER})")

    def found(text: str) -> list[str]:
        named: list[str] = []
        end = 0
        for match in pattern.finditer(text):
            if match.end(1) > end:
                named.append(match[1])
                end = match.end(1)
        return named

    return found
