"""Results for tests that show them: scores, statistics and claims of a small study, made by hand."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace
from tests.unit.a_run import Told, fanned, response, step

from awo.evidence.layout import file_path, value_path
from awo.evidence.scores import ScoreSummary, ScoresValue
from awo.evidence.statistics import (
    Agreement,
    Comparison,
    EffectSize,
    Estimate,
    MetricResult,
    NoiseFloor,
    PairAgreement,
    StatisticsValue,
)
from awo.evidence.verdicts import ClaimsValue, ClaimTestResult, ClaimVerdict, Evidence, MetricValue
from awo.evidence.votes import VotesValue

NO_ITEMS = "no item has an answer of both arms"
ONE_REPEAT = "an A/A control needs two repeats or more, and there is one"


def estimate(group: dict[str, Any], value: float | None, **changes: Any) -> Estimate:
    """An estimate over 120 answers to 40 items, with an interval of 0.1 to both sides."""
    made = Estimate(
        group=group,
        n=120,
        items=40,
        missing=2,
        value=value,
        low=None if value is None else value - 0.1,
        high=None if value is None else value + 0.1,
        sd=None if value is None else 0.49,
        interval="none" if value is None else "wilson",
        why="no answer has this score" if value is None else "",
    )
    return replace(made, **changes)


def metric(values: dict[str, float | None], by: str = "model") -> MetricResult:
    """The rate of `correct` for each value of `by`."""
    groups = {name: estimate({by: name}, value) for name, value in values.items()}
    return MetricResult(score="correct", estimate="rate", by=[by], total=estimate({}, 0.55), groups=groups)


def floor(largest: float | None) -> NoiseFloor:
    """An A/A control over three repeats; none when `largest` is None."""
    if largest is None:
        return NoiseFloor(repeats=1, pairs=0, largest=None, spread=None, smallest_p=None, why=ONE_REPEAT)
    return NoiseFloor(repeats=3, pairs=3, largest=largest, spread=largest / 2, smallest_p=0.41)


def comparison(a: Any, b: Any, difference: float | None, *, noise: float | None = 0.02, **changes: Any) -> Comparison:
    """`a` less `b` on 40 items."""
    has = difference is not None
    made = Comparison(
        score="correct",
        factor="model",
        a=a,
        b=b,
        where={},
        pairs=40 if has else 0,
        unpaired=1,
        missing=2,
        a_value=0.6 if has else None,
        b_value=0.6 - difference if difference is not None else None,
        difference=difference,
        low=difference - 0.04 if difference is not None else None,
        high=difference + 0.04 if difference is not None else None,
        interval="paired_bootstrap" if has else "none",
        test="mcnemar" if has else "none",
        counts={"both": 20, "only_a": 9, "only_b": 2, "neither": 9} if has else {},
        statistic=4.0 if has else None,
        p_value=0.0123 if has else None,
        p_adjusted=0.0246 if has else None,
        family="stats",
        effect_sizes=[EffectSize(name="cohens_h", value=0.21 if has else None, why="" if has else NO_ITEMS)],
        noise=floor(noise),
        seed=7,
        why="" if has else NO_ITEMS,
    )
    return replace(made, **changes)


def agreement(raters: list[str], values: list[float | None]) -> Agreement:
    """Krippendorff's alpha, and of each pair the next of `values`, again from the first after the last."""
    pairs = [(a, b) for at, a in enumerate(raters) for b in raters[at + 1 :]]
    return Agreement(
        coefficient="krippendorff_alpha",
        level="ordinal",
        raters=raters,
        items=40,
        ratings=40 * len(raters),
        value=0.41,
        low=0.3,
        high=0.5,
        pairs=[
            PairAgreement(a=a, b=b, items=40, value=value, why="" if value is not None else "all ratings are equal")
            for (a, b), value in zip(pairs, values * len(pairs), strict=False)
        ],
    )


def statistics(**changes: Any) -> StatisticsValue:
    """Two models, one of which is better; a comparison with nothing to compare; three raters."""
    made = StatisticsValue(
        of=["scores"],
        confidence=0.95,
        correction="holm",
        resamples=10_000,
        metrics={"accuracy": metric({"large": 0.6, "small": 0.5, "mute": None})},
        comparisons={
            "better": comparison("large", "small", 0.1),
            "same": comparison("small", "echo", -0.01),
            "nothing": comparison("large", "mute", None, noise=None),
        },
        agreement={"readers": agreement(["ann", "ben", "large"], [0.8, None, -0.1])},
    )
    return replace(made, **changes)


