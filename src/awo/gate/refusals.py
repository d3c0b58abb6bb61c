"""Why an attempt to decide is refused: one list of codes for the journal (spec section 4.4)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

RefusalCode = Literal[
    "no_reviewers",
    "unknown_signer",
    "other_key",
    "namespace",
    "not_yet_valid",
    "expired",
    "role",
    "meaning",
    "presence",
    "name",
    "starter",
    "author",
    "starter_unknown",
    "author_unknown",
    "shared_key",
    "solo",
    "already_decided",
    "nothing_to_withdraw",
    "answers",
    "content",
    "secret",
    "stale",
    "clock",
    "lapsed",
    "deadline",
    "panel",
    "form",
    "other_run",
    "other_gate",
    "authority",
    "signature",
    "key",
    "key_not_opened",
    "refused",
]

REFUSALS: Final[Mapping[RefusalCode, str]] = MappingProxyType(
    {
        "no_reviewers": "Nobody is enrolled as a reviewer.",
        "unknown_signer": "The signer is not enrolled.",
        "other_key": "The key is not enrolled for the signer.",
        "namespace": "The key is enrolled, and not for decisions.",
        "not_yet_valid": "The key is enrolled from a later time on.",
        "expired": "The key is enrolled until an earlier time.",
        "role": "The signer has no role that the gate asks for, or not the one that is signed.",
        "meaning": "The gate asks this role for a signature of another meaning.",
        "presence": "What shows that the person was there is not what the gate accepts, or is not shown.",
        "name": "The printed name is not that of the project, or looks like somebody else's at this gate.",
        "starter": "The signer started the run.",
        "author": "The signer wrote the workflow.",
        "starter_unknown": "The run was started by nobody with a name, and the gate asks for one.",
        "author_unknown": "Who wrote the workflow is not recorded, and the gate asks for somebody else.",
        "shared_key": "Somebody else has decided at this gate with the same key.",
        "solo": "The signer started the run or wrote the workflow, and the decision does not say so.",
        "already_decided": "The signer has decided at this gate, and the gate lets nobody decide again.",
        "nothing_to_withdraw": "The signer has no approval here that could be withdrawn.",
        "answers": "The answers do not fit the checklist or the verdict.",
        "content": "A text, a name, a time or a reason of the decision is missing or cannot stand in it.",
        "secret": "A text of the decision holds a secret.",
        "stale": "What was shown has changed since the gate opened.",
        "clock": "The time of the decision is before something that came before it: a clock was moved.",
        "lapsed": "The decision has expired.",
        "deadline": "The deadline of the gate has passed.",
        "panel": "It does not fit a blind gate, or asks for one where there is none.",
        "form": "The bytes of the decision are not a decision in canonical form.",
        "other_run": "The decision is about another run.",
        "other_gate": "The decision is about another gate.",
        "authority": "The record of who the signer was is about another run, gate or signer, or cannot be read.",
        "signature": "The signature does not hold.",
        "key": "The decision is signed with another key than it names.",
        "key_not_opened": "The key could not be opened, or did not sign.",
        "refused": "Any other reason; the sentence beside the code says which.",
    }
)
"""What each code means, in one sentence."""
