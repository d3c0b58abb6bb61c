"""What a model costs, from the data that genai-prices carries: no network, and no thread that updates it."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_CEILING, Decimal
from functools import cache
from typing import TYPE_CHECKING, Final

from awo.canon.usd import PICO, usd

if TYPE_CHECKING:
    from genai_prices.data_snapshot import DataSnapshot
    from genai_prices.types import ModelInfo, ModelPrice, TieredPrices

PROVIDERS: Final[Mapping[str, str]] = {
    "openai": "openai",
    "anthropic": "anthropic",
    "gemini": "google",
    "openrouter": "openrouter",
    "azure": "azure",
}
"""Our backends that cost money, and their ids in genai-prices."""

PYDANTIC_AI_PROVIDERS: Final[Mapping[str, str]] = {
    "anthropic": "anthropic",
    "azure": "azure",
    "azure-responses": "azure",
    "bedrock": "aws",
    "bedrock-mantle": "aws",
    "cerebras": "cerebras",
    "cohere": "cohere",
    "deepseek": "deepseek",
    "fireworks": "fireworks",
    "google": "google",
    "google-cloud": "google",
    "google-gla": "google",
    "google-vertex": "google",
    "grok": "x-ai",
    "groq": "groq",
    "meta": "meta",
    "mistral": "mistral",
    "moonshotai": "moonshotai",
    "openai": "openai",
    "openai-chat": "openai",
    "openai-responses": "openai",
    "openrouter": "openrouter",
    "ovhcloud": "ovhcloud",
    "together": "together",
    "xai": "x-ai",
    "zai": "zai",
}
"""What stands before the colon in a model of pydantic-ai, and the provider's id in genai-prices."""


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens, in the one spelling of `awo.canon.usd`. `source` says who says so."""

    input_usd_per_mtok: str
    output_usd_per_mtok: str
    source: str


def price_of(backend: str, model: str, now: datetime | None = None) -> Price | None:
    """The list price of `model` as `backend` spells it, or None when nobody says, or genai-prices is not installed.

    It is meant for a worst case. Where the price depends on the length of the context, the hour of the
    day or a date to come, each of the two is the dearest that may apply from `now` on (the present when
    None). None, too, where a request itself costs something, as two prices for tokens cannot say that.
    What a request must ask for (audio, web search, cache writing, a dearer service tier) is not in it.
    """
    provider, name = _spelled_for_prices(backend, model)
    if not provider or importlib.util.find_spec("genai_prices") is None:
        return None
    try:
        _, found = _snapshot().find_provider_model(name, None, provider, None)
    except LookupError:
        return None
    asked: list[Decimal] = []
    answered: list[Decimal] = []
    for price in _prices_from(found, now or datetime.now(UTC)):
        inputs = [part for name in _INPUTS for part in _dollars(getattr(price, name))]
        outputs = [part for name in _OUTPUTS for part in _dollars(getattr(price, name))]
        if not inputs or not outputs or list(_dollars(price.requests_kcount)):
            return None
        asked += inputs
        answered += outputs
    return Price(_text(max(asked)), _text(max(answered)), _source()) if asked else None


_INPUTS: Final = ("input_mtok",)
_OUTPUTS: Final = ("output_mtok", "output_reasoning_mtok")


def _spelled_for_prices(backend: str, model: str) -> tuple[str, str]:
    """The provider's id in genai-prices ('' for none) and the model's name there."""
    if backend != "pydantic-ai":
        return PROVIDERS.get(backend, ""), model
    prefix, _, name = model.removeprefix("gateway/").partition(":")
    return PYDANTIC_AI_PROVIDERS.get(prefix, ""), name


def _prices_from(model: ModelInfo, now: datetime) -> Iterator[ModelPrice]:
    """Every price that may apply at `now` or later: the last condition that is met counts, else the first price."""
    from genai_prices.types import ModelPrice, StartDateConstraint

    if isinstance(model.prices, ModelPrice):
        yield model.prices
        return
    for conditional in reversed(model.prices):
        yield conditional.prices
        begins = conditional.constraint
        if begins is None or (isinstance(begins, StartDateConstraint) and begins.active(now)):
            return
    # The first was among them: it applies when no condition is met.


def _dollars(price: Decimal | TieredPrices | None) -> Iterator[Decimal]:
    if price is None:
        return
    if isinstance(price, Decimal):
        yield price
        return
    yield price.base
    yield from (tier.price for tier in price.tiers)


def _text(price: Decimal) -> str:
    """Rounded up to a whole picodollar."""
    return usd(int((price * PICO).to_integral_value(ROUND_CEILING)))


@cache
def _snapshot() -> DataSnapshot:
    """The data in the package itself, whatever an updater of somebody else has put beside it."""
    from genai_prices.data import providers
    from genai_prices.data_snapshot import DataSnapshot

    return DataSnapshot(providers=providers, from_auto_update=False)


@cache
def _source() -> str:
    import genai_prices

    return f"genai-prices {genai_prices.__version__}"
