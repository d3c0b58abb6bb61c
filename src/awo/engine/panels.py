"""Blind gates: the page that is judged, votes that lie sealed, and their opening when all are in (spec section 3.6)."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from awo.canon import time
from awo.canon.json import parse
from awo.derive.panels import PANEL_FILE, panel_page, panel_seed
from awo.engine.at_gate import AtGate, at_gate, gate_facts
from awo.engine.attempts import Workshop
from awo.engine.decide import Decided, Prepared, record_decision, write_signed
from awo.engine.desk import Bench
from awo.engine.entering import enter_what_is_recorded
from awo.engine.folder import read_recorded
from awo.engine.journal import Journal
from awo.engine.outputs import StepOutputs
from awo.engine.refusing import Refusal
from awo.engine.sources import EngineSources
from awo.engine.vote_store import VoteStore, held_vote
from awo.errors import CannotCheck, EvidenceError, UsageError
from awo.evidence import events as ev
from awo.evidence.gates import Authority, Decision, Panel, SealedVote
from awo.evidence.held_votes import HeldVote
from awo.evidence.layout import vote_path
from awo.gate.gate_facts import DecisionFault, GateFacts
from awo.gate.votes import (
    commitment_of,
    fault_of_opening,
    judge_vote,
    new_nonce,
    still_to_vote,
    vote_bytes,
    vote_for,
)
from awo.ledger.log import Ledger
from awo.lifecycle.steps import Status, StepState
from awo.sign.namespaces import DECISION
from awo.sign.seam import Signer as SigningKey
from awo.sign.sshsig import verify


class Revealed(NamedTuple):
    """Whose votes were opened now, and whose still lie sealed, each by the voter's id.

    `is_closed` is true when the gate needs nobody else, `outcome` is that of the run when the gate ended it, else ''.
    """

    gate: str
    opened: tuple[str, ...]
    sealed: tuple[str, ...]
    is_closed: bool
    outcome: str


def own_votes(environment: Mapping[str, str] = os.environ) -> VoteStore:
    """The votes that this user holds: `awo/votes` below XDG_STATE_HOME, or below ~/.local/state."""
    state = environment.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return VoteStore(Path(state) / "awo" / "votes")


def panel_for(shop: Workshop, step: StepState, outputs: StepOutputs) -> tuple[Panel, list[ev.FileRef]]:
    """What makes a blind gate blind, and the files that its people judge.

    What went before must be on disk. Raises `StepFailed`, `EvidenceError` and `DiskTrouble`.
    """
    gate, args = step.record.id, step.record.arguments()
    of = [str(name) for name in args.get("of") or ()]
    seed = panel_seed(shop.plan.seed, gate)
    if not of:
        return Panel(seed=seed, of=[], path=""), []
    steps = shop.journal.state.steps
    skipped = [name for name in of if steps[name].status is Status.SKIPPED]
    bench = Bench(step.record, shop.journal, shop.plan, shop.workflow_root, shop.artifacts, outputs, shop.secrets)
    try:
        page = panel_page(EngineSources(bench), gate, of, seed, skipped)
    finally:
        bench.close()
    ref = outputs.keep(PANEL_FILE, page.encode(errors="replace"))
    return Panel(seed=seed, of=of, path=ref.path), [ref]


async def seal_vote(journal: Journal, prepared: Prepared, key: SigningKey, store: VoteStore | None = None) -> Decided:
    """Seals a signed decision as a vote: the decision stays with the voter, in `store`, until all have voted.

    The voter whose vote completes the set opens their own at once. Raises `Refusal`, for the caller to put on record,
    `EvidenceError` and `DiskTrouble`.
    """
    store = own_votes() if store is None else store
    decision, gate = prepared.decision, prepared.decision.gate
    number = len(journal.state.gates.all_votes) + 1
    nonce = new_nonce()
    vote = vote_for(decision, nonce, prepared.data)
    data = vote_bytes(vote)
    try:
        signature = key.sign(data, DECISION)
    except (CannotCheck, UsageError) as error:
        raise Refusal("key_not_opened", error) from error
    path = vote_path(number, gate)
    judged = judge_vote(data, signature, prepared.facts, prepared.authority, time.read(vote.at), path)
    if isinstance(judged, DecisionFault):
        wrong = UsageError(judged.what, where=path, expected=judged.expected, got=judged.got, hint=judged.hint)
        raise Refusal(judged.code, wrong)
    held = held_vote(decision.run_id, gate, number, nonce, prepared.data, prepared.signature)
    store.keep(held)  # before the event: a vote on record without its decision could never be opened
    refs = write_signed(journal.folder, path, data, signature, prepared.authority)
    journal.append(
        ev.VoteCommitted,
        at=max(time.now(), vote.at),  # a clock that was set back while the person signed
        gate=gate,
        number=number,
        signer=decision.signer.id,
        vote=refs[0],
        signature=refs[1],
        authority=refs[2],
    )
    await journal.flushed()
    if still_to_vote(prepared.facts.needs, (*prepared.facts.voters, decision.signer)):
        starter = prepared.facts.starter.id
        return Decided(gate, path, is_closed=False, solo=decision.solo, starter=starter, is_sealed_vote=True)
    return await record_decision(journal, prepared, opens=number, nonce=nonce)


async def reveal(folder: Path, store: VoteStore | None = None, ledger: Ledger | None = None) -> Revealed:
    """Opens the votes of the gate that waits which `store` (by default this user's) holds; none twice.

    Raises `UsageError` while votes are missing (code `panel`) or where no gate is blind, `EvidenceError` when what is
    held is not what was sealed, `DiskTrouble`.
    """
    store = own_votes() if store is None else store
    async with at_gate(folder) as at:
        book = at.journal.state.gates
        if not book.open_gate and book.votes and book.opened is not None:
            return Revealed(book.opened.gate, (), (), is_closed=True, outcome=at.journal.state.outcome)
        facts = _at_blind_gate(at)
        # When one vote is open, all were in. An escalation since then asks others, and only once all are open.
        if not book.decisions and (missing := still_to_vote(facts.needs, facts.voters)):
            short = ", ".join(f"{need.count} {need.role}" for need in missing)
            raise UsageError(
                "no vote is opened before all are in",
                where=folder.name,
                expected=f"votes of {short} more",
                got=f"{len(book.votes)} sealed",
                hint="who has not voted yet does so with `awo approve` or `awo reject`",
            )
        try:
            return await _open_held(at.journal, facts, store)
        finally:
            await enter_what_is_recorded(at.journal, ledger)  # also what was opened before one that is at fault


async def _open_held(journal: Journal, facts: GateFacts, store: VoteStore) -> Revealed:
    book = journal.state.gates
    ready = _ready(journal, store.of_run(facts.run_id))
    opened = []
    is_closed = False
    for event, held in ready:
        data, armored = held.decision.encode(), held.signature.encode()
        decision = parse(data, Decision, where="your sealed vote")
        authority = read_recorded(journal.folder, event.authority, Authority)
        vote = read_recorded(journal.folder, event.vote, SealedVote)
        _refuse_swapped(vote, decision, held, data, armored)
        prepared = Prepared(facts, decision, data, armored, authority)
        done = await record_decision(journal, prepared, opens=event.number, nonce=held.nonce)
        opened.append(event.signer)
        is_closed = done.is_closed
    sealed = tuple(event.signer for event in book.unopened)
    return Revealed(facts.request.gate, tuple(opened), sealed, is_closed, journal.state.outcome)


def _ready(journal: Journal, held: Sequence[HeldVote]) -> list[tuple[ev.VoteCommitted, HeldVote]]:
    """The votes that are still sealed and that something here opens, in their order.

    The commitment says which it is, not the number: a process that was killed between its store and its event
    leaves a number that somebody else has got since. Where nothing fits, what was kept under the vote's own number by
    its signer comes last, so that its fault is told.
    """
    ready, at_fault = [], []
    for event in journal.state.gates.unopened:
        vote = read_recorded(journal.folder, event.vote, SealedVote)
        here = [one for one in held if one.gate == event.gate]
        fits = [one for one in here if commitment_of(one.nonce, one.decision.encode()) == vote.commitment]
        ready += [(event, one) for one in fits[:1]]
        if not fits:
            own = [one for one in here if one.number == event.number and f'"{event.signer}"' in one.decision]
            at_fault += [(event, one) for one in own[:1]]
    return ready + at_fault


def _refuse_swapped(vote: SealedVote, decision: Decision, held: HeldVote, data: bytes, armored: bytes) -> None:
    """Raises `EvidenceError` when what is held is not the decision that lies sealed, or its signature does not hold."""
    if fault := fault_of_opening(vote, decision, held.nonce, data):
        raise EvidenceError(
            fault.what,
            where=f"vote {held.number} of {ascii(vote.signer.id)[1:-1]}",
            expected=fault.expected,
            got=fault.got,
            hint="restore the file of this vote from a copy; the vote stays sealed until then",
        )
    signed = verify(armored, data, DECISION, where="your sealed vote")
    if signed.key.fingerprint != vote.signer.key:
        raise EvidenceError(
            "the sealed decision is signed with another key", expected=vote.signer.key, got=signed.key.fingerprint
        )


def _at_blind_gate(at: AtGate) -> GateFacts:
    facts = gate_facts(at)
    if facts.request.panel is None:
        raise UsageError(
            f"the gate {facts.request.gate!r} is not blind, so no votes lie sealed at it",
            where=at.journal.folder.name,
            hint=f"decide with `awo approve {at.journal.folder.name}` or `awo reject {at.journal.folder.name}`",
        )
    return facts
