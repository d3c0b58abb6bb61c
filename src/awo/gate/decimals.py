"""Numbers that people answer: decimals as text, each in one spelling, so that signed JSON needs no floats."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

MOST_DIGITS: Final = 30

_TYPED = re.compile(r"([+-]?)([0-9]{1,60})(?:\.([0-9]{1,60}))?(?:[eE]([+-]?[0-9]{1,3}))?")
_SPELLED = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]*[1-9])?")


def spelled(text: str) -> str:
    """`text` as a plain decimal in its one spelling (`-0.5`, `10`), '' when it is no number with at most 30 digits.

    No sign but `-`, no exponent, no zeros that say nothing, and no `-0`.
    """
    found = _TYPED.fullmatch(text)
    if found is None:
        return ""
    sign, whole, part, exponent = found[1], found[2], found[3] or "", int(found[4] or 0)
    if abs(exponent) > MOST_DIGITS:
        return ""
    digits, point = whole + part, len(whole) + exponent
    digits = "0" * max(-point, 0) + digits + "0" * max(point - len(digits), 0)
    point = max(point, 0)
    before, after = digits[:point].lstrip("0") or "0", digits[point:].rstrip("0")
    if len(before) + len(after) > MOST_DIGITS:
        return ""
    plain = f"{before}.{after}" if after else before
    return f"-{plain}" if sign == "-" and plain != "0" else plain


def is_spelled(text: str) -> bool:
    """Whether `text` is a number in the one spelling."""
    return len(text) <= MOST_DIGITS + 2 and spelled(text) == text and bool(_SPELLED.fullmatch(text))


def number(text: str) -> Decimal | None:
    """The number that `text` is in the one spelling, exactly; None for any other text."""
    return Decimal(text) if is_spelled(text) else None
