"""Checks of `statistics`: its steps score, its scores and factors are there, its arms differ and can be answered."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final

from awo.canon.positions import Path
from awo.derive.checks.plan import SCORING, Planned, listed
from awo.derive.checks.scored import Scored, key_of
from awo.derive.statistics.args import AgreementArgs, ComparisonArgs, MetricArgs, StatisticsArgs
from awo.workflow.definition import Step
from awo.workflow.faults import Fault
from awo.workflow.names import did_you_mean

_NUMBERS: Final = ("test", "grade", "measure")


def faults_of_statistics(step: Step, plan: Planned) -> Iterator[Fault]:
    """What a statistics step would fail by, as far as the plan tells. Faults have their place in the file."""
    args = step.args
    if not isinstance(args, StatisticsArgs):
        return
    scored = Scored.by(args.steps, plan)
    found = list(_not_scoring(args, plan, step.id))
    if not found:
        for name, metric in args.metrics.items():
            found += _of_metric(metric, ("metrics", name), scored)
        for name, comparison in args.comparisons.items():
            found += _of_comparison(comparison, ("comparisons", name), scored)
        for name, agreement in args.agreement.items():
            found += _of_agreement(agreement, ("agreement", name), scored)
    for fault in found:
        yield Fault(step.path_of(fault.path), fault.what, fault.expected, fault.got, fault.hint, fault.is_key)


def _not_scoring(args: StatisticsArgs, plan: Planned, own: str) -> Iterator[Fault]:
    able = [step.id for step in plan.steps.values() if step.op in SCORING]
    for number, name in enumerate(args.steps):
        step = plan.steps.get(name)
        if step is not None and step.op not in SCORING and name != own:
            place: Path = ("of",) if isinstance(args.of, str) else ("of", number)
            behind = [one.id for one in plan.steps.values() if one.op in SCORING and plan.looked_at(one) is step]
            hint = f"{listed(behind)} scores it" if behind else did_you_mean(name, able)
            what = f"the step {name!r} ({step.op}) gives no scores"
            yield Fault(place, what, listed(able) or f"a step that does: {', '.join(SCORING)}", hint=hint)


def _of_metric(args: MetricArgs, place: Path, scored: Scored) -> Iterator[Fault]:
    yield from _of_score(args.score, _NUMBERS, (*place, "score"), scored)
    for number, name in enumerate(args.by):
        yield from _of_factor(name, (*place, "by", number), scored)
    yield from _of_where(args.where, place, scored)
    word = "wilson" if args.interval == "wilson" else "rate" if args.estimate == "rate" else ""
    if word and (kinds := _never_binary(args.score, scored)):
        key = "interval" if word == "wilson" else "estimate"
        what = f"the score {args.score!r} is a {kinds}, and {word} is for tests, whose numbers are 0 and 1"
        yield Fault((*place, key), what, hint="say `estimate: mean`")


def _of_comparison(args: ComparisonArgs, place: Path, scored: Scored) -> Iterator[Fault]:
    yield from _of_score(args.score, _NUMBERS, (*place, "score"), scored)
    ((factor, arms),) = args.between.items()
    at = (*place, "between", factor)
    unknown = list(_of_factor(factor, at, scored, is_key=True))
    yield from unknown
    if key_of(arms[0]) == key_of(arms[1]):
        yield Fault(at, "the comparison has the same arm twice", "two values that differ", key_of(arms[0])[:60])
    elif not unknown:
        for number, arm in enumerate(arms):
            yield from _of_value(factor, arm, (*at, number), scored)
    yield from _of_where(args.where, place, scored)
    if args.test != "mcnemar":
        return
    if kinds := _never_binary(args.score, scored):
        what = f"the score {args.score!r} is a {kinds}, and McNemar's test is for tests, whose numbers are 0 and 1"
        yield Fault((*place, "test"), what, hint="say `test: auto`")
        return
    left = list(scored.varying({factor, *args.where}))
    if left:
        what = f"McNemar's test needs one answer for each item and arm, and there are several: by {listed(left)}"
        yield Fault((*place, "test"), what, hint="say `test: auto`, or choose one answer, as in `where: {repeat: 0}`")


def _of_agreement(args: AgreementArgs, place: Path, scored: Scored) -> Iterator[Fault]:
    if args.ratings:
        yield from _of_score(args.ratings, ("ratings",), (*place, "ratings"), scored)
    if args.score:
        kinds = ("label", *_NUMBERS) if args.level == "nominal" else _NUMBERS
        yield from _of_score(args.score, kinds, (*place, "score"), scored)
        yield from _of_factor(args.by, (*place, "by"), scored)
    yield from _of_where(args.where, place, scored)


def _of_score(name: str, kinds: Collection[str], place: Path, scored: Scored) -> Iterator[Fault]:
    names = scored.names()
    if name not in names:
        if not scored.is_open:
            what = f"the steps of `of` have no score called {name!r}"
            yield Fault(place, what, listed(names), hint=did_you_mean(name, names))
        return
    types = scored.types(name)
    if len(types) > 1:
        got = " and ".join(sorted(types))
        yield Fault(place, f"the score {name!r} is not of one type in all steps", "", got, "give one another name")
    elif unfit := [kind for kind in types if kind not in kinds]:
        fit = [other for other in names if scored.types(other) & set(kinds)]
        hint = f"fit for it: {listed(fit)}" if fit else ""
        what = f"the score {name!r} is of the type {unfit[0]}, which cannot be used here"
        yield Fault(place, what, " or ".join(kinds), hint=hint)


def _never_binary(name: str, scored: Scored) -> str:
    """The type of a score whose numbers are surely more than 0 and 1; '' where it may be fit."""
    types = scored.types(name)
    return next(iter(types)) if types in ({"grade"}, {"measure"}) and not scored.may_be_binary(name) else ""


def _of_factor(name: str, place: Path, scored: Scored, *, is_key: bool = False) -> Iterator[Fault]:
    factors = scored.factors()
    if name in factors or scored.has_hidden_factors():
        return
    hint = did_you_mean(name, factors)
    lower = scored.below(name)
    if lower is not None:
        hint = f'it is of {lower.id!r}: say `groups: {{{name}: "{{{{ item.row.matrix.{name} }}}}"}}` where it is scored'
    yield Fault(place, f"no answer has a factor called {name!r}", listed(factors), hint=hint, is_key=is_key)


def _of_where(where: Mapping[str, Any], place: Path, scored: Scored) -> Iterator[Fault]:
    for name, value in where.items():
        at = (*place, "where", name)
        unknown = list(_of_factor(name, at, scored, is_key=True))
        yield from unknown or _of_value(name, value, at, scored)


def _of_value(factor: str, value: Any, place: Path, scored: Scored) -> Iterable[Fault]:
    values = scored.values(factor)
    if values is None or key_of(value) in {key_of(one) for one in values}:
        return ()
    known = [_label(one) for one in values if one is not None]
    what = f"no answer has {factor} = {_label(value)[:60]}"
    return (Fault(place, what, listed(known), hint=did_you_mean(_label(value), known)),)


def _label(value: Any) -> str:
    return value if isinstance(value, str) else key_of(value)
