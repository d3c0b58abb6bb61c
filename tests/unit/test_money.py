"""Money: amounts as text and as whole picodollars, and the three numbers of a run."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awo.canon.usd import PICO, for_people, picodollars, usd
from awo.lifecycle.money import Money

AMOUNTS = st.integers(0, 10**24 - 1)


@given(AMOUNTS)
def test_an_amount_reads_back_and_is_the_decimal_that_it_spells(amount: int) -> None:
    text = usd(amount)
    assert picodollars(text) == amount
    assert Decimal(text) == Decimal(amount).scaleb(-12)
    assert "." not in text or not text.endswith("0")


@pytest.mark.parametrize(
    "text", ["", ".", ".5", "-1", "+1", "1e3", " 1", "1 ", "1_0", "1,5", "0x1", "1.0000000000001", "1.5.2", "\u0661"]
)
def test_what_spells_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        picodollars(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("0", "$0.00"),
        ("12", "$12.00"),
        ("12.341", "$12.35"),
        ("10.001", "$10.01"),
        ("1.5", "$1.50"),
        ("0.012744", "$0.0128"),
        ("0.01", "$0.01"),
        ("0.009", "$0.009"),
        ("0.0000000001", "$0.000001"),
        ("1234567.5", "$1234567.50"),
    ],
)
def test_people_see_cents_rounded_up_and_less_where_there_is_less(text: str, shown: str) -> None:
    assert for_people(picodollars(text)) == shown


@given(AMOUNTS)
def test_what_people_see_is_never_less_than_the_amount(amount: int) -> None:
    assert Decimal(for_people(amount)[1:]) >= Decimal(amount).scaleb(-12)


WORST = st.sampled_from(["", "0", "0.000000000001", "0.1", "0.25", "3"])
COSTS = st.sampled_from(["", "0", "0.000000000001", "0.1", "4"])


@given(st.none() | st.sampled_from([0, PICO // 3, PICO]), st.lists(st.tuples(WORST, COSTS, st.booleans()), max_size=30))
def test_money_is_what_a_list_of_calls_adds_up_to(budget: int | None, calls: list[tuple[str, str, bool]]) -> None:
    money = Money(budget)
    open_calls: list[str] = []
    spent, unknown = Decimal(0), Decimal(0)
    for worst, cost, settles in calls:
        committed = spent + unknown + sum((Decimal(one or 0) for one in open_calls), Decimal(0))
        fits = budget is None or (worst != "" and committed + Decimal(worst) <= Decimal(budget).scaleb(-12))
        assert (money.why_not(worst) == "") == fits
        if fits:
            money.reserve(worst)
            open_calls.append(worst)
        if settles and open_calls:
            settled = open_calls.pop(0)
            money.settle(settled, cost)
            spent += Decimal(cost or 0)
            unknown += Decimal(0) if cost else Decimal(settled or 0)
        assert Decimal(usd(money.spent)) == spent
        assert Decimal(usd(money.unknown)) == unknown
        assert Decimal(usd(money.reserved)) == sum((Decimal(one or 0) for one in open_calls), Decimal(0))
        assert money.committed == money.spent + money.reserved + money.unknown
