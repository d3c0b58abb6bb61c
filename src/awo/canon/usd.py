"""Money as text: US dollars with up to twelve decimals, counted in whole picodollars, so that nothing is rounded."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

PATTERN: Final = r"^(0|[1-9][0-9]{0,11})(\.[0-9]{0,11}[1-9])?$(?!\n)"
PATTERN_OR_EMPTY: Final = r"^((0|[1-9][0-9]{0,11})(\.[0-9]{0,11}[1-9])?)?$(?!\n)"

PICO: Final = 10**12
DECIMALS: Final = 12


@lru_cache(maxsize=4096)  # a run has few prices, and asks for them at each call
def picodollars(text: str) -> int:
    """The amount that `text` spells, in 10^-12 US dollars. Raises `ValueError` when it spells none."""
    whole, _, part = text.partition(".")
    if not (text.isascii() and whole.isdigit() and len(part) <= DECIMALS and (not part or part.isdigit())):
        raise ValueError(text)
    return int(whole) * PICO + int(part.ljust(DECIMALS, "0") or "0")


@lru_cache(maxsize=4096)
def usd(amount: int) -> str:
    """The one spelling of `amount` picodollars (0 or more) in US dollars: no zeros at the end, no exponent."""
    whole, part = divmod(amount, PICO)
    return f"{whole}.{part:012d}".rstrip("0").rstrip(".") if part else str(whole)


def for_people(amount: int) -> str:
    """`amount` picodollars as people write it, rounded up: `$12.34`, below ten dollars up to four decimals
    (`$0.0127`, and `$0.50`), below a cent up to six, so that what is spent can be told from what may be."""
    decimals = 2 if amount >= 10 * PICO else 4 if amount >= PICO // 100 else 6
    step = PICO // 10**decimals
    whole, part = divmod(-(-amount // step), 10**decimals)
    return f"${whole}.{f'{part:0{decimals}d}'.rstrip('0').ljust(2, '0')}"
