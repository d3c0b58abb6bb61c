"""What the run cost: spent, possibly spent, the budget, and the prices behind the sums."""

from __future__ import annotations

from awo.canon.usd import for_people, picodollars
from awo.derive.facts import NO_MONEY, MoneyFacts, RunFacts
from awo.derive.markdown import table
from awo.derive.phrases import count, times
from awo.derive.report.shown import ROWS_SHOWN, line, more, named, word
from awo.derive.views import model_names
from awo.evidence.layout import JOURNAL, METADATA


def money_in_brief(facts: RunFacts) -> str:
    """`$1.20 spent, $0.03 possibly spent, of a budget of $5.00`; '' where nothing costs anything."""
    if not _is_told(facts):
        return ""
    said = _amounts(facts.money)
    if facts.budget_usd:
        said.append(f"of a budget of {for_people(picodollars(facts.budget_usd))}")
    return ", ".join(said)


def money(facts: RunFacts) -> str:
    """The three numbers and how the budget was set; per model its price, who says so, and what it came to."""
    if not _is_told(facts):
        return ""
    said = ["## Money\n", f"{money_in_brief(facts)}.\n"]
    if facts.money.unknown:
        said.append(
            "Possibly spent is the most that calls can have cost whose outcome or cost nobody knows: cut off, timed "
            "out, or answered without a count of tokens. It counts against the budget.\n"
        )
    if facts.money.unpriced:
        said.append(
            f"**Of {count(facts.money.unpriced, 'call')} no price is known, so what they cost is in none of these "
            "numbers.**\n"
        )
    if facts.budgets:
        steps = [facts.input.budget_usd, *(one.usd for one in facts.budgets)]
        shown = " → ".join(for_people(picodollars(usd)) if usd else "none" for usd in steps[:10])
        said.append(f"The budget was changed while the run went on: {shown}{' …' if len(steps) > 10 else ''}.\n")
    if facts.budget_stops:
        said.append(
            f"The run stopped {times(facts.budget_stops)} because the next call could have cost more than was left.\n"
        )
    names = [name for name in model_names(facts) if _has_price(facts, name) or name in facts.money_by_model]
    rows = [_price_row(facts, name) for name in names[:ROWS_SHOWN]]
    if rows:
        header = ["model", "a million tokens in", "a million tokens out", "price according to", "came to"]
        said.append(table(header, rows) + more(len(names), len(rows), "model", named(METADATA)))
    said.append(f"Every call's worst price and cost: {named(JOURNAL)}.\n")
    return "\n".join(said)


def _is_told(facts: RunFacts) -> bool:
    return bool(
        facts.budget_usd or facts.money != NO_MONEY or any(_has_price(facts, name) for name in facts.input.models)
    )


def _has_price(facts: RunFacts, name: str) -> bool:
    asked = facts.input.models.get(name)
    return asked is not None and asked.price is not None


def _amounts(money: MoneyFacts) -> list[str]:
    said = [f"{for_people(money.spent)} spent"]
    if money.unknown:
        said.append(f"{for_people(money.unknown)} possibly spent")
    if money.reserved:
        said.append(f"up to {for_people(money.reserved)} for calls without outcome")
    return said


def _price_row(facts: RunFacts, name: str) -> list[str]:
    asked = facts.input.models.get(name)
    price = asked.price if asked else None
    amounts = facts.money_by_model.get(name, NO_MONEY)
    came_to = ", ".join(_amounts(amounts))
    if amounts.unpriced:
        came_to += f", {count(amounts.unpriced, 'call')} without a price"
    if price is None:
        return [word(name), "not known", "not known", "", came_to]
    return [
        word(name),
        for_people(picodollars(price.input_usd_per_mtok)),
        for_people(picodollars(price.output_usd_per_mtok)),
        line(price.source),
        came_to,
    ]
