"""File patterns: `*`, `?` and `[…]` within one part of a path, `**` for any number of folders. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

ANY_FOLDERS = "**"


def matches(pattern: str, path: str) -> bool:
    """Whether `path` is one of the files that `pattern` means; both relative, with `/` between parts.

    A name that begins with a dot is meant only by a part that begins with one.
    """
    return _parts_match(pattern.split("/"), path.split("/"))


def is_hidden_from(part: str, name: str) -> bool:
    """Whether `name` begins with a dot and `part` does not."""
    return name.startswith(".") and not part.startswith(".")


@lru_cache(maxsize=256)
def matcher(part: str) -> Callable[[str], bool]:
    """Whether a name fits one part of a pattern."""
    expression = re.compile(_expression(part), re.DOTALL)
    return lambda name: not is_hidden_from(part, name) and expression.fullmatch(name) is not None


def _parts_match(parts: Sequence[str], names: Sequence[str]) -> bool:
    """Goes through the names once, keeping every place of the pattern that fits so far."""
    places = {0}
    for name in names:
        after: set[int] = set()
        for place in _skipping(places, parts) - {len(parts)}:
            if parts[place] != ANY_FOLDERS:
                after.update({place + 1} if matcher(parts[place])(name) else ())
            elif not is_hidden_from(ANY_FOLDERS, name):
                after.update({place, place + 1} if place == len(parts) - 1 else {place})
        places = after
    return len(parts) in places


def _skipping(places: set[int], parts: Sequence[str]) -> set[int]:
    """The places, and those behind each `**` that stands for no folder."""
    every = set(places)
    for place in places:
        while place < len(parts) - 1 and parts[place] == ANY_FOLDERS:
            place += 1  # noqa: PLW2901
            every.add(place)
    return every


def _expression(part: str) -> str:
    """One part as a regular expression; a bracket that is not closed stands for itself."""
    out: list[str] = []
    index = 0
    while index < len(part):
        character = part[index]
        close = part.find("]", index + 2) if character == "[" else -1
        if character == "*":
            if out[-1:] != [".*"]:
                out.append(".*")
        elif character == "?":
            out.append(".")
        elif close > 0:
            out.append(_character_set(part[index + 1 : close]))
            index = close
        else:
            out.append(re.escape(character))
        index += 1
    return "".join(out)


def _character_set(inside: str) -> str:
    negated = inside[0] in "!^" and len(inside) > 1
    ranges = re.findall(r"(.)-(.)|(.)", inside[1:] if negated else inside, re.DOTALL)
    spelled = "".join(
        re.escape(one) if one else f"{re.escape(low)}-{re.escape(high)}"
        for low, high, one in ranges
        if one or low <= high
    )
    if not spelled:
        return "." if negated else "(?!)"
    return f"[{'^' if negated else ''}{spelled}]"
