"""The views of a run: files that are computed from facts and can be rebuilt at any time (spec section 6)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal, assert_never

import msgspec

from awo.canon import time
from awo.canon.json import pretty
from awo.canon.usd import usd
from awo.derive.facts import NO_CALLS, NO_MONEY, CallCounts, GateFacts, MoneyFacts, RunFacts, StepStatus
from awo.evidence.events import Checkpoint, FileRef
from awo.evidence.gates import GatePending, GateRequest, GateRules, Need
from awo.evidence.records import NO_LIMITS, GateStatus, StatusView

METADATA_FORMAT: Final = "awo/metadata/v1"


def status_view(facts: RunFacts) -> StatusView:
    """audit/status.json. The run is what its last gate says: pending, approved or rejected.

    A gate that was sent back for revision counts as rejected for this run. `not_required` means
    that the workflow has no gate that has opened.
    """
    gates = [_gate_status(gate) for gate in facts.gates]
    status: Literal["pending", "approved", "rejected", "not_required"]
    if not gates:
        status = "not_required"
    else:
        match gates[-1].status:
            case "pending" | "approved" | "rejected" as plain:
                status = plain
            case "revised":
                status = "rejected"
            case never:
                assert_never(never)
    outcome: Any = facts.outcome  # a Literal in the event it came from
    return StatusView(format="awo/status/v1", run_id=facts.run_id, status=status, outcome=outcome, gates=gates)


def gate_pending(
    facts: RunFacts, request: GateRequest, checkpoint: Checkpoint, missing: Sequence[Need] | None = None
) -> GatePending:
    """audit/gate_pending.json for the gate that waits.

    `checkpoint` is what a decision must name; `missing` is what `awo.gate.policy.missing` says, and
    may be left out while nobody has decided: everything that the gate needs is then missing.
    Raises `ValueError` when that gate does not wait.
    """
    gate = facts.open_gate
    if gate is None or gate.gate != request.gate:
        raise ValueError(f"the gate {request.gate!r} does not wait")
    return GatePending(
        format="awo/gate/v1",
        run_id=facts.run_id,
        gate=gate.gate,
        opened_at=gate.opened_at,
        checklist=request.checklist,
        needs=request.needs,
        missing=list(request.needs if missing is None else missing),
        shows=list(gate.shows),
        checkpoint=checkpoint,
        rules=request.rules,
        deadline_at=deadline_of(request.rules, gate.opened_at),
        is_escalated=gate.deadline is not None and gate.deadline.then == "escalate",
        panel=request.panel,
        voted=len(gate.votes),
    )


def deadline_of(rules: GateRules, opened_at: str) -> str:
    """When a gate that opened at `opened_at` stops waiting, '' for never."""
    return time.later(opened_at, rules.deadline_s) if rules.deadline_s else ""


def metadata_text(facts: RunFacts) -> Iterator[bytes]:
    """metadata.json in pieces, in the order in which a person reads it; `hashes` has one file a line."""
    yield pretty(metadata(facts)).removesuffix(b"\n}\n") + b',\n  "hashes": {'
    before = b"\n    "
    for ref in recorded_files(facts):
        yield before + msgspec.json.encode(ref.path) + b": " + msgspec.json.encode(ref.sha256)
        before = b",\n    "
    yield b"\n  }\n}\n"


def metadata(facts: RunFacts) -> dict[str, Any]:
    """What metadata.json says before `hashes`, as plain JSON."""
    return {
        "format": METADATA_FORMAT,
        "run_id": facts.run_id,
        "name": facts.input.name,
        "outcome": facts.outcome,
        "started_at": facts.started_at,
        "ended_at": facts.ended_at,
        "supersedes": facts.supersedes,
        "software": msgspec.to_builtins(facts.software),
        "starter": {"id": facts.starter.id, "key": facts.starter.key},
        "solo": facts.is_solo,
        "seeds": {
            "run": facts.input.seed,
            "models": {name: record.seed for name, record in facts.input.models.items()},
        },
        "models": [_model(facts, name) for name in model_names(facts)],
        "money": {"budget_usd": facts.budget_usd} | _amounts(facts.money),
        "data": _data_sets(facts),
        "environment": dict(facts.environments[0].environment) if facts.environments else {},
        "environments_after_resume": [
            {"at": one.at, "environment": dict(one.environment)} for one in facts.environments[1:]
        ],
        "journal": {
            "events": facts.event_count,
            "checkpoint": {"size": facts.checkpoint.size, "root": facts.checkpoint.root},
        },
        "counts": _counts(facts),
        "read": {file.path: file.sha256 for file in facts.input.files},
    }


def recorded_files(facts: RunFacts) -> Iterator[FileRef]:
    """Every file that the journal names by digest: input.json, those of the steps, those of the gates."""
    yield facts.input_file
    for step in facts.steps:
        if value := step.value:
            yield value
        yield from step.files
        yield from step.failed_files
    for gate in facts.gates:
        yield gate.request
        yield from gate.files
        for decision in gate.decisions:
            yield decision.decision
            yield decision.signature
            yield decision.authority
        for vote in gate.votes:
            yield vote.vote
            yield vote.signature
            yield vote.authority


def model_names(facts: RunFacts) -> list[str]:
    """Every model that the workflow names or that was opened or asked, in that order, each once."""
    return list(dict.fromkeys([*facts.input.models, *facts.models, *(name for name in facts.calls_by_model if name)]))


def _gate_status(gate: GateFacts) -> GateStatus:
    status: Literal["pending", "approved", "rejected", "revised"]
    match gate.verdict:
        case "approved" | "rejected" | "revised" as verdict:
            status = verdict
        case _:
            status = "pending"
    return GateStatus(gate=gate.gate, status=status, decisions=[one.decision.path for one in gate.decisions])


def _model(facts: RunFacts, name: str) -> dict[str, Any]:
    """A model that the workflow does not define is a stand-in: it is asked for by its name."""
    asked, found = facts.input.models.get(name), facts.models.get(name)
    return {
        "name": name,
        "asked": {
            "backend": asked.backend if asked else name,
            "model": asked.model if asked else name,
            "params": asked.params if asked else {},
            "seed": asked.seed if asked else 0,
        },
        "price": msgspec.to_builtins(asked.price) if asked and asked.price else None,
        "limits": msgspec.to_builtins(asked.limits if asked else NO_LIMITS),
        "recorded_at": found.recorded_at if found else "",
        "facts": dict(found.facts) if found else {},
        "facts_changed_during_the_run": found.has_changed if found else False,
        "calls": _call_counts(facts.calls_by_model.get(name, NO_CALLS)),
        "money": _amounts(facts.money_by_model.get(name, NO_MONEY)),
    }


def _data_sets(facts: RunFacts) -> dict[str, Any]:
    digests = {file.path: file.sha256 for file in facts.input.files}
    return {
        name: {"path": data.path, "format": data.format, "rows": data.rows, "sha256": digests[data.path]}
        for name, data in facts.input.data.items()
        if data.path in digests
    }


def _amounts(money: MoneyFacts) -> dict[str, Any]:
    return {
        "spent_usd": usd(money.spent),
        "reserved_usd": usd(money.reserved),
        "unknown_usd": usd(money.unknown),
        "unpriced_calls": money.unpriced,
    }


def _counts(facts: RunFacts) -> dict[str, Any]:
    statuses = Counter(step.status for step in facts.steps)
    return {
        "steps": {status.value: statuses[status] for status in StepStatus} | {"total": len(facts.steps)},
        "calls": _call_counts(facts.calls),
        "limit_changes": sum(limit.changes for limit in facts.limits.values()),
        "budget_stops": facts.budget_stops,
        "gates": len(facts.gates),
        "decisions": sum(len(gate.decisions) for gate in facts.gates),
        "decisions_refused": len(facts.refusals),
        "resumes": len(facts.resumes),
        "interruptions": len(facts.interruptions),
        "tail_cuts": len(facts.tail_cuts),
    }


def _call_counts(calls: CallCounts) -> dict[str, int]:
    counts: dict[str, int] = msgspec.structs.asdict(calls)
    return counts
