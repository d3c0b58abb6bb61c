"""What happens at a gate, from the shapes alone: openings, decisions, sealed votes, deadlines, lapses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace as with_fields
from tests.vectors.people import NAMES, REVIEWER, REVIEWER_ID
from tests.vectors.record import RUN_ID, Record, sha256

from awo.canon.json import canonical, pretty
from awo.evidence import events as ev
from awo.evidence import layout
from awo.evidence.gates import (
    Answer,
    Authority,
    ChecklistItem,
    Decision,
    GateRequest,
    Need,
    Panel,
    SealedVote,
    Signer,
)
from awo.evidence.records import GateStatus
from awo.gate.project import DEFAULT_RULES
from awo.sign.allowed_signers import line_for
from awo.sign.key_file import KeyFileSigner


@dataclass(frozen=True, slots=True)
class Held:
    """A decision that lies sealed with its voter: the number of its vote, its bytes, signature, authority and nonce."""

    number: int
    decision: Decision
    data: bytes
    signature: bytes
    authority: bytes
    nonce: str


class Gates(Record):
    """A run with gates. `gates` is what its status says of them."""

    def __init__(self) -> None:
        super().__init__()
        self.gates: list[GateStatus] = []
        self._decisions = 0
        self._votes = 0
        self._shown: list[ev.FileRef] = []
        self._checkpoint = ev.Checkpoint(size=0, root="0" * 64)

    def open_gate(
        self,
        id_: str,
        count: int = 1,
        *,
        needs: Sequence[Need] = (),
        checklist: Sequence[ChecklistItem] = (),
        panel: Panel | None = None,
        hidden: str = "",
        **rules: Any,
    ) -> None:
        """The gate opens with these needs, questions and rules, where they are not the usual ones; it does not show the
        file `hidden`."""
        usual = ChecklistItem(
            id="polite", text="The greeting is polite", kind="yes_no", required=True, approve_with="yes"
        )
        request = GateRequest(
            format="awo/gate-request/v1",
            gate=id_,
            checklist=list(checklist) or [usual],
            needs=list(needs) or [Need(role="reviewer", count=count)],
            rules=with_fields(DEFAULT_RULES, **rules),
            panel=panel,
        )
        self.start(id_)
        ref = self.put(layout.gate_request_path(id_), pretty(request))
        page = self.put(layout.gate_report_path(id_), b"# A greeting, before anybody has decided\n")
        shown = sorted([*self._named.values(), ref, page], key=lambda one: one.path)
        self._shown = [one for one in shown if one.path != hidden]
        self.event(ev.GateOpened, gate=id_, request=ref, files=[page], shows=self._shown)
        self._checkpoint = self.checkpoint()
        self.gates.append(GateStatus(gate=id_, status="pending", decisions=[]))

    def decision(
        self,
        id_: str,
        verdict: Any = "approve",
        *,
        who: str = REVIEWER_ID,
        key: KeyFileSigner = REVIEWER,
        role: str = "reviewer",
        checkpoint: ev.Checkpoint | None = None,
        answers: Sequence[tuple[str, str]] = (("polite", "yes"),),
        solo: bool = False,
        **changes: Any,
    ) -> Decision:
        """What a person would sign now; `changes` are fields that differ from a plain decision."""
        fields: dict[str, Any] = {
            "format": "awo/decision/v1",
            "run_id": RUN_ID,
            "gate": id_,
            "verdict": verdict,
            "meaning": "approval",
            "signer": Signer(id=who, name=NAMES.get(who, who), role=role, key=key.key.fingerprint),
            "at": self.now,
            "expires_at": "",
            "presence": "not proved",
            "solo": solo,
            "answers": [Answer(id=item, answer=answer) for item, answer in answers],
            "comment": "" if verdict == "approve" else "not polite enough",
            "required_changes": [],
            "from_step": "",
            "checkpoint": checkpoint or self._checkpoint,
            "shows": self._shown,
        }
        return Decision(**(fields | changes))

    def decide(
        self,
        id_: str,
        verdict: Any = "approve",
        *,
        key: KeyFileSigner = REVIEWER,
        signed_by: KeyFileSigner | None = None,
        authority: Mapping[str, Any] | None = None,
        says: Mapping[str, Any] | None = None,
        **changes: Any,
    ) -> None:
        """A decision at the gate, signed by `key`; the other arguments make it a wrong one. `authority` has fields of
        the record beside it, `says` those of the event."""
        decision = self.decision(id_, verdict, key=key, **changes)
        data = canonical(decision)
        known = self.authority(id_, decision.signer, key, **{"at": decision.at, **(authority or {})})
        self.record(decision, data, (signed_by or key).sign(data, "awo-decision"), pretty(known), **(says or {}))

    def record(self, decision: Decision, data: bytes, signature: bytes, authority: bytes, **says: Any) -> None:
        """A decision goes on record with these bytes."""
        self._decisions += 1
        gate = self.gates[-1].gate
        path = layout.decision_path(self._decisions, gate)
        usual: dict[str, Any] = {
            "gate": gate,
            "number": self._decisions,
            "verdict": decision.verdict,
            "signer": decision.signer.id,
            "decision": self.put(path, data),
            "signature": self.put(layout.signature_path(path), signature),
            "authority": self.put(layout.authority_path(path), authority),
            "opens": 0,
            "nonce": "",
        }
        self.event(ev.DecisionRecorded, **(usual | says))
        status = self.gates[-1]
        self.gates[-1] = GateStatus(gate=gate, status=status.status, decisions=[*status.decisions, path])

    def vote(
        self,
        id_: str,
        verdict: Any = "approve",
        *,
        key: KeyFileSigner = REVIEWER,
        signed_by: KeyFileSigner | None = None,
        vote: Mapping[str, Any] | None = None,
        known: Mapping[str, Any] | None = None,
        **changes: Any,
    ) -> Held:
        """A vote is sealed at a blind gate; `vote` has fields of it that make it a wrong one, `known` fields of the
        record beside it. Gives what opens it."""
        self._votes += 1
        decision = self.decision(id_, verdict, key=key, **changes)
        data, nonce = canonical(decision), sha256(b"nonce %d" % self._votes)
        fields: dict[str, Any] = {
            "format": "awo/vote/v1",
            "run_id": decision.run_id,
            "gate": id_,
            "signer": decision.signer,
            "at": decision.at,
            "presence": decision.presence,
            "solo": decision.solo,
            "checkpoint": decision.checkpoint,
            "commitment": sha256(nonce.encode() + b"\n" + data),
        }
        sealed = canonical(SealedVote(**(fields | dict(vote or {}))))
        authority = pretty(self.authority(id_, decision.signer, key))
        beside = pretty(self.authority(id_, decision.signer, key, **(known or {})))
        path = layout.vote_path(self._votes, id_)
        self.event(
            ev.VoteCommitted,
            gate=id_,
            number=self._votes,
            signer=decision.signer.id,
            vote=self.put(path, sealed),
            signature=self.put(layout.signature_path(path), (signed_by or key).sign(sealed, "awo-decision")),
            authority=self.put(layout.authority_path(path), beside),
        )
        return Held(self._votes, decision, data, key.sign(data, "awo-decision"), authority, nonce)

    def open_vote(self, held: Held, **says: Any) -> None:
        """A sealed vote is opened; `says` are fields of the event that make it a wrong opening."""
        opening = {"opens": held.number, "nonce": held.nonce} | says
        self.record(held.decision, held.data, held.signature, held.authority, **opening)

    def authority(self, gate: str, by: Signer, key: KeyFileSigner, **changes: Any) -> Authority:
        """What the project said of a decider."""
        fields: dict[str, Any] = {
            "format": "awo/authority/v1",
            "run_id": RUN_ID,
            "gate": gate,
            "signer": by.id,
            "at": self.now,
            "name": "" if by.name == by.id else by.name,
            "roles": [by.role],
            "git": [],
            "lines": [line_for(by.id, key.key, ["awo-decision"])],
            "policy_sha256": "",
            "reviewers_sha256": sha256(b"reviewers"),
        }
        return Authority(**(fields | changes))

    def pass_deadline(self, id_: str, then: Any) -> None:
        """Somebody opens the journal after the deadline."""
        self.event(ev.DeadlinePassed, gate=id_, then=then)

    def close_gate(self, id_: str, verdict: Any, *, goes_on: bool = True) -> None:
        """The gate is closed, and the run goes on behind it at once, unless it waits."""
        decisions = self.gates[-1].decisions
        self.gates[-1] = GateStatus(gate=id_, status=verdict, decisions=decisions)
        self.event(ev.GateClosed, gate=id_, verdict=verdict)
        if verdict == "approved" and goes_on:
            self.finish(id_, {"verdict": "approved", "decisions": decisions})

    def lapse(self, id_: str) -> None:
        """An approval has expired, and the gate is open again."""
        self.event(ev.GateLapsed, gate=id_)
        self.gates[-1] = GateStatus(gate=id_, status="pending", decisions=self.gates[-1].decisions)
