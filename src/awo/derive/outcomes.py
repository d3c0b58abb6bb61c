"""What a run found: the values of its steps of claims, statistics and scores, as far as they can be read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from awo.derive.facts import RunFacts, StepFacts, StepStatus
from awo.derive.phrases import size
from awo.derive.report.claims import CLAIMS
from awo.derive.report.scores import SCORING
from awo.derive.report.shown import has_value_to_read
from awo.derive.report.statistics import STATISTICS
from awo.errors import AwoError
from awo.evidence.events import FileRef
from awo.evidence.scores import ScoresValue
from awo.evidence.statistics import StatisticsValue
from awo.evidence.verdicts import ClaimsValue

MOST_STEPS: Final = 100

_SHAPES: Final[Mapping[str, Any]] = {
    CLAIMS: ClaimsValue,
    STATISTICS: StatisticsValue,
    **dict.fromkeys(SCORING, ScoresValue),
}


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Values by the step's id, in the order of the workflow. `unread` says of a step in a few words why it has none
    here. At most the first hundred steps are read; `has_more` says that there are others."""

    claims: Mapping[str, ClaimsValue]
    statistics: Mapping[str, StatisticsValue]
    scores: Mapping[str, ScoresValue]
    unread: Mapping[str, str]
    has_more: bool = False


def with_results_only(facts: RunFacts) -> RunFacts:
    """The facts without steps, but those that `outcomes_of` reads: small, whatever the size of the run."""
    return replace(facts.without_steps(), steps=_concluding(facts.steps)[: MOST_STEPS + 1])


def outcomes_of(steps: Iterable[StepFacts], read: Callable[[FileRef], Any]) -> Outcomes:
    """The values of those of `steps` that are done. `read` gives a parsed file, and may raise `AwoError`."""
    found: dict[str, dict[str, Any]] = {CLAIMS: {}, STATISTICS: {}, "scores": {}}
    unread: dict[str, str] = {}
    concluding = _concluding(steps)
    for step in concluding[:MOST_STEPS]:
        id_, op = step.record.id, step.record.op
        if step.value is None or not has_value_to_read(step):
            unread[id_] = f"its value is not read here ({size(step.value_size_bytes)})"
            continue
        try:
            value = msgspec.convert(read(step.value), _SHAPES[op])
        except (msgspec.MsgspecError, RecursionError):
            unread[id_] = "its value has another shape"
        except AwoError as error:
            unread[id_] = error.what
        else:
            found["scores" if op in SCORING else op][id_] = value
    return Outcomes(found[CLAIMS], found[STATISTICS], found["scores"], unread, len(concluding) > MOST_STEPS)


def _concluding(steps: Iterable[StepFacts]) -> tuple[StepFacts, ...]:
    return tuple(step for step in steps if step.record.op in _SHAPES and step.status is StepStatus.DONE)
