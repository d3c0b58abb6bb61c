"""The worst price of a request is never below what it can cost, and its cost never below what the tokens cost."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awo.canon.usd import PICO, usd
from awo.evidence.events import FileRef
from awo.evidence.records import Message, PriceRecord, Usage
from awo.lifecycle.worst_price import cost, is_free, max_tokens_of, prompt_bytes_of, worst_price


def _price(asked: str, answered: str) -> PriceRecord:
    return PriceRecord(input_usd_per_mtok=asked, output_usd_per_mtok=answered, source="workflow")


def test_a_worst_price_counts_bytes_turns_images_and_the_longest_answer() -> None:
    worst = worst_price(_price("2", "8"), prompt_bytes=1000, turns=2, images=1, max_tokens=100)
    assert worst == ((1000 + 3 * 16 + 20_000) * 2 + 100 * 8) * PICO // 10**6


@pytest.mark.parametrize(
    ("price", "max_tokens", "worst"),
    [
        (None, 5, None),
        (_price("1", "1"), None, None),
        (_price("0", "0"), None, 0),
        (_price("1", "0"), None, 32 * 10**6),
    ],
)
def test_a_worst_price_is_known_only_with_a_price_and_a_bound(
    price: PriceRecord | None, max_tokens: int | None, worst: int | None
) -> None:
    assert worst_price(price, prompt_bytes=0, turns=1, images=0, max_tokens=max_tokens) == worst


_AMOUNTS = st.integers(0, 10**14).map(usd)


@given(_AMOUNTS, _AMOUNTS, st.integers(0, 10**6), st.integers(0, 10**6))
def test_an_answer_within_its_bounds_never_costs_more_than_its_worst_price(
    asked: str, answered: str, prompt_bytes: int, max_tokens: int
) -> None:
    price = _price(asked, answered)
    worst = worst_price(price, prompt_bytes=prompt_bytes, turns=1, images=0, max_tokens=max_tokens)
    paid = cost(price, Usage(prompt_tokens=prompt_bytes, completion_tokens=max_tokens))
    assert worst is not None
    assert paid is not None
    assert paid <= worst
    exact = Fraction(asked) * prompt_bytes + Fraction(answered) * max_tokens
    assert 0 <= paid - exact * PICO / 10**6 < 1


@pytest.mark.parametrize(
    ("price", "usage", "paid"),
    [
        (None, Usage(prompt_tokens=1, completion_tokens=1), None),
        (_price("1", "1"), Usage(prompt_tokens=-1, completion_tokens=1), None),
        (_price("1", "1"), Usage(prompt_tokens=1, completion_tokens=-1), None),
        (_price("0", "1"), Usage(prompt_tokens=-1, completion_tokens=2), 2 * 10**6),
        (_price("0", "0"), Usage(prompt_tokens=-1, completion_tokens=-1), 0),
    ],
)
def test_a_cost_is_known_only_where_the_tokens_were_counted(
    price: PriceRecord | None, usage: Usage, paid: int | None
) -> None:
    assert cost(price, usage) == paid


def test_texts_are_counted_in_bytes_with_the_schema() -> None:
    image = FileRef(path="a.png", sha256="0" * 64, size_bytes=1)
    messages = [Message(role="system", content="abc"), Message(role="user", content="é€", images=(image,))]
    assert prompt_bytes_of(messages, '{"a":"ü"}') == 3 + 5 + 10


@pytest.mark.parametrize(
    ("params", "bound"),
    [
        ({}, None),
        ({"max_tokens": 7}, 7),
        ({"max_completion_tokens": 9, "max_tokens": 7}, 9),
        ({"max_tokens": "7"}, None),
        ({"max_tokens": True}, None),
        ({"max_tokens": -1}, None),
    ],
)
def test_the_bound_of_an_answer_stands_in_its_parameters(params: dict[str, object], bound: int | None) -> None:
    assert max_tokens_of(params) == bound


def test_only_a_price_of_nothing_is_free() -> None:
    assert [is_free(price) for price in (None, _price("0", "0"), _price("0", "1"))] == [False, True, False]
