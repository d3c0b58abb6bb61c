"""How the statements say things: names in quotes, amounts, days, lists, and what is not on record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from awo.canon.json import encode_sorted
from awo.canon.usd import usd
from awo.derive.facts import CallCounts, MoneyFacts
from awo.derive.markdown import shorten, visible
from awo.derive.phrases import count, moment

UNKNOWN: Final = "unknown"
NAMED: Final = 20
LONGEST: Final = 200

OUTCOMES: Final = {
    "completed": "completed",
    "approved": "approved by people",
    "rejected": "rejected by people",
    "failed": "failed",
    "abandoned": "abandoned before its end",
}


ENDED: Final = {
    "completed": "was completed",
    "approved": "was approved by people",
    "rejected": "was rejected by people",
    "failed": "failed",
    "abandoned": "was abandoned before its end",
}
NOT_ENDED: Final = "has not ended"


def quoted(text: str) -> str:
    """A foreign name as it is shown in plain text: visible, on one line, shortened."""
    return f"“{shorten(visible(text), LONGEST)}”"


def shown(text: str) -> str:
    """A foreign text without quotes; unknown where it is empty."""
    return shorten(visible(text), LONGEST) or UNKNOWN


def listed(words: Iterable[str], noun: str = "other") -> str:
    """`a, b and c`; what is beyond `NAMED` as a number."""
    found = list(words)
    if len(found) > NAMED:
        found = [*found[:NAMED], count(len(found) - NAMED, f"more {noun}")]
    return " and ".join(part for part in (", ".join(found[:-1]), found[-1]) if part) if found else ""


def period(first: str, last: str) -> str:
    """`from … to …`, `on …`; unknown where neither is on record."""
    if not first:
        return f"at {UNKNOWN} times"
    if not last or moment(last) == moment(first):
        return f"on {moment(first)}"
    return f"from {moment(first)} to {moment(last)}"


def settings(params: Mapping[str, Any]) -> str:
    """`max_tokens 60, temperature 0.9`; '' for none."""
    return listed(f"{visible(name)} {_value(params[name])}" for name in sorted(params))


def outcomes(calls: CallCounts) -> str:
    """How requests ended: every one of them is in one of these numbers."""
    said = [f"{calls.answered:,} answered"]
    if calls.recovered:
        said[0] += f" ({calls.recovered:,} of them found after an interruption)"
    said.append(f"{calls.failed:,} failed")
    if calls.unknown:
        said.append(f"{calls.unknown:,} without a known outcome")
    if calls.open:
        said.append(f"{calls.open:,} still open")
    return ", ".join(said)


def cost(money: MoneyFacts, requests: int, label: str = "cost") -> str:
    """What requests cost in US dollars, to the last digit on record, and what of it is not known."""
    if requests and money.unpriced >= requests and not money.spent:
        return f"{label}: {UNKNOWN} (no price is on record)"
    said = [f"{label}: {usd(money.spent)} US dollars"]
    if money.unknown:
        said.append(f"up to {usd(money.unknown)} more for requests whose outcome or cost is {UNKNOWN}")
    if money.reserved:
        said.append(f"up to {usd(money.reserved)} for requests that are still open")
    if money.unpriced:
        said.append(f"{UNKNOWN} for {count(money.unpriced, 'request')} without a price")
    return ", ".join(said)


def sentence(*parts: str) -> str:
    """Parts that are not empty, apart by `; `, as a sentence."""
    said = "; ".join(part for part in parts if part)
    return f"{said[:1].upper()}{said[1:]}." if said else ""


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else encode_sorted(value).decode(errors="replace")
    return shorten(visible(text), LONGEST)
