"""Takes a person's decision at an open gate: checked, signed, written, then recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, NoReturn

from awo.canon import time
from awo.canon.digest import sha256_file, sha256_hex
from awo.canon.json import pretty
from awo.engine.closing import close_if_decided
from awo.engine.folder import (
    fsync_folder,
    read_input,
    read_recorded,
    refuse_links_and_devices,
    refuse_sealed,
    write_whole,
)
from awo.engine.journal import Journal
from awo.engine.run import check_input
from awo.engine.tidy import remove_unrecorded
from awo.engine.views import write_views
from awo.errors import AwoError, DiskTrouble, EvidenceError, UsageError
from awo.evidence import events as ev
from awo.evidence.gates import Answer, Decision, GateRequest, Meaning, Signer
from awo.evidence.layout import DECISIONS, authority_path, decision_path, signature_path
from awo.evidence.secrets import SecretCutter
from awo.gate.answers import read_answers
from awo.gate.authority import authority_of
from awo.gate.decision import DecisionFault, GateFacts, build_decision, check_decision, decision_bytes
from awo.gate.policy import Denied, Permitted, Policy, may_decide
from awo.lifecycle.rules import RunState
from awo.sign.allowed_signers import AllowedSigners
from awo.sign.seam import Signer as SigningKey


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person wants to say at a gate: `answers` as typed, `item=yes`."""

    verdict: Literal["approve", "reject"]
    signer_id: str
    meaning: Meaning
    answers: Sequence[str]
    comment: str


class Decided(NamedTuple):
    """A decision that was recorded. `is_closed` is true when the gate needs nobody else."""

    gate: str
    path: str
    is_closed: bool
    solo: bool


async def decide(
    folder: Path,
    choice: Choice,
    key: SigningKey,
    allowed: AllowedSigners | None,
    policy: Policy,
    secrets: SecretCutter,
) -> Decided:
    """Records `choice` at the open gate of a run, signed with `key`.

    Raises `UsageError` when no gate is open or this person may not decide, `EvidenceError` when
    what they would sign has changed, `DiskTrouble`. A refusal at an open gate is an event too.
    """
    refuse_sealed(folder)
    refuse_links_and_devices(folder)
    plan, input_ref = read_input(folder)
    journal = Journal.open_existing(folder, RunState(plan.steps, plan.budget_usd), lambda event: None)
    journal.start()
    try:
        check_input(journal.state, input_ref)
        await close_if_decided(journal)
        decided = await _decide(journal, choice, key, allowed, policy, secrets)
        write_views(folder)
    finally:
        await journal.close()
    return decided


async def _decide(
    journal: Journal,
    choice: Choice,
    key: SigningKey,
    allowed: AllowedSigners | None,
    policy: Policy,
    secrets: SecretCutter,
) -> Decided:
    facts = _gate_facts(journal)
    remove_unrecorded(journal.folder)  # not before: without an open gate an answer may wait to be recorded
    try:
        if found := secrets.found_in(choice.comment.encode("utf-8", "surrogatepass")):
            raise UsageError(
                f"the text of the decision holds the value of the environment variable {', '.join(found)}",
                hint="say it without the secret: what is signed is evidence and is never changed",
            )
        for shown in facts.shows:
            _refuse_stale(journal.folder, shown)
        at = time.now()
        permitted = _permitted(policy, allowed, facts, choice, key, at)
        decision = _decision(facts, choice, key, permitted, at)
        data = decision_bytes(decision)
        signature = key.sign(data, "awo-decision")
        check_decision(data, signature, facts, allowed=allowed, at=time.read(at), where="the new decision")
    except AwoError as error:
        _record_refusal(journal, facts, choice, key, error)
        raise
    authority = authority_of(policy, allowed, facts, choice.signer_id, key.key, at)
    return await _record(journal, facts, decision, data, signature, pretty(authority))


def _gate_facts(journal: Journal) -> GateFacts:
    state = journal.state
    opened, started = state.gates.opened, state.started
    if not state.gates.open_gate or opened is None or started is None:
        raise UsageError(
            "no gate of this run is open, so there is nothing to decide",
            where=journal.folder.name,
            hint=f"`awo status {journal.folder.name}` says how it stands",
        )
    request = read_recorded(journal.folder, opened.request, GateRequest)
    return GateFacts(
        run_id=started.run_id,
        starter=started.starter,
        request=request,
        checkpoint=journal.gate_checkpoint,
        shows=tuple(opened.shows),
    )


