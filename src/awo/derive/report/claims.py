"""What came of the claims that were registered before the first call: verdict, tests, and where the evidence is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from awo.derive.facts import RunFacts, StepFacts, StepStatus
from awo.derive.markdown import table
from awo.derive.numbers import number
from awo.derive.phrases import count
from awo.derive.report.reader import Reader
from awo.derive.report.shown import (
    ROWS_SHOWN,
    ended,
    failed,
    in_detail,
    line,
    more,
    named,
    passage,
    too_large,
    value_as,
    without_empty_columns,
    word,
)
from awo.evidence.layout import OUTPUTS
from awo.evidence.verdicts import ClaimsValue, ClaimTestResult, ClaimVerdict, MetricValue

CLAIMS: Final = "claims"
EVIDENCE_SHOWN: Final = 6
REASONS_SHOWN: Final = 20
METRICS_BESIDE: Final = 4

_metric = re.compile(r"\bmetrics\.([A-Za-z_][A-Za-z0-9_]*)")

VERDICTS: Final = {
    "supported": "**supported**",
    "falsified": "**falsified**",
    "deviated": "**deviated**",
    "not_tested": "not tested",
}
OUTCOMES: Final = {"passed": "passed", "failed": "**failed**", "not_tested": "not tested"}
KINDS: Final = {"prediction": "prediction", "falsification_test": "falsification test"}


def claims(facts: RunFacts, read: Reader) -> str:
    """Every claim of every step of claims, each with all of its tests."""
    found = ended(facts, CLAIMS)
    if not found:
        return ""
    return (
        "## Claims\n\nA claim stands with tests that could prove it false. It is falsified when one of them failed; "
        "else deviated when something that its tests rest on was not done as planned, or when the claim is younger "
        "than the answers; else supported when tests passed and no number that they want is missing; else not "
        "tested. Supported does not mean true: this run did not refute it."
        "\n\n" + in_detail(found, lambda step: _step(step, read), word(f"{OUTPUTS}/"))
    )


def _step(step: StepFacts, read: Reader) -> str:
    if step.status is StepStatus.FAILED:
        return failed(step)
    value = value_as(step, read, ClaimsValue)
    if value is None:
        return f"### {word(step.record.id)}\n\n{too_large(step)}"
    where = named(step.value.path) if step.value else ""
    listed = value.claims[:ROWS_SHOWN]
    tests = [(claim, test) for claim in listed for test in claim.tests]
    parts = [
        f"### {word(step.record.id)}\n",
        _tally(value),
        table(["claim", "statement", "verdict", "registered", "evidence"], [_claim(claim) for claim in listed])
        + more(len(value.claims), len(listed), "claim", where),
    ]
    if tests:
        header = ["claim", "test", "kind", "observed", "passes when", "outcome"]
        rows = [_test(claim, test, value.metrics) for claim, test in tests[:ROWS_SHOWN]]
        parts.append(table(*without_empty_columns(header, rows)) + more(len(tests), len(rows), "test", where))
    if reasons := _reasons(listed):
        parts.append(
            "".join(f"- {reason}\n" for reason in reasons[:REASONS_SHOWN])
            + more(len(reasons), REASONS_SHOWN, "reason", where)
        )
    if value.metrics:
        parts.append(_metrics(value, where))
    return "\n".join(parts)


def _tally(value: ClaimsValue) -> str:
    return (
        f"{count(len(value.claims), 'claim')}: {value.supported:,} supported, {value.falsified:,} falsified, "
        f"{value.deviated:,} deviated, {value.not_tested:,} not tested.\n"
    )


def _claim(claim: ClaimVerdict) -> list[str]:
    shown = [named(one.path, one.step) for one in claim.evidence[:EVIDENCE_SHOWN]]
    left = len(claim.evidence) - len(shown)
    return [
        word(claim.id) or "*(no id)*",
        passage(claim.statement),
        VERDICTS[claim.verdict],
        _registered(claim),
        ", ".join(shown) + (f" and {left:,} more" if left > 0 else ""),
    ]


def _registered(claim: ClaimVerdict) -> str:
    if not claim.attempt:
        return "**no**"
    said = "**after the answers**" if claim.is_late else "yes"
    return said if claim.attempt == 1 else f"{said}, **attempt {claim.attempt:,}**"


def _test(claim: ClaimVerdict, test: ClaimTestResult, metrics: Mapping[str, MetricValue]) -> list[str]:
    return [
        word(claim.id),
        line(test.name),
        KINDS[test.kind],
        ", ".join([_observed(test.observed), *_read(test, metrics)]),
        line(test.expected),
        OUTCOMES[test.outcome],
    ]


def _read(test: ClaimTestResult, metrics: Mapping[str, MetricValue]) -> list[str]:
    """The numbers behind true or false: the metrics that the expression of the test names."""
    if not isinstance(test.observed, bool):
        return []
    named_ones = dict.fromkeys(_metric.findall(test.expected))
    found = [(name, metrics[name]) for name in named_ones if name in metrics]
    shown = [f"{word(f'metrics.{name}')} = {number(one.value)}" for name, one in found[:METRICS_BESIDE]]
    return [*shown, *(["…"] if len(found) > METRICS_BESIDE else [])]


def _observed(value: float | bool | None) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return number(value)


def _reasons(claims: Iterable[ClaimVerdict]) -> list[str]:
    """Why tests failed or were not made, what was not done as planned, and which attempt it is."""
    said = []
    for claim in claims:
        said += [f"{word(claim.id)}, {line(test.name)}: {line(test.why)}" for test in claim.tests if test.why]
        said += [f"{word(claim.id)} deviated: {line(deviation)}" for deviation in claim.deviations]
        if claim.earlier:
            said.append(
                f"{word(claim.id)} had been registered before, the last time in {word(claim.earlier[-1])}: a test that "
                "is tried often enough passes by chance."
            )
    return said


def _metrics(value: ClaimsValue, where: str) -> str:
    listed = list(value.metrics.items())[:ROWS_SHOWN]
    rows = [
        [word(name), number(metric.value), word(metric.expression), line(metric.why) if metric.value is None else ""]
        for name, metric in listed
    ]
    return table(*without_empty_columns(["metric", "value", "from", "why there is none"], rows)) + more(
        len(value.metrics), len(listed), "metric", where
    )
