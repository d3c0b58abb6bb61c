"""A gate, its people and their decisions, as the tests of the gate's rules need them. Not a test."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from awo.evidence.events import Checkpoint, FileRef, Starter
from awo.evidence.gates import Authority, ChecklistItem, Decision, GateRequest, Need, Signer
from awo.gate.decision import GateFacts
from awo.gate.settings import DEFAULT_RULES
from awo.sign.allowed_signers import line_for
from awo.sign.key_file import KeyFileSigner
from awo.sign.namespaces import DECISION
from awo.sign.sshkeys import PublicKey
from awo.sign.wire import string

ALICE, BOB = "alice@example.org", "bob@example.org"
RUN = "run_2026-11-23T06-09-00Z"
OPENED = "2026-11-23T11:00:00.000000Z"
AT = "2026-11-23T12:00:00.000000Z"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
LATER = datetime(2026, 11, 24, tzinfo=UTC)
SHOWN = FileRef(path="outputs/vote/output.json", sha256="a" * 64, size_bytes=10)
REVIEWER = [Need(role="reviewer", count=1)]

REQUEST = GateRequest(
    format="awo/gate-request/v1",
    gate="audit",
    checklist=[
        ChecklistItem(id="numbers", text="The numbers were checked", kind="yes_no", required=True, approve_with="yes")
    ],
    needs=REVIEWER,
    rules=DEFAULT_RULES,
)
FACTS = GateFacts(
    run_id=RUN,
    starter=Starter(id="starter@example.org", key="SHA256:another"),
    request=REQUEST,
    checkpoint=Checkpoint(size=12, root="b" * 64),
    shows=(SHOWN,),
    opened_at=OPENED,
    authors=(),
    decisions=(),
    is_escalated=False,
)


def asking(needs: list[Need] | None = None, *, facts: GateFacts = FACTS, **rules: Any) -> GateFacts:
    """`facts`, with these needs and these rules of the gate in the place of its own."""
    request = msgspec.structs.replace(
        facts.request, needs=needs or facts.request.needs, rules=msgspec.structs.replace(facts.request.rules, **rules)
    )
    return replace(facts, request=request)


def public_key(number: int) -> PublicKey:
    """A key that can be compared and written, and that signs nothing."""
    return PublicKey.from_blob(string(b"ssh-ed25519") + string(bytes([number]) * 32))


def new_signer(seed: int) -> KeyFileSigner:
    private = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
    line = private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    return KeyFileSigner(PublicKey.parse(line, where="test"), "not proved", private)


def authority_for(who: str, key: PublicKey, **changes: Any) -> Authority:
    """The record of a reviewer who is enrolled with `key`."""
    plain = Authority(
        format="awo/authority/v1",
        run_id=RUN,
        gate="audit",
        signer=who,
        at=AT,
        name="",
        roles=["reviewer"],
        git=[],
        lines=[line_for(who, key, [DECISION])],
        policy_sha256="",
        reviewers_sha256="",
    )
    return msgspec.structs.replace(plain, **changes)


def said(who: str, verdict: str = "approve", *, role: str = "reviewer", key: str = "", **changes: Any) -> Decision:
    """A decision as it stands on record, with a key of its own unless `key` is given."""
    fields: dict[str, Any] = {
        "format": "awo/decision/v1",
        "run_id": RUN,
        "gate": "audit",
        "verdict": verdict,
        "meaning": "approval",
        "signer": Signer(id=who, name=who, role=role, key=key or f"SHA256:{who}"),
        "at": AT,
        "expires_at": "",
        "presence": "not proved",
        "solo": False,
        "answers": [],
        "comment": "" if verdict == "approve" else "A reason.",
        "required_changes": [],
        "from_step": "",
        "checkpoint": FACTS.checkpoint,
        "shows": [SHOWN],
    }
    return Decision(**(fields | changes))
