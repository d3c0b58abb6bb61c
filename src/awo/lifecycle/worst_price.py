"""What a request may cost at worst, before it is sent, and what it cost by the tokens counted (spec section 5).

Nothing is guessed: a token has at least one byte of UTF-8, so a text has no more tokens than bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from awo.canon.json import encode_sorted
from awo.canon.usd import PICO, picodollars
from awo.evidence.records import Message, PriceRecord, Usage

TOKENS_A_TURN: Final = 16
"""What a provider may add around each turn: its role and its marks. The answer's turn counts too."""

TOKENS_AN_IMAGE: Final = 20_000
"""More than any provider's documentation counts for one image."""

LARGEST_COST: Final = 10**9 * PICO
"""No answer costs a thousand million dollars: whoever counts so many tokens has not counted."""

NO_PARAMS: Final[Mapping[str, Any]] = MappingProxyType({})
_MILLION: Final = 10**6


def prompt_bytes_of(messages: Iterable[Message], schema: str = "", params: Mapping[str, Any] = NO_PARAMS) -> int:
    """How long the texts of a request are in UTF-8: its turns, its JSON Schema, and what params bring (`tools`)."""
    beside = sum(len(encode_sorted(value)) for value in params.values() if isinstance(value, (str, dict, list)))
    return sum(map(_size_bytes, (message.content for message in messages))) + _size_bytes(schema) + beside


def max_tokens_of(params: Mapping[str, Any]) -> int | None:
    """The most tokens that the answer may have, by the request's parameters; None when they do not say."""
    said = [params.get(name) for name in ("max_tokens", "max_completion_tokens")]
    numbers = [number for number in said if isinstance(number, int) and not isinstance(number, bool) and number >= 0]
    return max(numbers, default=None)


def is_free(price: PriceRecord | None) -> bool:
    """Whether no request can cost anything."""
    return price is not None and price.input_usd_per_mtok == price.output_usd_per_mtok == "0"


def worst_price(
    price: PriceRecord | None, *, prompt_bytes: int, turns: int, images: int, max_tokens: int | None
) -> int | None:
    """The most that one sending can cost, in picodollars, rounded up; None when nobody can say.

    `prompt_bytes` as `prompt_bytes_of` counts them, `max_tokens` as `max_tokens_of` finds it.
    """
    if price is None:
        return None
    asked, answered = picodollars(price.input_usd_per_mtok), picodollars(price.output_usd_per_mtok)
    if max_tokens is None and answered:
        return None
    prompt_tokens = prompt_bytes + TOKENS_A_TURN * (turns + 1) + TOKENS_AN_IMAGE * images
    return _rounded_up(prompt_tokens * asked + (max_tokens or 0) * answered)


def cost(price: PriceRecord | None, usage: Usage) -> int | None:
    """What an answer cost, in picodollars, rounded up; None without price, or where the tokens were not counted.

    Cached tokens count as any others, since prices for them differ: the true cost is never more.
    """
    if price is None:
        return None
    asked, answered = picodollars(price.input_usd_per_mtok), picodollars(price.output_usd_per_mtok)
    if (asked and usage.prompt_tokens < 0) or (answered and usage.completion_tokens < 0):
        return None
    amount = _rounded_up(max(usage.prompt_tokens, 0) * asked + max(usage.completion_tokens, 0) * answered)
    return amount if amount <= LARGEST_COST else None


def _size_bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _rounded_up(amount: int) -> int:
    return -(-amount // _MILLION)
