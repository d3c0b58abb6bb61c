"""What models judged: grades, preferences and refutations, step by step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from awo.derive.facts import RunFacts, StepFacts, StepStatus
from awo.derive.report.judged import GRADE, JUDGING, PREFER, REFUTE
from awo.derive.report.reader import Reader
from awo.derive.report.shown import any_value, ended, failed, in_detail, line, word
from awo.evidence.layout import OUTPUTS

_ASKED: Final[Mapping[str, str]] = {GRADE: "rubric", PREFER: "criterion", REFUTE: "statement"}


def judgements(facts: RunFacts, read: Reader) -> str:
    """Every step that judged, those that failed included; '' where there is none."""
    found = ended(facts, *JUDGING)
    if not found:
        return ""
    return (
        "## Judgements\n\nWhat models judged is what models said: it is as good as they are. An answer that names no "
        "word of the menu, or several, is off the menu and counts for nothing. A judge's agreement with the others is "
        "the share of their grades of the same answers that are the word it chose itself. A judge that prefers an "
        "answer is asked twice, with the answers swapped; one that then goes by the order abstains.\n\n"
        + in_detail(found, lambda step: _step(step, read), word(f"{OUTPUTS}/"))
    )


def _step(step: StepFacts, read: Reader) -> str:
    is_failed = step.status is StepStatus.FAILED
    said = [failed(step) if is_failed else f"### {word(step.record.id)}\n"]
    asked = step.record.arguments().get(_ASKED[step.record.op])
    if isinstance(asked, str):
        said.append(f"The {_ASKED[step.record.op]}, as the workflow has it: {line(asked)}\n")
    told = _chapter(step.record.op)(step, read)
    if not told and not is_failed and step.record.cells is None:
        told = any_value(step, read)
    return "\n".join([*said, told] if told else said)


def _chapter(op: str) -> Callable[[StepFacts, Reader], str]:
    """What tells the judging of one kind; loaded late, since most runs judge nothing."""
    if op == GRADE:
        from awo.derive.report.grades import grades

        return grades
    if op == PREFER:
        from awo.derive.report.preferences import preferences

        return preferences
    from awo.derive.report.refutations import refutations

    return refutations
