"""Prices from the data that genai-prices carries, without a network."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import socket
import threading
from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest

from awo.canon import usd
from awo.inference import prices
from awo.inference.prices import Price, price_of

NOW = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("backend", "model", "same_as"),
    [
        ("azure", "gpt-4o", ("openai", "gpt-4o")),
        ("openrouter", "openai/gpt-4o", ("openai", "gpt-4o")),
        ("pydantic-ai", "openai:gpt-4o", ("openai", "gpt-4o")),
        ("pydantic-ai", "openai-responses:gpt-4o", ("openai", "gpt-4o")),
        ("pydantic-ai", "anthropic:claude-sonnet-4-5", ("anthropic", "claude-sonnet-4-5")),
        ("pydantic-ai", "google-gla:gemini-2.5-pro", ("gemini", "gemini-2.5-pro")),
        ("pydantic-ai", "bedrock:us.anthropic.claude-3-5-sonnet-20241022-v2:0", None),
        ("pydantic-ai", "groq:llama-3.3-70b-versatile", None),
        ("pydantic-ai", "mistral:mistral-large-latest", None),
    ],
)
def test_every_spelling_of_a_model_finds_its_price(backend: str, model: str, same_as: tuple[str, str] | None) -> None:
    price = price_of(backend, model, NOW)
    assert price is not None
    assert re.match(usd.PATTERN, price.input_usd_per_mtok)
    assert re.match(usd.PATTERN, price.output_usd_per_mtok)
    assert price.source == f"genai-prices {importlib.metadata.version('genai-prices')}"
    if same_as:
        assert price == price_of(*same_as, NOW)


def test_a_price_is_the_shortest_decimal() -> None:
    assert price_of("openai", "gpt-5-mini", NOW) == Price("0.25", "2", prices._source())


@pytest.mark.parametrize(
    ("backend", "model"),
    [
        ("openai", "no-such-model"),
        ("ollama", "gpt-4o"),
        ("replay", "gpt-4o"),
        ("no-such-backend", "gpt-4o"),
        ("pydantic-ai", "gpt-4o"),
        ("pydantic-ai", "no-such-provider:gpt-4o"),
        ("openai", ""),
    ],
)
def test_what_is_not_known_has_no_price(backend: str, model: str) -> None:
    assert price_of(backend, model, NOW) is None


def found(monkeypatch: pytest.MonkeyPatch, model_prices: object) -> None:
    """Makes `openai/m` a model with these prices and no other."""
    from genai_prices.data_snapshot import DataSnapshot
    from genai_prices.types import ClauseEquals, ModelInfo, Provider

    model = ModelInfo(id="m", match=ClauseEquals(equals="m"), prices=model_prices)  # type: ignore[arg-type]
    provider = Provider(id="openai", name="OpenAI", api_pattern="x", models=[model])
    monkeypatch.setattr(prices, "_snapshot", lambda: DataSnapshot(providers=[provider], from_auto_update=False))


def test_a_price_that_depends_on_the_context_is_the_dearest_tier(monkeypatch: pytest.MonkeyPatch) -> None:
    from genai_prices.types import ModelPrice, Tier, TieredPrices

    tiers = TieredPrices(base=Decimal("1.25"), tiers=[Tier(start=200_000, price=Decimal("2.5"))])
    found(monkeypatch, ModelPrice(input_mtok=tiers, output_mtok=Decimal(10)))
    assert price_of("openai", "m", NOW) == Price("2.5", "10", prices._source())


def test_a_price_that_depends_on_time_is_the_dearest_from_now_on(monkeypatch: pytest.MonkeyPatch) -> None:
    from genai_prices.types import ConditionalPrice, ModelPrice, StartDateConstraint, TimeOfDateConstraint

    def price(dollars: int) -> ModelPrice:
        return ModelPrice(input_mtok=Decimal(dollars), output_mtok=Decimal(dollars))

    long_ago = ConditionalPrice(prices=price(90))
    cheaper_by_now = ConditionalPrice(constraint=StartDateConstraint(date(2026, 1, 1)), prices=price(5))
    at_night = ConditionalPrice(constraint=TimeOfDateConstraint(time(0, 0), time(6, 0)), prices=price(7))
    to_come = ConditionalPrice(constraint=StartDateConstraint(date(2027, 1, 1)), prices=price(6))
    found(monkeypatch, [long_ago, cheaper_by_now, at_night, to_come])
    assert price_of("openai", "m", NOW) == Price("7", "7", prices._source())
    found(monkeypatch, [long_ago, cheaper_by_now, to_come])
    assert price_of("openai", "m", NOW) == Price("6", "6", prices._source())


def test_a_model_whose_requests_cost_something_themselves_has_no_price_for_tokens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from genai_prices.types import ModelPrice

    found(monkeypatch, ModelPrice(input_mtok=Decimal(1), output_mtok=Decimal(1), requests_kcount=Decimal(12)))
    assert price_of("openai", "m", NOW) is None
    found(monkeypatch, ModelPrice(input_mtok=Decimal(1)))
    assert price_of("openai", "m", NOW) is None


def test_no_socket_is_opened_and_no_thread_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a price was looked up on the network")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    prices._snapshot.cache_clear()
    assert price_of("openai", "gpt-4o", NOW) is not None


def test_without_genai_prices_nothing_has_a_price(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert price_of("openai", "gpt-4o", NOW) is None
