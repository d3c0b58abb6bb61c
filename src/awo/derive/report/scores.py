"""Steps that scored: for each score how many answers it looked at, how many reached their mark, and the mean."""

from __future__ import annotations

from typing import Final

from awo.derive.facts import RunFacts, StepFacts, StepStatus
from awo.derive.markdown import table
from awo.derive.numbers import NOTHING, number
from awo.derive.phrases import count
from awo.derive.report.reader import Reader
from awo.derive.report.shown import ROWS_SHOWN, ended, failed, in_detail, more, named, too_large, value_as, word
from awo.evidence.layout import OUTPUTS
from awo.evidence.scores import ScoreSummary, ScoresValue

SCORING: Final = frozenset({"score", "assert", "python_score"})
"""The operations whose value is a ScoresValue."""

MEASURED: Final = frozenset({"test", "grade"})

_HEADER: Final = ["score", "kind", "answers", "passed", "mark", "missing", "mean"]


def scores(facts: RunFacts, read: Reader) -> str:
    """One table for each step that scored, those that failed included."""
    found = ended(facts, *SCORING)
    if not found:
        return ""
    return (
        "## Scores\n\nAn answer that is missing failed, or could not be scored. It counts as 0 in the mean of a test "
        "(0 or 1) and of a grade (0 to 1), and is left out of the mean of a measure. An answer has passed when its "
        f"score reaches the mark. Where a mean is {NOTHING}, there was nothing to take it over.\n\n"
        + in_detail(found, lambda step: _step(step, read), word(f"{OUTPUTS}/"))
    )


def _step(step: StepFacts, read: Reader) -> str:
    heading = f"### {word(step.record.id)}\n\n"
    if step.status is StepStatus.FAILED:
        return failed(step)
    value = value_as(step, read, ScoresValue)
    if value is None:
        return heading + too_large(step)
    rows = [_row(name, score) for name, score in list(value.scores.items())[:ROWS_SHOWN]]
    where = named(step.value.path) if step.value else ""
    lost = f", of which {value.failed:,} failed" if value.failed else ""
    lines = f" Answer by answer: {named(value.path)}." if value.path in {ref.path for ref in step.files} else ""
    return (
        f"{heading}{count(value.answers, 'answer')} of {word(value.of)} in {count(value.cells, 'cell')}{lost}.{lines}"
        "\n\n" + table(_HEADER, rows) + more(len(value.scores), len(rows), "score", where)
    )


def _row(name: str, score: ScoreSummary) -> list[str]:
    is_marked = score.type in MEASURED
    return [
        word(name),
        word(score.kind) + (f" ({score.type})" if score.type != score.kind else ""),
        f"{score.answers:,}",
        f"{score.passed:,}" if is_marked else "",
        number(score.threshold) if is_marked else "",
        f"{score.missing:,}",
        number(score.mean),
    ]
