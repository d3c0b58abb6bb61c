"""Reads each recorded decision and sealed vote of a package once, judges it once, and keeps what was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, Literal

from awo.canon.json import parse, parse_canonical
from awo.errors import AwoError, EvidenceError
from awo.evidence.events import DecisionRecorded, VoteCommitted
from awo.evidence.gates import Authority, Decision, GateRequest, SealedVote, Signer
from awo.evidence.layout import ALLOWED_SIGNERS
from awo.gate.decision import (
    DecisionFault,
    GateFacts,
    read_decision,
    why_incomplete,
    why_not_in_role,
    why_not_independent,
    why_not_signed,
    why_out_of_order,
    why_stale,
)
from awo.gate.independence import is_author, is_starter
from awo.gate.refusals import RefusalCode
from awo.gate.votes import CheckedVote, fault_of_opening, judge_vote
from awo.sign.allowed_signers import AllowedSigners
from awo.sign.namespaces import DECISION
from awo.sign.sshsig import VerifiedSignature
from awo.sign.sshsig import verify as verify_signature
from awo.verify.company import Company
from awo.verify.findings import WITHHELD
from awo.verify.journal import GateSeen
from awo.verify.reading import Reading
from awo.verify.replanned import AUTHORS
from awo.verify.structure import claimed_signers, moment, request_of

Part = Literal["signed", "about", "complete", "known", "independent"]
"""What is judged of one decision: EP-4.3, EP-4.4, EP-4.5, EP-4.6 and EP-4.10."""

PARTS: Final[tuple[Part, ...]] = ("signed", "about", "complete", "known", "independent")

NOT_READ: Final = "the decision or its signature cannot be read"
NOT_ASKED: Final = "what the gate asked cannot be read"
NOT_SIGNED: Final = "the decision's signature does not hold"
NOT_KNOWN: Final = "the record of who the signer was cannot be read"
FAILS_EARLIER: Final = "the decision fails an earlier check"

_OF_WHAT_IS_NOT_SHOWN: Final[frozenset[RefusalCode]] = frozenset(
    {"author_unknown", "nothing_to_withdraw", "panel", "role"}
)
"""Faults that a decision also seems to have where the authors, a vote or another decision are withheld."""

_PART_OF_VOTE: Final[Mapping[RefusalCode, Part]] = MappingProxyType(
    {
        "form": "signed",
        "signature": "signed",
        "key": "signed",
        "other_run": "about",
        "other_gate": "about",
        "stale": "about",
        "panel": "about",
        "content": "complete",
        "presence": "complete",
        "clock": "complete",
        "solo": "independent",
        "starter": "independent",
        "author": "independent",
        "starter_unknown": "independent",
        "author_unknown": "independent",
        "shared_key": "independent",
    }
)
"""Which part a fault of a sealed vote belongs to; all others are about who its signer was."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One recorded decision or sealed vote. `path` is its file, `where` that with its signature.

    `record` is what was signed and `key` the signature that holds over it, None where there is none; `authority` is
    what the project said of the signer. `faults` has the first thing wrong with each part, `unchecked` why a part
    could not be judged. `is_maker`: by the record, the signer started the run or wrote its workflow.
    """

    event: DecisionRecorded | VoteCommitted
    path: str
    where: str
    record: Decision | SealedVote | None
    key: VerifiedSignature | None
    authority: Authority | None
    facts: GateFacts | None
    faults: Mapping[Part, DecisionFault]
    unchecked: Mapping[Part, str]
    is_maker: bool = False

    @property
    def is_withheld(self) -> bool:
        """Whether nothing is wrong as far as it could be judged, and only a redaction keeps the rest from being."""
        return not self.faults and bool(self.unchecked) and set(self.unchecked.values()) == {WITHHELD}

    @property
    def is_sound(self) -> bool:
        """Whether everything could be judged and nothing is wrong."""
        return not self.faults and not self.unchecked


@dataclass(frozen=True, slots=True)
class JudgedGate:
    """One opening of a gate: what it asked (None where that cannot be read), and its decisions and votes in order."""

    seen: GateSeen
    request: GateRequest | None
    decisions: tuple[Judged, ...]
    votes: tuple[Judged, ...]

    @property
    def signed(self) -> list[Judged]:
        """Votes and decisions as they were recorded."""
        return sorted((*self.votes, *self.decisions), key=lambda one: one.event.seq)


def judged_gates(reading: Reading) -> tuple[JudgedGate, ...]:
    """Every gate that opened, judged once for all checks of the chapter; none where the journal cannot be read."""
    if reading.gates is None:
        journal = reading.journal
        seen = journal.gates if journal is not None and journal.started is not None else []
        claimed = claimed_signers(reading)
        reading.gates = tuple(_gate(reading, gate, claimed) for gate in seen)
    gates: tuple[JudgedGate, ...] = reading.gates
    return gates


def _gate(reading: Reading, seen: GateSeen, claimed: AllowedSigners | None) -> JudgedGate:
    request = request_of(reading, seen.opened.request)
    about = _About(reading, seen, request, claimed)
    signed: list[VoteCommitted | DecisionRecorded] = [*seen.votes, *seen.decisions]
    for event in sorted(signed, key=lambda one: one.seq):
        judged = _vote(about, event) if isinstance(event, VoteCommitted) else _decision(about, event)
        about.took(_as_far_as_shown(about, judged))
    return JudgedGate(seen, request, tuple(about.decisions), tuple(about.votes))


class _About:
    """One opening of a gate while its decisions and votes are judged in their order."""

    def __init__(
        self, reading: Reading, seen: GateSeen, request: GateRequest | None, claimed: AllowedSigners | None
    ) -> None:
        self.reading = reading
        self.seen = seen
        self.request = request
        self.claimed = claimed
        self.decisions: list[Judged] = []
        self.votes: list[Judged] = []
        self.numbered: dict[int, Judged] = {}
        self._shows = tuple(seen.opened.shows)
        self._deciders: Company[Decision] = Company()
        self._voters: Company[Signer] = Company()
        withheld, hidden = reading.withheld, reading.hidden
        self.hides_people = withheld.is_away(ALLOWED_SIGNERS) or hidden.any_of(*AUTHORS)
        signed = [(one.decision, one.signature) for one in seen.decisions]
        signed += [(one.vote, one.signature) for one in seen.votes]
        self.hides_decisions = any(withheld.is_away(ref.path) for refs in signed for ref in refs)

    def took(self, judged: Judged) -> None:
        """The next that was judged."""
        record = judged.record
        if isinstance(judged.event, VoteCommitted):
            self.votes.append(judged)
            self.numbered.setdefault(judged.event.number, judged)
            if record is not None:
                self._voters.add(record.signer, record.at, record.signer)
        else:
            self.decisions.append(judged)
            if isinstance(record, Decision):
                self._deciders.add(record.signer, record.at, record)

    def facts(self, signer: Signer | None, decided_seq: int, *, is_vote: bool = False) -> GateFacts | None:
        """The gate as it was when event `decided_seq` was written, as far as it matters to this signer: what was sealed
        and opened later is judged as of its sealing. None where what the gate asked cannot be read."""
        journal, plan = self.reading.journal, self.reading.plan
        if journal is None or journal.started is None or self.request is None:
            return None
        return GateFacts(
            run_id=journal.started.run_id,
            starter=journal.started.starter,
            request=self.request,
            checkpoint=self.seen.checkpoint,
            shows=self._shows,
            opened_at=self.seen.opened.at,
            authors=tuple(plan.authors) if plan is not None else (),
            decisions=() if is_vote or signer is None else self._deciders.near(signer),
            is_escalated=self.seen.is_escalated_at(decided_seq),
            voters=() if signer is None else self._voters.near(signer),
        )


# --- one decision ---------------------------------------------------------------------------------------------


def _decision(about: _About, event: DecisionRecorded) -> Judged:
    reading = about.reading
    path = event.decision.path
    where = f"{path} with {event.signature.path}"
    data, armored = reading.kept.get(path), reading.kept.get(event.signature.path)
    authority = _authority(reading, event)
    if data is None or armored is None:
        return _unread(event, path, where, NOT_READ)
    sealed = about.numbered.get(event.opens)
    decision = read_decision(data, where=path)
    signer = decision.signer if isinstance(decision, Decision) else None
    facts = about.facts(signer, sealed.event.seq if sealed is not None else event.seq)
    if facts is None:
        return _unread(event, path, where, NOT_ASKED)
    if isinstance(decision, DecisionFault):
        rest = dict.fromkeys(PARTS[1:], "the decision cannot be read")
        return Judged(event, path, where, None, None, authority, facts, {"signed": decision}, rest)
    faults: dict[Part, DecisionFault] = {}
    unchecked: dict[Part, str] = {}
    key = why_not_signed(decision, data, armored, where=where)
    _put(faults, "signed", key if isinstance(key, DecisionFault) else None)
    stale = why_stale(decision, facts)
    _put(faults, "about", stale or _restated(decision, event) or _opening(decision, event, data, sealed))
    if stale is None:
        recorded_at = moment(sealed.event.at if sealed is not None else event.at)
        late = why_out_of_order(decision, facts, recorded_at) if recorded_at else _no_time(event.at)
        _put(faults, "complete", why_incomplete(decision, facts) or late)
    else:
        unchecked["complete"] = FAILS_EARLIER
    held = key if isinstance(key, VerifiedSignature) else None
    is_maker = _about_signer(decision, held, authority, facts, about.claimed, faults, unchecked)
    return Judged(event, path, where, decision, held, authority, facts, faults, unchecked, is_maker)


def _about_signer(
    decision: Decision,
    key: VerifiedSignature | None,
    authority: Authority | None,
    facts: GateFacts,
    claimed: AllowedSigners | None,
    faults: dict[Part, DecisionFault],
    unchecked: dict[Part, str],
) -> bool:
    """Judges who signed; whether they are a maker of what they decided on."""
    if key is None or authority is None:
        why = NOT_SIGNED if key is None else NOT_KNOWN
        unchecked.update({"known": why, "independent": why})
        return False
    signer, at = decision.signer, moment(decision.at)
    if at is None:
        unchecked["known"] = "the time of the decision is no time"
    elif authority.at != decision.at:
        what = "the record of who the signer was is of another time than the decision"
        faults["known"] = DecisionFault("authority", what, decision.at, authority.at)
    else:
        _put(faults, "known", why_not_in_role(signer, key.key, facts, authority, at=at))
    _put(faults, "independent", why_not_independent(signer, key.key, facts, authority, solo=decision.solo))
    is_maker = _is_maker(facts, signer.id, key, authority, claimed)
    if is_maker and not decision.solo and "independent" not in faults:
        what = "whoever started the run decided on it, and the decision does not say so"
        faults["independent"] = DecisionFault("solo", what)
    return is_maker


def _is_maker(
    facts: GateFacts, signer: str, key: VerifiedSignature, authority: Authority, claimed: AllowedSigners | None
) -> bool:
    started = is_starter(facts.starter, signer, key.key, claimed)
    return started or is_author(facts.authors, signer, authority.git)


def _restated(decision: Decision, event: DecisionRecorded) -> DecisionFault | None:
    """What the journal says of a decision otherwise than the person who signed it."""
    facts = (
        ("verdict", decision.verdict, event.verdict),
        ("signer", decision.signer.id, event.signer),
        ("gate", decision.gate, event.gate),
    )
    for name, decided, recorded in facts:
        if decided != recorded:
            what = f"the journal records another {name} than was signed"
            return DecisionFault("content", what, recorded, decided)
    return None


def _opening(decision: Decision, event: DecisionRecorded, data: bytes, sealed: Judged | None) -> DecisionFault | None:
    """Why a decision does not open the vote that it is said to open."""
    if not event.opens:
        return None
    if sealed is None:
        return DecisionFault("panel", "the decision opens a vote that nobody sealed at this gate", got=str(event.opens))
    if not isinstance(sealed.record, SealedVote):
        return DecisionFault("panel", "the decision opens a vote that cannot be read", got=sealed.path)
    return fault_of_opening(sealed.record, decision, event.nonce, data)


# --- one sealed vote --------------------------------------------------------------------------------------------


def _vote(about: _About, event: VoteCommitted) -> Judged:
    reading = about.reading
    path = event.vote.path
    where = f"{path} with {event.signature.path}"
    data, armored = reading.kept.get(path), reading.kept.get(event.signature.path)
    if data is None or armored is None:
        return _unread(event, path, where, NOT_READ)
    vote, key = _vote_in(data, path), _signature_in(data, armored, where)
    facts = about.facts(vote.signer if vote is not None else None, event.seq, is_vote=True)
    if facts is None:
        return _unread(event, path, where, NOT_ASKED)
    authority, recorded_at = _authority(reading, event), moment(event.at)
    if authority is None or recorded_at is None:
        why = NOT_KNOWN if authority is None else "the time at which the vote was recorded is no time"
        return Judged(event, path, where, vote, key, authority, facts, {}, dict.fromkeys(PARTS, why))
    judged = judge_vote(data, armored, facts, authority, recorded_at, where)
    faults: dict[Part, DecisionFault] = {}
    if isinstance(judged, DecisionFault):
        faults[_part_of(judged, vote, key)] = judged
    elif (judged.vote.signer.id, judged.vote.gate) != (event.signer, event.gate):
        what = "the journal records another signer or gate than was signed"
        faults["about"] = DecisionFault("content", what, event.signer, judged.vote.signer.id)
    elif authority.at != judged.vote.at:
        what = "the record of who the signer was is of another time than the vote"
        faults["known"] = DecisionFault("authority", what, judged.vote.at, authority.at)
    unchecked: dict[Part, str] = {}
    if isinstance(judged, DecisionFault):  # judging stopped there: what follows is not known
        after = PARTS[PARTS.index(next(iter(faults))) + 1 :]
        unchecked = dict.fromkeys(after, FAILS_EARLIER if "signed" not in faults else NOT_SIGNED)
        if "signed" not in faults and (vote is None or key is None or key.key.fingerprint != vote.signer.key):
            unchecked["signed"] = FAILS_EARLIER  # it failed before anybody asked for its signature
    is_maker = isinstance(judged, CheckedVote) and _is_maker(
        facts, judged.vote.signer.id, judged.signature, authority, about.claimed
    )
    held = key if "signed" not in faults else None
    return Judged(event, path, where, vote, held, authority, facts, faults, unchecked, is_maker)


def _part_of(fault: DecisionFault, vote: SealedVote | None, key: VerifiedSignature | None) -> Part:
    if fault.code == "presence" and vote is not None and key is not None and vote.presence == "touch" != key.presence:
        return "signed"
    return _PART_OF_VOTE.get(fault.code, "known")


def _vote_in(data: bytes, path: str) -> SealedVote | None:
    try:
        return parse_canonical(data, SealedVote, where=path)
    except AwoError:
        return None


def _signature_in(data: bytes, armored: bytes, where: str) -> VerifiedSignature | None:
    try:
        return verify_signature(armored, data, DECISION, where=where)
    except EvidenceError:
        return None


# --- what both need ---------------------------------------------------------------------------------------------


def _authority(reading: Reading, event: DecisionRecorded | VoteCommitted) -> Authority | None:
    """The record beside a decision, if it is there as the journal names it."""
    ref = event.authority
    data = reading.kept.get(ref.path)
    if data is None or reading.digests.get(ref.path) != ref.sha256:
        return None
    try:
        return parse(data, Authority, where=ref.path)
    except EvidenceError:
        return None


def _as_far_as_shown(about: _About, judged: Judged) -> Judged:
    """The decision, without what would only seem so because of what a redaction withholds."""
    withheld, event = about.reading.withheld, judged.event
    path = event.vote.path if isinstance(event, VoteCommitted) else event.decision.path
    own = (path, event.signature.path, about.seen.opened.request.path)
    if any(withheld.is_away(one) for one in own):
        return _unread(event, judged.path, judged.where, WITHHELD)
    faults, unchecked = dict(judged.faults), dict(judged.unchecked)
    if withheld.is_away(event.authority.path):
        unchecked = {part: WITHHELD if why == NOT_KNOWN else why for part, why in unchecked.items()}
    sealed = about.numbered.get(event.opens) if isinstance(event, DecisionRecorded) else None
    if sealed is not None and sealed.record is None and sealed.is_withheld:
        _lift("about", faults, unchecked)
    if about.hides_people or about.hides_decisions:
        _lift("independent", faults, unchecked)
    if about.hides_decisions:
        _lift("complete", faults, unchecked)
        _lift("known", faults, unchecked)
    return replace(judged, faults=faults, unchecked=unchecked)


def _lift(part: Part, faults: dict[Part, DecisionFault], unchecked: dict[Part, str]) -> None:
    """A part that nobody can vouch for; a fault stays that does not come from what is not shown."""
    fault = faults.get(part)
    if fault is not None and fault.code in _OF_WHAT_IS_NOT_SHOWN:
        del faults[part]
        fault = None
    if fault is None:
        unchecked.setdefault(part, WITHHELD)


def _unread(event: DecisionRecorded | VoteCommitted, path: str, where: str, why: str) -> Judged:
    return Judged(event, path, where, None, None, None, None, {}, dict.fromkeys(PARTS, why))


def _no_time(text: str) -> DecisionFault:
    return DecisionFault("content", "the time at which the decision was recorded is no time", got=text)


def _put(faults: dict[Part, DecisionFault], part: Part, fault: DecisionFault | None) -> None:
    if fault is not None:
        faults[part] = fault
