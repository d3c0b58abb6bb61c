"""Answers to a checklist, as they are typed and as they are judged.

To approve, every required item must be answered `yes`. To reject, revise or withdraw, any items may
be answered, and a `no` there is a reason worth recording.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from awo.errors import UsageError
from awo.evidence.gates import Answer, ChecklistItem, Verdict
from awo.plugins import nearest

YES_NO = ("yes", "no")


@dataclass(frozen=True, slots=True)
class AnswerFault:
    """What is wrong with a list of answers."""

    what: str
    expected: str = ""
    got: str = ""
    hint: str = ""


def read_answers(pairs: Sequence[str], checklist: Sequence[ChecklistItem], verdict: Verdict) -> list[Answer]:
    """The answers typed as `item=yes`, in the order of the checklist.

    Raises `UsageError` for a pair without `=`, and for whatever `fault_of` finds.
    """
    given = []
    for pair in pairs:
        item_id, equals, answer = pair.partition("=")
        if not equals:
            raise UsageError(
                "an answer must be an item and its answer", where="--answer", expected="item=yes", got=ascii(pair)[:80]
            )
        given.append(Answer(id=item_id.strip(), answer=answer.strip().lower()))
    fault = fault_of(given, checklist, verdict)
    if fault is not None:
        raise UsageError(fault.what, where="--answer", expected=fault.expected, got=fault.got, hint=fault.hint)
    order = {item.id: place for place, item in enumerate(checklist)}
    return sorted(given, key=lambda answer: order[answer.id])


def fault_of(answers: Sequence[Answer], checklist: Sequence[ChecklistItem], verdict: Verdict) -> AnswerFault | None:
    """The first thing that keeps these answers from going with this verdict; None when nothing does."""
    items = {item.id: item for item in checklist}
    seen: dict[str, str] = {}
    for answer in answers:
        item = items.get(answer.id)
        if item is None:
            near = nearest(answer.id, items)
            return AnswerFault(
                f"the checklist has no item {ascii(answer.id)[:80]}",
                expected=", ".join(items),
                hint=f"did you mean {near!r}?" if near else "",
            )
        if answer.id in seen:
            return AnswerFault(f"the item {answer.id!r} is answered twice")
        if fault := _fault_of_one(item, answer.answer):
            return fault
        seen[answer.id] = answer.answer
    return _fault_of_approval(checklist, seen) if verdict == "approve" else None


def _fault_of_one(item: ChecklistItem, answer: str) -> AnswerFault | None:
    if item.kind != "yes_no":
        return AnswerFault(f"items of kind {item.kind!r} cannot be answered by this version", got=item.id)
    if answer not in YES_NO:
        return AnswerFault(
            f"the item {item.id!r} is answered with yes or no", expected="yes, no", got=ascii(answer)[:80]
        )
    return None


def _fault_of_approval(checklist: Sequence[ChecklistItem], seen: dict[str, str]) -> AnswerFault | None:
    required = [item.id for item in checklist if item.required]
    missing = [item_id for item_id in required if item_id not in seen]
    if missing:
        return AnswerFault(
            "not every required item is answered",
            expected=f"an answer to each of {', '.join(required)}",
            got=f"none to {', '.join(missing)}",
            hint=" ".join(f"--answer {item_id}=yes" for item_id in missing),
        )
    refused = [item_id for item_id in required if seen[item_id] == "no"]
    if refused:
        return AnswerFault(
            "an approval cannot answer a required item with no",
            got=", ".join(refused),
            hint="awo reject RUN --reason TEXT",
        )
    return None
