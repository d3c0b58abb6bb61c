"""What received answers amount to: counts and claimed scores, nothing computed from the answers themselves."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from awo.canon.json import encode_sorted
from awo.derive.received.seam import LONGEST_LINE_BYTES, Answered, Found
from awo.evidence.events import FileRef
from awo.evidence.received import ClaimedScore, Form, LeftOut, ReceivedLine, ReceivedValue

NAMED: Final = 100
MODELS_NAMED: Final = 100
SCORES_NAMED: Final = 200
WORDS_NAMED: Final = 20
WORD_CHARACTERS: Final = 60
RESULTS_NAMED: Final = 500
TOO_LONG: Final = f"longer than a line may be ({LONGEST_LINE_BYTES} bytes)"


class _Score:
    """One claimed score while the answers are counted. The sum is exact, so that every order gives the same mean."""

    def __init__(self) -> None:
        self.answers = 0
        self.numbers: list[float] = []
        self.words: Counter[str] = Counter()

    def look(self, value: float | str | bool | None) -> None:
        self.answers += 1
        if isinstance(value, bool):
            self.words["true" if value else "false"] += 1
        elif isinstance(value, int | float):
            self.numbers.append(float(value))
        elif value is not None:
            self.words[value[:WORD_CHARACTERS]] += 1

    def claimed(self, name: str) -> ClaimedScore:
        words = dict(sorted(self.words.items(), key=lambda one: (-one[1], one[0]))[:WORDS_NAMED])
        return ClaimedScore(
            name=name,
            answers=self.answers,
            numbers=len(self.numbers),
            mean=_mean(self.numbers) if self.numbers else None,
            words=words,
        )


def _mean(numbers: Sequence[float]) -> float:
    """The mean by the exact sum, which may be larger than any number that a machine counts with."""
    try:
        total = math.fsum(numbers)
    except OverflowError:
        exact = sum(map(Fraction, numbers), Fraction(0))
        try:
            total = float(exact)
        except OverflowError:
            return float(exact / len(numbers))
    return total / len(numbers)


def received(form: Form, found: Found, originals: Sequence[FileRef], path: str) -> tuple[ReceivedValue, list[bytes]]:
    """The value of the step, and the lines of received.jsonl with their newlines."""
    lines: list[bytes] = []
    left_out: list[LeftOut] = []
    reasons: Counter[str] = Counter()
    models: Counter[str] = Counter()
    scores: dict[str, _Score] = {}
    errors = 0
    for part in found.parts:
        line = _line(part, len(lines) + 1) if isinstance(part, Answered) else b""
        if isinstance(part, LeftOut) or len(line) > LONGEST_LINE_BYTES:
            left = part if isinstance(part, LeftOut) else LeftOut(where=part.where, why=TOO_LONG)
            reasons[left.why] += 1
            if len(left_out) < NAMED:
                left_out.append(left)
            continue
        lines.append(line)
        errors += part.error != ""
        models[part.model] += 1
        for name, score in part.scores.items():
            if name in scores or len(scores) < SCORES_NAMED:
                scores.setdefault(name, _Score()).look(score)
    named = sorted(models.items(), key=lambda one: (-one[1], one[0]))[:MODELS_NAMED]
    value = ReceivedValue(
        form=form,
        path=path,
        originals=list(originals),
        claimed=found.claimed,
        answers=len(lines),
        errors=errors,
        not_understood=sum(reasons.values()),
        left_out=left_out,
        reasons=dict(sorted(reasons.items())[:NAMED]),
        other_parts=dict(sorted(found.other_parts.items())[:NAMED]),
        models=dict(named),
        more_models=len(lines) - sum(times for _, times in named),
        scores=[scores[name].claimed(name) for name in sorted(scores)],
        results=list(found.results[:RESULTS_NAMED]),
    )
    return value, lines


def _line(part: Answered, number: int) -> bytes:
    line = ReceivedLine(
        id=str(number),
        where=part.where,
        sample=part.sample,
        repeat=part.repeat,
        model=part.model,
        prompt=part.prompt,
        answer=part.answer,
        target=list(part.target),
        scores=dict(part.scores),
        explanations=dict(part.explanations),
        usage=part.usage,
        cost_usd=part.cost_usd,
        at=part.at,
        latency_ms=part.latency_ms,
        stop_reason=part.stop_reason,
        error=part.error,
    )
    return encode_sorted(line) + b"\n"
