"""How each model's answers ended: by what names, whole, cut off, refused, or against the schema that was asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from awo.derive.facts import RunFacts
from awo.derive.markdown import table
from awo.derive.report.reader import Reader
from awo.derive.report.shown import ROWS_SHOWN, STEPS_DETAILED, more, named, without_empty_columns, word
from awo.evidence.layout import OUTPUTS

RESPONSES_COUNTED: Final = 10_000
"""Of each step: a report of a million answers must not take longer than the answers."""

WHOLE: Final = "stop"


@dataclass(slots=True)
class Endings:
    """What was seen of one model: the names that answered, why its answers ended, and how many broke their schema."""

    names: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    broke_schema: int = 0

    @property
    def are_whole(self) -> bool:
        """Whether every answer came to its own end and follows its schema."""
        return not self.broke_schema and not set(self.reasons) - {WHOLE}


@dataclass(slots=True)
class Seen:
    """What was seen of every model, by name. `is_all` is false when there are more responses than were read."""

    models: dict[str, Endings] = field(default_factory=dict)
    is_all: bool = True


def endings(facts: RunFacts, read: Reader) -> Seen:
    """Reads the first responses of the first steps that asked models."""
    seen = Seen()
    asking = [step for step in facts.steps if step.calls.responses]
    seen.is_all = len(asking) <= STEPS_DETAILED
    for step in asking[:STEPS_DETAILED]:
        seen.is_all = seen.is_all and step.calls.responses <= RESPONSES_COUNTED
        for response in islice(read.responses(step.record.id), RESPONSES_COUNTED):
            of_model = seen.models.setdefault(response.model, Endings())
            of_model.names[response.model_answered] += 1
            of_model.reasons[response.stop_reason] += 1
            of_model.broke_schema += bool(response.schema_fault)
    return seen


def endings_table(seen: Seen) -> str:
    """The models whose answers were not all whole, or that answered by several names; '' when there is none."""
    rows = [_row(name, found) for name, found in seen.models.items() if not found.are_whole or len(found.names) > 1]
    if not rows:
        return ""
    header = [
        "answers of",
        "whole",
        "cut off",
        "refused",
        "tool calls",
        "other ends",
        "broke the schema",
        "answered as",
    ]
    shown = table(*without_empty_columns(header, rows[:ROWS_SHOWN])) + more(
        len(rows), ROWS_SHOWN, "model", named(OUTPUTS)
    )
    if not seen.is_all:
        shown += f"\nCounted over the first {RESPONSES_COUNTED:,} responses of the first {STEPS_DETAILED} steps.\n"
    return shown


def _row(name: str, found: Endings) -> list[str]:
    reasons: Mapping[str, int] = found.reasons
    counts = [reasons.get(reason, 0) for reason in (WHOLE, "length", "refusal", "tool_calls", "other")]
    names = ", ".join(f"{word(told)} {number:,}" for told, number in found.names.most_common(4))
    return [
        word(name),
        *(f"{number:,}" if number else "" for number in (*counts, found.broke_schema)),
        names if len(found.names) > 1 else "",
    ]
