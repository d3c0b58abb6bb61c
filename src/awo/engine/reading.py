"""Reads a run that may be in use: the journal's events and the facts they amount to, without a lock."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from awo.canon import time
from awo.derive.facts import RunFacts
from awo.derive.views import gate_pending
from awo.engine.deadlines import needs_now
from awo.engine.folder import never_started, read_input
from awo.engine.journal import read_lines
from awo.errors import EvidenceError
from awo.evidence import events as ev
from awo.evidence.gates import Decision, GatePending, GateRequest, SealedVote
from awo.evidence.layout import JOURNAL, responses_path
from awo.evidence.records import InputRecord, ItemLine, ResponseLine
from awo.gate.standing import missing
from awo.lifecycle.chronicle import Chronicle
from awo.lifecycle.rules import RunState

T = TypeVar("T")


def events_of(folder: Path) -> Iterator[ev.AnyEvent]:
    """The whole events on disk, in order; a torn last line is passed over. Raises `EvidenceError`."""
    for _, event in lines_of(folder):
        yield event


def lines_of(folder: Path) -> Iterator[tuple[bytes, ev.AnyEvent]]:
    """As `events_of`, each with its line (without newline)."""
    try:
        descriptor = os.open(folder / JOURNAL, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise never_started(folder) from error
    try:
        for number, line in enumerate(read_lines(descriptor)):
            if line.endswith(b"\n"):
                yield line[:-1], ev.decode(line[:-1], number)
    finally:
        os.close(descriptor)


_REFS: dict[type[Any], Callable[[Any], list[ev.FileRef]]] = {
    ev.RunStarted: lambda event: [event.input],
    ev.StepFinished: lambda event: [event.value, *event.files],
    ev.StepFailed: lambda event: event.files,
    ev.StepReused: lambda event: [event.value, *event.files],
    ev.GateOpened: lambda event: [event.request, *event.files, *event.shows],
    ev.VoteCommitted: lambda event: [event.vote, event.signature, event.authority],
    ev.DecisionRecorded: lambda event: [event.decision, event.signature, event.authority],
}


def refs_of(event: ev.AnyEvent) -> list[ev.FileRef]:
    """The files that an event names with their digests."""
    named = _REFS.get(type(event))
    return named(event) if named is not None else []


def read_facts(folder: Path, plan: InputRecord | None = None) -> RunFacts:
    """What the journal says of the run so far.

    `plan` is input.json where the caller has the journal open: then its events have been held
    against the rule book already. Otherwise that is done here. Raises `UsageError` or `EvidenceError`.
    """
    rules = None
    if plan is None:
        plan, _ = read_input(folder)
        rules = RunState(plan.steps, plan.budget_usd)
    chronicle = Chronicle(plan)
    for line, event in lines_of(folder):
        if rules is not None:
            rules.advance(event)
        chronicle.add(event, line)
    if rules is not None and rules.started is None:
        raise never_started(folder)
    return chronicle.facts()


def waiting_gate(folder: Path) -> GatePending | None:
    """gate_pending.json as it should be now, from the journal; None when no gate waits."""
    return pending_gate(read_facts(folder), FolderReader(folder))


def pending_gate(facts: RunFacts, reader: FolderReader) -> GatePending | None:
    """gate_pending.json as these facts have it, with what is missing at this moment; None when no gate waits."""
    gate = facts.open_gate
    if gate is None:
        return None
    request = reader.gate_request(gate.request.path)
    decisions = [reader.decision(event.decision.path) for event in gate.decisions]
    is_escalated = gate.deadline is not None and gate.deadline.then == "escalate"
    needs = needs_now(request, is_escalated=is_escalated)
    if request.panel is not None and not decisions:
        from awo.gate.votes import still_to_vote

        still = still_to_vote(needs, [reader.vote(event.vote.path).signer for event in gate.votes])
    else:
        still = missing(needs, decisions, at=time.read(time.now()))
    return gate_pending(facts, request, gate.checkpoint, still)


class FolderReader:
    """Gives the report the outputs of one run from disk; implements `awo.derive.report.Reader`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def value(self, path: str) -> Any:
        """A step's parsed value."""
        return self._decode(path, Any)

    def responses(self, step: str) -> Iterator[ResponseLine]:
        """The responses of a step, one at a time, in the order of the file; none without file."""
        path = self._folder / responses_path(step)
        if not path.is_file():
            return
        decoder = msgspec.json.Decoder(ResponseLine)
        with path.open("rb") as lines:
            for number, line in enumerate(lines):
                try:
                    yield decoder.decode(line)
                except msgspec.MsgspecError as error:
                    raise EvidenceError(
                        "a line of the responses is not a response", where=f"{path}:{number + 1}", got=str(error)
                    ) from error

    def items(self, path: str) -> Iterator[ItemLine]:
        """The results of a step that fans out, one at a time, in the order of its cells."""
        return self._items(path, having=b"")

    def failed_items(self, path: str) -> Iterator[ItemLine]:
        """As `items`, those of failed cells only; the lines of the others are not parsed."""
        found = self._items(path, having=b'"status":"failed"')
        return (item for item in found if item.status == "failed")  # a row may have a column of that name

    def _items(self, path: str, having: bytes) -> Iterator[ItemLine]:
        decoder = msgspec.json.Decoder(ItemLine)
        try:
            with (self._folder / path).open("rb") as lines:
                for line in lines:
                    if having in line:
                        yield decoder.decode(line)
        except (OSError, msgspec.MsgspecError) as error:
            raise EvidenceError("a line of the items cannot be read", where=path, got=str(error)) from error

    def decision(self, path: str) -> Decision:
        """A decision as it was signed."""
        return self._decode(path, Decision)

    def vote(self, path: str) -> SealedVote:
        """A sealed vote as it was signed."""
        return self._decode(path, SealedVote)

    def gate_request(self, path: str) -> GateRequest:
        """What a gate asked."""
        return self._decode(path, GateRequest)

    def head(self, path: str, limit_bytes: int) -> str:
        """The first `limit_bytes` bytes of a file as UTF-8; bytes that are not UTF-8 become U+FFFD."""
        try:
            with (self._folder / path).open("rb") as stream:
                return stream.read(limit_bytes).decode(errors="replace")
        except OSError as error:
            raise EvidenceError("a recorded file cannot be read", where=path, got=str(error)) from error

    def _decode(self, path: str, kind: type[T]) -> T:
        try:
            return msgspec.json.decode((self._folder / path).read_bytes(), type=kind)
        except (OSError, msgspec.MsgspecError) as error:
            raise EvidenceError("a recorded file cannot be read", where=path, got=str(error)) from error
