"""Answers to a checklist, as they are given and as they are judged.

To approve, every required item must be answered, and each item that expects one certain answer with that. To reject,
revise or withdraw, any items may be answered, and a `no` there is a reason worth recording.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, assert_never
from urllib.parse import urlsplit

from awo.errors import UsageError
from awo.evidence.gates import Answer, ChecklistItem, Verdict
from awo.gate.decimals import is_spelled, number, spelled
from awo.gate.items import YES_NO, why_not_plain
from awo.plugins import nearest

LONGEST_ANSWER: Final = 4000
LONGEST_EVIDENCE: Final = 2000
MOST_NAMED: Final = 20

_SHORT: Final = {"y": "yes", "n": "no"}
_ADDRESS = re.compile(r"https?://[!-~]+")


@dataclass(frozen=True, slots=True)
class AnswerFault:
    """What is wrong with a list of answers."""

    what: str
    expected: str = ""
    got: str = ""
    hint: str = ""


def read_answers(
    pairs: Sequence[str],
    checklist: Sequence[ChecklistItem],
    verdict: Verdict,
    *,
    given: Sequence[Answer] = (),
    shown: Collection[str] = (),
) -> list[Answer]:
    """The answers typed as `item=answer` and those `given` otherwise, each in its one spelling, in checklist order.

    `shown` are the paths of the files at the gate. Raises `UsageError` for a pair without `=`, and for whatever
    `fault_of` finds.
    """
    said = []
    for pair in pairs:
        item_id, equals, answer = pair.partition("=")
        if not equals:
            raise UsageError(
                "an answer must be an item and its answer",
                where="--answer",
                expected="item=answer, as in --answer read=yes",
                got=ascii(pair)[:80],
            )
        said.append(Answer(id=item_id.strip(), answer=answer))
    items = {item.id: item for item in checklist}
    found = [spelled_answer(items[one.id], one) if one.id in items else one for one in [*said, *given]]
    fault = fault_of(found, checklist, verdict, shown)
    if fault is not None:
        where = "--answer" if pairs or not given else "the answers"
        raise UsageError(fault.what, where=where, expected=fault.expected, got=fault.got, hint=fault.hint)
    order = {item.id: position for position, item in enumerate(checklist)}
    return sorted(found, key=lambda answer: order[answer.id])


def spelled_answer(item: ChecklistItem, given: Answer) -> Answer:
    """What was given in the one spelling that is signed; an answer that has none stays as it is, and is a fault."""
    text = given.answer.strip()
    match item.kind:
        case "yes_no":
            text = _SHORT.get(text.lower(), text.lower())
        case "number":
            text = spelled(text) or text
        case "choice" | "text":
            pass
        case never:
            assert_never(never)
    return Answer(id=given.id, answer=text, evidence=given.evidence.strip())


def fault_of(
    answers: Sequence[Answer], checklist: Sequence[ChecklistItem], verdict: Verdict, shown: Collection[str]
) -> AnswerFault | None:
    """What keeps these answers from going with this verdict; None when nothing does.

    `shown` are the paths of the files that the gate shows. Of answers that cannot stand, the first; then, for an
    approval, all that are missing and all that speak against it together.
    """
    items = {item.id: item for item in checklist}
    seen: dict[str, str] = {}
    for answer in answers:
        item = items.get(answer.id)
        if item is None:
            near = nearest(answer.id[:80], items)
            return AnswerFault(
                f"the checklist has no item {ascii(answer.id)[:80]}",
                expected=_listed(items),
                hint=f"did you mean {near!r}?" if near else "",
            )
        if answer.id in seen:
            return AnswerFault(f"the item {answer.id!r} is answered twice")
        if fault := fault_of_one(item, answer, shown):
            return fault
        seen[answer.id] = answer.answer
    return _fault_of_approval(checklist, seen) if verdict == "approve" else None


def fault_of_one(item: ChecklistItem, answer: Answer, shown: Collection[str]) -> AnswerFault | None:
    """Why this cannot be the answer to this item, whatever the verdict; None when it can."""
    return fault_of_text(item, answer.answer) or _fault_of_evidence(item, answer.evidence, shown)


def wanted(item: ChecklistItem) -> str:
    """What an answer to this item looks like, in words: `yes or no`, `one of: A, B`, `a number from 0 to 10 points`."""
    match item.kind:
        case "yes_no":
            return "yes or no"
        case "choice":
            has_commas = any("," in choice for choice in item.choices)
            return f"one of: {', '.join(repr(one) if has_commas else one for one in item.choices)}"
        case "number":
            low = f" from {item.lowest}" if item.lowest else ""
            high = f" {'to' if low else 'up to'} {item.highest}" if item.highest else ""
            return f"a number{low}{high}{f' ({item.unit})' if item.unit else ''}"
        case "text":
            return "a text"
        case never:
            assert_never(never)


def example(item: ChecklistItem) -> str:
    """What to type for this item, safe in a shell whatever its choices are: `--answer read=yes`."""
    value = item.approve_with or {
        "yes_no": "yes",
        "choice": item.choices[0] if item.choices else "",
        "number": item.lowest or item.highest or "0",
        "text": "TEXT",
    }.get(item.kind, "")
    return f"--answer {shlex.quote(f'{item.id}={value}')}"


def fault_of_text(item: ChecklistItem, answer: str) -> AnswerFault | None:
    """As `fault_of_one`, for the answer without the evidence beside it."""
    got = ascii(answer)[:80]
    match item.kind:
        case "yes_no":
            is_good = answer in YES_NO
        case "choice":
            is_good = answer in item.choices
        case "number":
            is_good = is_spelled(answer) and _is_within(item, answer)
        case "text":
            is_good = bool(answer) and answer == answer.strip() and len(answer) <= LONGEST_ANSWER
            if is_good and (why := why_not_plain(answer, allowed="\n\t")):
                return AnswerFault(f"the answer to {item.id!r} cannot be shown", "plain text", why)
        case never:
            assert_never(never)
    if is_good:
        return None
    hint = ""
    if item.kind == "choice" and (near := nearest(answer[:80], item.choices)):
        hint = f"did you mean {near!r}?"
    longest = f" of at most {LONGEST_ANSWER} characters" if item.kind == "text" else ""
    return AnswerFault(f"the item {item.id!r} is answered with {_asked(item)}", wanted(item) + longest, got, hint)


def _asked(item: ChecklistItem) -> str:
    if item.kind == "choice":
        return "one of its choices"
    if item.kind == "number" and (item.lowest or item.highest):
        return "a number in its range"
    return wanted(item).partition(" (")[0]


def _is_within(item: ChecklistItem, answer: str) -> bool:
    value, low, high = number(answer), number(item.lowest), number(item.highest)
    if value is None or (item.lowest and low is None) or (item.highest and high is None):
        return False
    return (low is None or value >= low) and (high is None or value <= high)


def _fault_of_evidence(item: ChecklistItem, evidence: str, shown: Collection[str]) -> AnswerFault | None:
    form = "the path of a file that the gate shows, or an http(s) address"
    if not evidence:
        if item.evidence != "required":
            return None
        hint = f"in a file for --answers: {item.id}: {{answer: …, evidence: …}}"
        return AnswerFault(f"the item {item.id!r} is answered without the evidence that it asks for", form, "", hint)
    if not item.evidence:
        return AnswerFault(f"the item {item.id!r} takes no evidence", got=ascii(evidence)[:80])
    if evidence in shown or _is_address(evidence):
        return None
    near = "" if "://" in evidence else nearest(evidence[:200], list(shown)[:1000])
    return AnswerFault(
        f"what stands as evidence beside {item.id!r} is neither a file shown at the gate nor an address",
        form,
        ascii(evidence)[:80],
        f"did you mean {near!r}?" if near else "`awo gates show RUN --all` lists the files",
    )


def _is_address(text: str) -> bool:
    """Whether `text` is an address by its form. It is never fetched; one with a password in it is refused."""
    if len(text) > LONGEST_EVIDENCE or not _ADDRESS.fullmatch(text):
        return False
    try:
        parts = urlsplit(text)
        return bool(parts.hostname) and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        return False


def _fault_of_approval(checklist: Sequence[ChecklistItem], seen: dict[str, str]) -> AnswerFault | None:
    """Everything at once: the person answers again only once."""
    missing = [item for item in checklist if item.required and item.id not in seen]
    refused = [
        item for item in checklist if item.approve_with and seen.get(item.id, item.approve_with) != item.approve_with
    ]
    if not missing and not refused:
        return None
    whats = []
    if missing:
        whats.append("not every required item is answered")
    if refused:
        whats.append("an approval cannot go with some of the answers")
    expected = [f"{item.id} ({wanted(item)})" for item in missing]
    expected += [f"{item.id}={item.approve_with}" for item in refused]
    got = [f"none to {_listed([item.id for item in missing])}"] if missing else []
    got += [f"{item.id}={seen[item.id]}" for item in refused[:MOST_NAMED]]
    hint = " ".join(example(item) for item in missing[:MOST_NAMED])
    if refused:
        hint = "if that is the answer: awo reject RUN --reason TEXT" + (f"; else add {hint}" if hint else "")
    return AnswerFault(", and ".join(whats), _listed(expected), ", ".join(got), hint)


def _listed(names: Collection[str]) -> str:
    """Names for an error: the first of them, and how many more there are."""
    listed = list(names)
    more = f" and {len(listed) - MOST_NAMED} more" if len(listed) > MOST_NAMED else ""
    return ", ".join(listed[:MOST_NAMED]) + more
