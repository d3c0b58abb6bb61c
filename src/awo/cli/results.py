"""What a run found, in a few lines for a terminal: claims, comparisons, and each number by its group."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from awo.derive.markdown import shorten
from awo.derive.numbers import NOTHING, number, p_value, signed
from awo.derive.outcomes import Outcomes
from awo.derive.report.shown import compact
from awo.evidence.layout import REPORT
from awo.evidence.scores import ScoresValue
from awo.evidence.statistics import Comparison, Estimate, StatisticsValue
from awo.evidence.verdicts import ClaimVerdict

LINES_SHOWN: Final = 12
"""Of each kind: claims, comparisons, numbers."""

NAME_CHARACTERS: Final = 60
STATEMENT_CHARACTERS: Final = 100


def in_lines(found: Outcomes, folder: Path) -> tuple[str, ...]:
    """The part `results:`, at most a dozen lines of each kind; nothing for a run that concluded nothing.

    Texts of the run stand in it as they are, shortened: whoever prints them makes them harmless.
    """
    statistics = found.statistics.values()
    kinds = (
        [_claim(step, one) for step, value in found.claims.items() for one in value.claims],
        [_comparison(name, one, value) for value in statistics for name, one in value.comparisons.items()],
        [*_estimates(statistics), *_scores(found)],
        [f"{_cut(step)}: {why}" for step, why in found.unread.items()],
    )
    lines = [line for kind in kinds for line in kind[:LINES_SHOWN]]
    left = sum(len(kind[LINES_SHOWN:]) for kind in kinds)
    if left or found.has_more:
        lines.append(f"and {f'{left:,} ' if left else ''}more: {folder / REPORT}")
    return ("results:", *(f"  {line}" for line in lines)) if lines else ()


def for_programs(found: Outcomes) -> dict[str, Any]:
    """The values themselves, by the id of the step; `unread` says why one is not among them."""
    return {"claims": found.claims, "statistics": found.statistics, "scores": found.scores, "unread": found.unread}


def _claim(step: str, one: ClaimVerdict) -> str:
    """`claim told-is-better: supported, attempt 2, after the answers: Saying what is wanted ...`."""
    said = [one.verdict.replace("_", " ")]
    if not one.attempt:
        said.append("not registered")
    if one.attempt > 1:
        said.append(f"attempt {one.attempt:,}")
    if one.is_late:
        said.append("after the answers")
    return f"claim {_cut(one.id or step)}: {', '.join(said)}: {shorten(one.statement.strip(), STATEMENT_CHARACTERS)}"


def _comparison(name: str, one: Comparison, value: StatisticsValue) -> str:
    """`comparison better: correct, large less small: +0.1 [+0.06, +0.14], p = 0.02 adjusted, no A/A control`."""
    arms = f"{_cut(one.score)}, {_cut(compact(one.a))} less {_cut(compact(one.b))}"
    if one.difference is None:
        return f"comparison {_cut(name)}: {arms}: {NOTHING}{_why(one.why)}"
    said = signed(one.difference)
    if one.low is not None and one.high is not None:
        said += f" [{signed(one.low)}, {signed(one.high)}]"
    parts = [said]
    if one.p_adjusted is not None and value.correction != "none":
        parts.append(f"{p_value(one.p_adjusted)} adjusted")
    elif one.p_value is not None:
        parts.append(p_value(one.p_value))
    floor = one.noise.largest
    parts.append("no A/A control" if floor is None else f"A/A control up to {number(floor)}")
    return f"comparison {_cut(name)}: {arms}: {', '.join(parts)}"


def _estimates(values: Iterable[StatisticsValue]) -> Iterator[str]:
    """Each metric by its groups, or over all where it has none."""
    for value in values:
        for name, metric in value.metrics.items():
            for one in metric.groups.values() or [metric.total]:
                yield f"{_cut(name)}{_group(one.group)}: {_estimate(one)}"


def _estimate(one: Estimate) -> str:
    if one.value is None:
        return f"{NOTHING}{_why(one.why)}"
    said = number(one.value)
    if one.low is not None and one.high is not None:
        said += f" [{number(one.low)}, {number(one.high)}]"
    return f"{said}, n {one.n:,}{_missing(one.missing)}"


def _scores(found: Outcomes) -> Iterator[str]:
    """The means of the steps over which no statistics were made."""
    read = {step for value in found.statistics.values() for step in value.of}
    for step, value in found.scores.items():
        if step not in read:
            yield from _means(step, value)


def _means(step: str, value: ScoresValue) -> Iterator[str]:
    for name, one in value.scores.items():
        if one.type not in ("label", "ratings"):
            said = f"mean {number(one.mean)}, n {one.answers:,}"
            yield f"{_cut(step)}.{_cut(name)}: {said}{_missing(one.missing)}"


def _group(group: Mapping[str, Any]) -> str:
    return "".join(f", {_cut(name)} {_cut(compact(value))}" for name, value in group.items())


def _missing(missing: int) -> str:
    return f", {missing:,} missing" if missing else ""


def _why(why: str) -> str:
    return f" ({shorten(why, STATEMENT_CHARACTERS)})" if why else ""


def _cut(text: str) -> str:
    return shorten(text, NAME_CHARACTERS) or "(nothing)"
