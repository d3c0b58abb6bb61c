"""Whether the plan was followed below a result: steps skipped or tried again, and answers that are missing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from awo.derive.seam import Sources
from awo.errors import StepFailed
from awo.plugins import GATE_OPERATION

STATISTICS_OPERATION: Final = "statistics"

_OF_STATISTICS: Final = ("metrics", "comparisons", "agreement")
_COUNTS: Final = (("failed", "cells"), ("missing", "answers"))
"""How values say what is missing of how many."""


def rests_on(steps: Sequence[str], sources: Sources) -> list[str]:
    """`steps` and all that they need, and so on; a gate is not gone through, since it orders and computes nothing."""
    found: dict[str, None] = {}
    waiting = list(reversed(steps))
    while waiting:
        step = waiting.pop()
        record = sources.record_of(step)
        if step in found or record.op == GATE_OPERATION:
            continue
        found[step] = None
        waiting += reversed(record.needs)
    return list(found)


def deviations_below(reads: Sequence[str], most_missing: float, sources: Sources) -> list[str]:
    """What was not done as planned in the steps that `reads` rest on, a sentence each; a read is STEP.FIELD.

    A step was skipped; or one of its attempts failed; or more than the share `most_missing` of its cells
    failed, or of its answers have no score. Counts are the pairs `failed` of `cells` and `missing` of
    `answers` in a step's value, and in each entry of its `scores` that is read (`scores_read`).
    """
    steps = rests_on(list(dict.fromkeys(read.partition(".")[0] for read in reads)), sources)
    wanted = scores_read(reads, sources)
    said = []
    for step in steps:
        try:
            value = sources.value_of(step)
        except StepFailed:
            said.append(f"step {step} was skipped")
            continue
        if sources.has_failed(step):
            said.append(f"step {step} failed and was tried again")
        worst = max(_shares(value, wanted.get(step, ())), default=None, key=lambda one: one[0])
        if worst is not None and worst[0] > most_missing:
            said.append(f"step {step}: {worst[1]}")
    return said


def scores_read(reads: Sequence[str], sources: Sources) -> dict[str, Collection[str] | None]:
    """The names of the scores that each step's reads are about, by the step that scores; None stands for all.

    STEP.scores.NAME is about that score. STATS.metrics.NAME (or comparisons, agreement) is about what the
    arguments of the `statistics` step name there as `score` and `ratings`, in each step of its `of`. Any other
    read is about all scores of the step, or of the steps of `of`.
    """
    found: dict[str, set[str] | None] = {}
    for read in reads:
        step, *path = read.split(".")
        record = sources.record_of(step)
        args = record.arguments() if record.op == STATISTICS_OPERATION else {}
        of = args.get("of", step)
        names = _named_in(args, path) if "of" in args else {path[1]} if path[:1] == ["scores"] and path[1:] else None
        for scored in of if isinstance(of, list) else [of]:
            before = found.get(scored, set())
            found[scored] = None if before is None or names is None else before | names
    return {step: names if names is None else frozenset(names) for step, names in found.items()}


def _named_in(args: Mapping[str, Any], path: Sequence[str]) -> set[str] | None:
    """The scores that one metric, comparison or agreement looks at; None where the path leads to no single one."""
    if len(path) < 2 or path[0] not in _OF_STATISTICS:
        return None
    entries = args.get(path[0])
    entry = entries.get(path[1]) if isinstance(entries, dict) else None
    names = {str(entry[key]) for key in ("score", "ratings") if entry.get(key)} if isinstance(entry, dict) else set()
    return names or None


def _shares(value: Any, names: Collection[str] | None) -> Iterator[tuple[float, str]]:
    """The shares that are missing, and how they are said. `names` are the scores that count; None for all."""
    if not isinstance(value, dict):
        return
    for part, whole in _COUNTS:
        lost, of = value.get(part), value.get(whole)
        if _is_count(lost) and _is_count(of) and of:
            yield lost / of, f"{lost} of {of} {whole} {'failed' if part == 'failed' else 'are missing'}"
    scores = value.get("scores")
    for name, one in scores.items() if isinstance(scores, dict) else ():
        lost, of = (one.get("missing"), one.get("answers")) if isinstance(one, dict) else (None, None)
        if (names is None or name in names) and _is_count(lost) and _is_count(of) and of:
            yield lost / of, f"of {of} answers {lost} {'has' if lost == 1 else 'have'} no score {name}"


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