def scored() -> ScoresValue:
    """What a `score` step over 240 answers leaves."""
    summary = ScoreSummary(
        kind="equals", type="test", answers=240, missing=3, passed=131, threshold=1.0, mean=131 / 240
    )
    length = replace(summary, kind="words", type="measure", passed=0, threshold=0.0, mean=12.34)
    nothing = replace(length, kind="rouge_l", answers=0, missing=240, mean=None)
    return ScoresValue(
        of="ask",
        cells=120,
        failed=2,
        answers=240,
        path=file_path("scores", "scores.jsonl"),
        scores={"correct": summary, "length": length, "overlap": nothing},
    )


def claims(text: str = "The large model is better.") -> ClaimsValue:
    """One claim that stands and one that does not."""
    passed = ClaimTestResult(
        name="larger",
        kind="prediction",
        outcome="passed",
        observed=0.1,
        expected="> 0.05",
        why="",
        reads=["stats.comparisons"],
    )
    failed = replace(passed, name=text, kind="falsification_test", outcome="failed", observed=True, why="it held")
    verdict = ClaimVerdict(
        id="c1",
        statement=text,
        source="claims.yaml",
        sha256="a" * 64,
        attempt=1,
        earlier=[],
        verdict="supported",
        tests=[passed],
        deviations=[],
        evidence=[Evidence(step="stats", path=value_path("stats"))],
    )
    second = replace(
        verdict,
        id="c2",
        verdict="falsified",
        attempt=2,
        earlier=["run_2026-11-22T06-09-00Z"],
        tests=[
            failed,
            replace(failed, name="unseen", outcome="not_tested", observed=None, why="there is no such number"),
        ],
        deviations=[text],
    )
    return ClaimsValue(
        metrics={"gain": MetricValue(expression="steps.stats", value=None, why=text, reads=[])},
        claims=[verdict, second],
        supported=1,
        falsified=1,
        deviated=0,
        not_tested=0,
    )


def votes() -> VotesValue:
    """Forty votes, of which four are undecided."""
    return VotesValue(
        of="ask",
        method="majority",
        by="item",
        normalise=["fold_case"],
        quorum=0.5,
        path=file_path("vote", "votes.jsonl"),
        votes=40,
        decided=36,
        undecided=4,
        ties=1,
        unanimous=20,
        asked=240,
        candidates=230,
        abstained=7,
        failed=3,
        dissents=18,
        mean_agreement=0.87,
        why="",
    )


def a_study(
    value: StatisticsValue | None = None, *, text: str = "The large model is better.", cost: str = "", ratings: str = ""
) -> Told:
    """A run that asked two models, scored the answers, compared and concluded. `ratings` is the score that has
    people's ratings for the agreement `all`."""
    told = Told(
        [
            fanned("ask", "fanout_generate"),
            step("scores", "score", ["ask"]),
            step("vote", "consensus_vote", ["ask"]),
            step(
                "stats", "statistics", ["scores"], **({"agreement": {"all": {"ratings": ratings}}} if ratings else {})
            ),
            step("conclude", "claims", ["stats"]),
        ]
    )
    told.start()
    told.begin("ask")
    for number in range(20):
        for model in ("large", "small"):
            line = response("ask", f"{number}{model}", model, "?", "!")
            line = replace(line, latency_ms=10 * number + (400 if model == "large" else 0))
            told.lines.setdefault("ask", []).append(replace(line, cost=cost if model == "large" else "0"))
    told.finish("ask", {"cells": 120, "done": 118, "failed": 2, "path": "outputs/ask/items.jsonl"})
    for id_, made, files in (
        ("scores", scored(), ["scores.jsonl"]),
        ("vote", votes(), ["votes.jsonl", "dissent.jsonl"]),
        ("stats", value or statistics(), []),
        ("conclude", claims(text), []),
    ):
        told.begin(id_)
        told.finish(id_, msgspec.to_builtins(made), dict.fromkeys(files, b""))
    told.end("completed")
    return told
