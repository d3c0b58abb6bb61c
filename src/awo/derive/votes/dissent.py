"""The derivation of `dissent`: which minority answers of a vote were answered by a later step, and by which call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import replace

from awo.canon.json import encode_sorted
from awo.derive.seam import Derivation, Derived, Sources
from awo.errors import EvidenceError, StepFailed
from awo.evidence.layout import file_path
from awo.evidence.records import ItemLine, StepRecord
from awo.evidence.votes import DISSENT_FILE, DissentLine, DissentValue, Reply
from awo.workflow.words import Args, StepRef

MOST_REPLIES: Final = 100
"""How many replies to one dissent are named; it is answered by the first."""

_dissents = msgspec.json.Decoder(DissentLine)


class DissentArgs(Args, frozen=True, kw_only=True):
    """Whose minority answers, and what may have answered them."""

    of: Annotated[StepRef, Meta(description="The consensus_vote step whose minority answers are looked at.")]
    answered_by: (
        Annotated[
            StepRef,
            Meta(
                description="The step that answers them: one that goes over the same items, such as refute, "
                "or one that is done once and answers a vote that was."
            ),
        ]
        | UnsetType
    ) = UNSET
    require: (
        Annotated[Literal["answered"], Meta(description="`answered`: an unanswered dissent fails the step.")]
        | UnsetType
    ) = UNSET


def ledger(args: DissentArgs, sources: Sources) -> Derived:
    """A `DissentValue`, and files/dissent.jsonl: the vote's own ledger with what answered each line.

    A dissent is answered where the step `answered_by` has a result for the same item that did not fail
    and rests on a call; for a vote within one cell, also for the same matrix and repeat as far as that step
    sees them. Whether the answer is a good one is for a reader. Fails with `dissent_unanswered` under
    `require`. Raises `StepFailed` `no_dissent` for a step that is no vote.
    """
    replies = _Replies(args.answered_by, sources) if args.answered_by is not UNSET else None
    lines = []
    for raw in _lines(args, sources):
        dissent = _parsed(raw, args.of)
        found = replies.to(dissent) if replies is not None else []
        lines.append(replace(dissent, is_answered=bool(found), replies=found[:MOST_REPLIES]))
    answered = sum(bool(line.is_answered) for line in lines)
    value = DissentValue(
        of=args.of,
        answered_by=None if args.answered_by is UNSET else args.answered_by,
        path=file_path(sources.step, DISSENT_FILE),
        items=len({(line.item, msgspec.json.encode(line.matrix), line.repeat) for line in lines}),
        dissents=len(lines),
        answered=answered,
        unanswered=len(lines) - answered,
    )
    failure = None
    if args.require is not UNSET and value.unanswered:
        first = next(line for line in lines if not line.is_answered)
        failure = StepFailed(
            f"{value.unanswered} of {value.dissents} minority answers are not answered",
            code="dissent_unanswered",
            where=f"step {sources.step}",
            got=f"the first of item {first.item!r}" if first.item else "",
        )
    return Derived(value, {DISSENT_FILE: [encode_sorted(line) + b"\n" for line in lines]}, failure)


class _Replies:
    """The results of the answering step by the item that they are about."""

    def __init__(self, step: str, sources: Sources) -> None:
        self._step = step
        self._found: dict[str, list[tuple[Mapping[str, Any], Reply]]] = {}
        record = sources.record_of(step)
        if record.cells is None:
            calls = [line.call for line in sources.responses_of(step)]
            if calls:
                self._found[""] = [({}, Reply(step=step, cell=0, calls=calls))]
            return
        for item in sources.items_of(step):
            if item.status == "done" and item.calls:
                about, seen = _about(item, record)
                reply = Reply(step=step, cell=item.cell, calls=item.calls)
                self._found.setdefault(about, []).append((seen, reply))

    def to(self, dissent: DissentLine) -> list[Reply]:
        """What answers this dissent, in the order of the cells."""
        return [reply for seen, reply in self._found.get(dissent.item, ()) if _is_about(seen, dissent)]


def _about(item: ItemLine, record: StepRecord) -> tuple[str, Mapping[str, Any]]:
    """The item that a cell is about, and what it saw of the cell that it went over, if it went over one."""
    over = record.cells.over if record.cells else None
    own = item.row.get("id") if over is not None and over.kind == "step" else None
    return (own, item.row) if isinstance(own, str) else (item.item, {})


def _is_about(seen: Mapping[str, Any], dissent: DissentLine) -> bool:
    """Whether a cell that was gone over is the one that voted; a vote of a whole item is about each of its cells."""
    if not seen or not (dissent.matrix or dissent.repeat):
        return True
    return (seen.get("matrix", {}), seen.get("repeat", 0)) == (dissent.matrix, dissent.repeat)


def _lines(args: DissentArgs, sources: Sources) -> Iterator[bytes]:
    try:
        yield from sources.lines_of(args.of, DISSENT_FILE)
    except StepFailed as error:
        if error.code != "no_file":
            raise
        raise StepFailed(
            f"the step {args.of} has no minority answers to look at",
            code="no_dissent",
            where=f"step {sources.step}, of",
            expected="a consensus_vote step",
        ) from error


def _parsed(raw: bytes, step: str) -> DissentLine:
    try:
        return _dissents.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        where = file_path(step, DISSENT_FILE)
        raise EvidenceError("a recorded line is not its shape", where=where, got=str(error)) from error


DERIVATION = Derivation(
    name="dissent",
    summary="Says which minority answers of a vote were answered.",
    args=DissentArgs,
    compute=ledger,
)
