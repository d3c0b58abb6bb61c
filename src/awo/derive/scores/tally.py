"""How scores are written down, whoever gave them: a line for each answer, and a summary of each score."""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping
from typing import Any

from awo.canon.json import encode_sorted
from awo.derive.answers import Answer
from awo.derive.scores.seam import NO_ANSWER, Outcome, Scored, said_why
from awo.evidence.layout import file_path
from awo.evidence.scores import SCORES_FILE, ScoreLine, ScoreSummary, ScoresValue

_LOST = said_why(NO_ANSWER)


class ScoresKept:
    """Takes the scores of each answer in order. `lines` has scores.jsonl, each line with its newline."""

    def __init__(self, outcomes: Mapping[str, Outcome]) -> None:
        self.lines: list[bytes] = []
        self._tallies = {name: _Tally(outcome) for name, outcome in outcomes.items()}
        self._cells = self._failed = 0
        self._last_cell = -1

    def add(self, answer: Answer, scored: Mapping[str, Scored], groups: Mapping[str, Any]) -> None:
        """One answer. `scored` has every score, or nothing where the answer failed."""
        if answer.cell != self._last_cell:
            self._last_cell = answer.cell
            self._cells += 1
            self._failed += answer.status == "failed"
        scores: dict[str, float | None] = {}
        labels: dict[str, str | None] = {}
        ratings: dict[str, list[Any]] = {}
        why: dict[str, str] = {}
        for name, tally in self._tallies.items():
            one = scored.get(name, _LOST)
            tally.add(one)
            outcome = tally.outcome
            if outcome.type == "ratings":
                ratings[name] = list(one.ratings)
            elif outcome.type != "label":
                scores[name] = one.number
            if outcome.has_label:
                labels[name] = one.label
            if one.why:
                why[name] = one.why
        line = ScoreLine(
            cell=answer.cell,
            answer=answer.number,
            item=answer.item,
            matrix=dict(answer.matrix),
            repeat=answer.repeat,
            model=answer.model,
            status=answer.status,
            groups=dict(groups),
            scores=scores,
            labels=labels,
            ratings=ratings,
            why=why,
        )
        self.lines.append(encode_sorted(line) + b"\n")

    def value(self, of: str, step: str) -> ScoresValue:
        """The step's value: `of` was scored by `step`."""
        return ScoresValue(
            of=of,
            cells=self._cells,
            failed=self._failed,
            answers=len(self.lines),
            path=file_path(step, SCORES_FILE),
            scores={name: tally.summary() for name, tally in self._tallies.items()},
        )


class _Tally:
    """One score over all answers so far."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self._numbers = array("d")
        self._answers = self._missing = self._passed = 0

    def add(self, scored: Scored) -> None:
        self._answers += 1
        match self.outcome.type:
            case "ratings":
                self._missing += not scored.ratings
            case "label":
                self._missing += scored.label is None
            case "test" | "grade" | "measure":
                if scored.number is None:
                    self._missing += 1
                else:
                    self._numbers.append(scored.number)
                    self._passed += scored.number >= self.outcome.threshold

    def summary(self) -> ScoreSummary:
        kind, type_, threshold, _ = self.outcome
        is_passing = type_ in ("test", "grade")
        count = self._answers if is_passing else len(self._numbers)
        mean = math.fsum(self._numbers) / count if count and type_ not in ("label", "ratings") else None
        return ScoreSummary(
            kind=kind,
            type=type_,
            answers=self._answers,
            missing=self._missing,
            passed=self._passed if is_passing else 0,
            threshold=threshold if is_passing else 0.0,
            mean=mean,
        )
