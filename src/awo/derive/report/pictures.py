"""Whether a run has results that are drawn, and the sentence that says where the pictures are."""

from __future__ import annotations

from awo.derive.facts import RunFacts, StepStatus
from awo.derive.report.scores import SCORING
from awo.derive.report.shown import named
from awo.derive.report.statistics import STATISTICS
from awo.evidence.layout import PICTURES


def has_pictures(facts: RunFacts) -> bool:
    """Whether a step that scored, or computed statistics, is done."""
    drawn = SCORING | {STATISTICS}
    return any(step.status is StepStatus.DONE and step.record.op in drawn for step in facts.steps)


def pictures(facts: RunFacts) -> str:
    """The same sentence for the same record, whether or not they could be drawn here."""
    if not has_pictures(facts):
        return ""
    return (
        f"**Pictures of the results:** {named(PICTURES)} (there if `awo[charts]` was installed when the run last "
        "stopped; `awo render` draws them too, before the seal).\n"
    )