def _refuse_stale(folder: Path, shown: ev.FileRef) -> None:
    try:
        sha256, _ = sha256_file(folder / shown.path)
    except FileNotFoundError:
        sha256 = "no file"
    except OSError as error:
        raise DiskTrouble("a shown file cannot be read", where=shown.path, got=str(error.strerror)) from error
    if sha256 != shown.sha256:
        raise EvidenceError(
            "the decision would be stale: a file has changed since the gate opened",
            where=shown.path,
            expected=f"SHA-256 {shown.sha256}",
            got=sha256,
            hint="restore the file from a copy, then decide",
        )


def _permitted(
    policy: Policy, allowed: AllowedSigners | None, facts: GateFacts, choice: Choice, key: SigningKey, at: str
) -> Permitted:
    judged = may_decide(
        policy,
        allowed,
        starter=facts.starter,
        needs=facts.request.needs,
        signer_id=choice.signer_id,
        key=key.key,
        at=time.read(at),
    )
    if isinstance(judged, Denied):
        raise _Denied(judged)
    return judged


def _decision(facts: GateFacts, choice: Choice, key: SigningKey, permitted: Permitted, at: str) -> Decision:
    answers: list[Answer] = read_answers(choice.answers, facts.request.checklist, choice.verdict)
    built = build_decision(
        facts,
        verdict=choice.verdict,
        meaning=choice.meaning,
        signer=Signer(id=choice.signer_id, name=permitted.name, role=permitted.role, key=key.key.fingerprint),
        at=at,
        presence=key.presence,
        solo=permitted.solo,
        answers=answers,
        comment=choice.comment,
    )
    if isinstance(built, DecisionFault):
        _refuse(built)
    return built


def _refuse(fault: DecisionFault) -> NoReturn:
    raise UsageError(fault.what, expected=fault.expected, got=fault.got, hint=fault.hint)


class _Denied(UsageError):
    def __init__(self, denied: Denied) -> None:
        super().__init__(denied.what, hint=denied.hint)
        self.code = denied.code


def _record_refusal(journal: Journal, facts: GateFacts, choice: Choice, key: SigningKey, error: AwoError) -> None:
    code = error.code if isinstance(error, _Denied) else "stale" if isinstance(error, EvidenceError) else "refused"
    journal.append(
        ev.DecisionRefused,
        gate=facts.request.gate,
        verdict=choice.verdict,
        key=key.key.fingerprint,
        signer=ascii(choice.signer_id)[1:-1][:200],
        reason=ev.Reason(code=code, message=error.what),
    )


async def _record(
    journal: Journal, facts: GateFacts, decision: Decision, data: bytes, signature: bytes, authority: bytes
) -> Decided:
    state, folder, gate = journal.state, journal.folder, facts.request.gate
    number = len(state.gates.all_decisions) + 1
    path = decision_path(number, gate)
    try:
        (folder / DECISIONS).mkdir(exist_ok=True)
        fsync_folder((folder / DECISIONS).parent)
        write_whole(folder / path, data)
        write_whole(folder / signature_path(path), signature)
        write_whole(folder / authority_path(path), authority)
    except OSError as error:
        raise DiskTrouble("the decision cannot be written", where=path, got=str(error.strerror)) from error
    journal.append(
        ev.DecisionRecorded,
        gate=gate,
        number=number,
        verdict=decision.verdict,
        signer=decision.signer.id,
        decision=_ref(path, data),
        signature=_ref(signature_path(path), signature),
        authority=_ref(authority_path(path), authority),
        opens=0,
        nonce="",
    )
    is_closed = await close_if_decided(journal)
    await journal.flushed()
    return Decided(gate=gate, path=path, is_closed=is_closed, solo=decision.solo)


def _ref(path: str, data: bytes) -> ev.FileRef:
    return ev.FileRef(path=path, sha256=sha256_hex(data), size_bytes=len(data))
