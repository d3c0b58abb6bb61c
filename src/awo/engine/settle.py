"""After a crash: gives every call without outcome the one that the bytes on disk show (spec section 4.3)."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from awo.canon.digest import sha256_hex
from awo.engine.asked import request_sha256
from awo.engine.journal import Journal
from awo.engine.outputs import response_lines
from awo.engine.raw import Found, take_up_tail
from awo.errors import EvidenceError
from awo.evidence import events as ev
from awo.evidence.layout import responses_path
from awo.evidence.records import ModelRecord, ResponseLine
from awo.lifecycle.steps import Status, StepState

_decoder = msgspec.json.Decoder(ResponseLine)
FAILED_STATUS = 400


@dataclass(slots=True)
class _Tail:
    """The lines of one step that no event names yet, in their order."""

    step: StepState
    lines: list[tuple[bytes, ResponseLine]] = field(default_factory=list)


async def settle_open_calls(journal: Journal, models: Mapping[str, ModelRecord]) -> Counter[str]:
    """How many calls of each step have an unknown outcome, by the step's id.

    Every whole line that answers an open call is recorded as recovered; a torn one is cut, and the cut
    recorded; a call without line is `call_unknown`. Exchanges that no event names are given to their calls.

    Raises `EvidenceError` for a line or an exchange that nobody asked for: the journal has then lost lines.
    """
    found = await take_up_tail(journal)
    unknown: Counter[str] = Counter()
    tails = {}
    for step in journal.state.steps.values():
        if step.attempts and step.status in (Status.WAITING, Status.FAILED):
            tails[step.record.id] = await _tail_of(journal, step)
    for one in found:
        unknown[one.step] += _take_exchange(journal, one, tails.get(one.step), models)
    for tail in tails.values():
        while tail.lines:
            _recover(journal, tail, models, None)
    for tail in tails.values():
        for call, intent in list((tail.step.open_calls or {}).items()):
            _unknown(journal, call, intent, models, None)
            unknown[intent.step] += 1
    return unknown


def cut_to(path: Path, size_bytes: int) -> None:
    """Cuts a file to its first `size_bytes`."""
    os.truncate(path, size_bytes)


async def _tail_of(journal: Journal, step: StepState) -> _Tail:
    path = responses_path(step.record.id)
    end_bytes = step.answered.end_bytes if step.answered else 0
    tail = _Tail(step)
    for raw in response_lines(journal.folder, step.record.id, end_bytes):
        if not raw.endswith(b"\n"):
            journal.append(ev.TailCut, path=path, cut_bytes=len(raw), sha256=sha256_hex(raw))
            await journal.flushed()  # a crash before the cut only makes the record twice
            cut_to(journal.folder / path, end_bytes)
            break
        where = f"{path}:{step.lines + len(tail.lines) + 1}"
        try:
            line = _decoder.decode(raw)
        except msgspec.MsgspecError as error:
            raise EvidenceError("a line of the responses is not a response", where=where, got=str(error)) from error
        if line.origin is None and (not step.open_calls or line.call not in step.open_calls):
            raise EvidenceError(
                "the responses hold an answer that the journal never asked for: the journal has lost lines",
                where=where,
                hint="restore the run from a copy",
            )
        tail.lines.append((raw[:-1], line))
        end_bytes += len(raw)
    return tail


def _take_exchange(journal: Journal, found: Found, tail: _Tail | None, models: Mapping[str, ModelRecord]) -> bool:
    """Gives an exchange to the call it belongs to: to its answer, or to the fact that it has none (then true)."""
    intent = (tail.step.open_calls or {}).get(found.call) if tail else None
    if tail is None or intent is None:
        raise EvidenceError(
            "there is an exchange that the journal never asked for: the journal has lost lines",
            where=f"segment {found.ref.segment}, byte {found.ref.offset}",
            hint="restore the run from a copy",
        )
    if any(line.call == found.call for _, line in tail.lines):
        while tail.lines[0][1].call != found.call:
            _recover(journal, tail, models, None)
        _recover(journal, tail, models, found.ref)
        return False
    _unknown(journal, found.call, intent, models, found)
    return True


def _recover(journal: Journal, tail: _Tail, models: Mapping[str, ModelRecord], exchange: ev.ExchangeRef | None) -> None:
    """Records the first line of the tail: an answer to a call, or one that was copied from another run."""
    data, line = tail.lines.pop(0)
    step = tail.step
    if line.origin is None:
        journal.append(
            ev.CallAnswered,
            step=step.record.id,
            call=line.call,
            line=step.lines,
            sha256=sha256_hex(data),
            size_bytes=len(data),
            cost=line.cost,
            exchange=exchange,
            recovered=True,
        )
        return
    name = line.model.partition("/")[2] or line.model  # of a model that the workflow does not name
    model = models.get(line.model, ModelRecord(backend=line.backend, model=name, params={}, seed=0, on_unknown=""))
    journal.append(
        ev.ResponseReused,
        step=step.record.id,
        attempt=line.attempt,
        cell=line.cell,
        repeat=line.repeat,
        model=line.model,
        request_sha256=request_sha256(model, line.messages, line.params, line.seed, line.repeat, line.schema_sha256),
        line=step.lines,
        sha256=sha256_hex(data),
        size_bytes=len(data),
        origin=line.origin,
    )


def _unknown(
    journal: Journal, call: str, intent: ev.CallIntended, models: Mapping[str, ModelRecord], found: Found | None
) -> None:
    model = models.get(intent.model)
    policy = (model.on_unknown if model else "") or ("retry" if intent.worst_price == "0" else "fail")
    if found is not None and found.status >= FAILED_STATUS:
        policy = "retry"  # the provider said no: nothing was bought
    journal.append(
        ev.CallUnknown,
        step=intent.step,
        call=call,
        policy="retry" if policy == "retry" else "fail",
        exchange=found.ref if found else None,
    )
