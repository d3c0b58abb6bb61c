"""The numbered list of checks, in order: an id is a section of the spec, a function, and a folder in tests/vectors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from awo.verify import (
    authority,
    chain,
    derivation,
    disclosed,
    integrity,
    life_cycle,
    quorum,
    registered,
    stamped,
    structure,
    your_policy,
)
from awo.verify.findings import Answer

Party = Literal["outsider", "operator", "reviewer"]
Chapter = Literal["structure", "integrity", "life cycle", "authority", "derivation", "registration"]

NOT_THE_REVIEWER: Final[tuple[Party, ...]] = ("outsider", "operator")
NOT_THE_OPERATOR: Final[tuple[Party, ...]] = ("outsider", "reviewer")
ANYBODY: Final[tuple[Party, ...]] = ("outsider", "operator", "reviewer")


@dataclass(frozen=True, slots=True)
class Check:
    """One check.

    `holds_against` says whose lie it finds: an `outsider` holds none of the keys, the `operator`
    ran the machine and holds the key of the seal, a `reviewer` holds the key of a decision.
    `is_asked_for` checks leave the verdict alone when they cannot be made, unless their chapter is required.
    `without_it` says who could cheat, and how, if this check were missing; '' outside chapter 4. `judge` takes what is
    read: a `Reading`, or of the checks of a proof a `proof.Proving`.
    """

    id: str
    chapter: Chapter
    title: str
    holds_against: tuple[Party, ...]
    judge: Callable[[Any, Answer], None]
    is_asked_for: bool = False
    without_it: str = ""


_AUTHORITY: Final = (
    Check(
        "EP-4.1",
        "authority",
        "The seal is signed",
        NOT_THE_OPERATOR,
        authority.ep_4_1,
        without_it="an outsider could change the package, write a new seal over it, and leave the old signature beside",
    ),
    Check(
        "EP-4.2",
        "authority",
        "The package names the sealer",
        NOT_THE_OPERATOR,
        authority.ep_4_2,
        without_it="the seal could be by a key that the package's own list gives to nobody, or gave to them at another "
        "time only",
    ),
    Check(
        "EP-4.3",
        "authority",
        "Every decision is signed",
        ANYBODY,
        authority.ep_4_3,
        without_it="whoever holds the folder could write an approval in the name of somebody who never saw it",
    ),
    Check(
        "EP-4.4",
        "authority",
        "Every decision is about what was shown",
        ANYBODY,
        authority.ep_4_4,
        without_it="the operator could put a real approval of another run, gate or state here, open another vote "
        "than was sealed, or keep an output from the people who decide",
    ),
    Check(
        "EP-4.5",
        "authority",
        "Every decision is complete and in order",
        ANYBODY,
        authority.ep_4_5,
        without_it="a reviewer could approve with required questions left open, before there was anything to see, or "
        "after the fact with a time set back",
    ),
    Check(
        "EP-4.6",
        "authority",
        "The package names every decider",
        NOT_THE_OPERATOR,
        authority.ep_4_6,
        without_it="anybody with some key could decide, in a role that the project never gave them or no longer gives",
    ),
    Check(
        "EP-4.7",
        "authority",
        "You trust the sealer",
        NOT_THE_OPERATOR,
        authority.ep_4_7,
        is_asked_for=True,
        without_it="whoever made the package could bring their own list of people and vouch for themselves",
    ),
    Check(
        "EP-4.8",
        "authority",
        "You trust every decider",
        NOT_THE_REVIEWER,
        authority.ep_4_8,
        is_asked_for=True,
        without_it="the operator could make up reviewers, with keys and lines of their own, and decide in their names",
    ),
    Check(
        "EP-4.9",
        "authority",
        "The attempts are what the run says",
        NOT_THE_OPERATOR,
        chain.ep_4_9,
        is_asked_for=True,
        without_it="a run could say otherwise of an earlier attempt, or of what its reviewer asked for, than that "
        "attempt's own package does",
    ),
    Check(
        "EP-4.10",
        "authority",
        "Every decider is independent",
        ANYBODY,
        authority.ep_4_10,
        without_it="whoever started the run or wrote its workflow could approve it unseen, or one person twice under "
        "two names",
    ),
    Check(
        "EP-4.11",
        "authority",
        "Every gate had what it asks for",
        ANYBODY,
        quorum.ep_4_11,
        without_it="the operator could ask easier questions than the plan, go on with too few approvals or expired "
        "ones, call a deadline early, or open votes before all are in",
    ),
    Check(
        "EP-4.12",
        "authority",
        "The gates ask for what you ask for",
        NOT_THE_REVIEWER,
        your_policy.ep_4_12,
        is_asked_for=True,
        without_it="the operator could weaken awo.toml before the run, and one friendly approval would pass for a "
        "quorum",
    ),
    Check(
        "EP-4.13",
        "authority",
        "Every redaction is signed",
        NOT_THE_OPERATOR,
        disclosed.ep_4_13,
        without_it="an outsider could take away what speaks against a run, and say that its makers had withheld it",
    ),
)

CHECKS: Final = (
    Check("EP-1.1", "structure", "The container is whole", ANYBODY, structure.ep_1_1),
    Check("EP-1.2", "structure", "There are only plain files with portable names", ANYBODY, structure.ep_1_2),
    Check("EP-1.3", "structure", "The files of a package are there", ANYBODY, structure.ep_1_3),
    Check("EP-1.4", "structure", "Each record has its shape", ANYBODY, structure.ep_1_4),
    Check("EP-1.5", "structure", "Each line of the journal is an event", ANYBODY, structure.ep_1_5),
    Check("EP-1.6", "structure", "Each line of responses is a response", ANYBODY, structure.ep_1_6),
    Check("EP-1.7", "structure", "Each frame holds an exchange", ANYBODY, structure.ep_1_7),
    Check("EP-1.8", "structure", "Each line of items is the item of its cell", ANYBODY, structure.ep_1_8),
    Check("EP-2.1", "integrity", "SHA256SUMS is the list that was sealed", NOT_THE_OPERATOR, integrity.ep_2_1),
    Check("EP-2.2", "integrity", "Every listed file is there, unaltered", NOT_THE_OPERATOR, integrity.ep_2_2),
    Check("EP-2.3", "integrity", "No file was added", NOT_THE_OPERATOR, integrity.ep_2_3),
    Check("EP-2.4", "integrity", "The journal is the one that was sealed", NOT_THE_OPERATOR, integrity.ep_2_4),
    Check("EP-2.5", "integrity", "Every recorded file is there, unaltered", NOT_THE_OPERATOR, integrity.ep_2_5),
    Check("EP-2.6", "integrity", "Every response is the recorded one", NOT_THE_OPERATOR, integrity.ep_2_6),
    Check("EP-2.7", "integrity", "No output is unrecorded", NOT_THE_OPERATOR, integrity.ep_2_7),
    Check("EP-2.8", "integrity", "Every carried text is the one that was read", NOT_THE_OPERATOR, integrity.ep_2_8),
    Check("EP-2.9", "integrity", "Every exchange is the recorded one", NOT_THE_OPERATOR, integrity.ep_2_9),
    Check("EP-2.10", "integrity", "A step has the items that it counts", NOT_THE_OPERATOR, integrity.ep_2_10),
    Check("EP-2.11", "integrity", "The seal commits to these very texts", ANYBODY, disclosed.ep_2_11),
    Check("EP-3.1", "life cycle", "Every event may follow the ones before", NOT_THE_OPERATOR, life_cycle.ep_3_1),
    Check("EP-3.2", "life cycle", "The seal says what the journal says", NOT_THE_OPERATOR, life_cycle.ep_3_2),
    Check("EP-3.3", "life cycle", "The status says what the journal says", NOT_THE_OPERATOR, life_cycle.ep_3_3),
    *_AUTHORITY,
    Check(
        "EP-5.1",
        "derivation",
        "Every answer is the one that its response gives",
        ANYBODY,
        derivation.ep_5_1,
        is_asked_for=True,
    ),
    Check("EP-5.2", "derivation", "Every derived result follows", ANYBODY, derivation.ep_5_2, is_asked_for=True),
    Check("EP-5.3", "derivation", "Every cost follows from its price", ANYBODY, derivation.ep_5_3, is_asked_for=True),
    Check(
        "EP-5.4", "derivation", "The report says what the record says", ANYBODY, derivation.ep_5_4, is_asked_for=True
    ),
    Check("EP-6.1", "registration", "The run was registered", NOT_THE_REVIEWER, registered.ep_6_1, is_asked_for=True),
    Check("EP-6.2", "registration", "You trust the ledger", NOT_THE_REVIEWER, registered.ep_6_2, is_asked_for=True),
    Check("EP-6.3", "registration", "A time stamp says when", NOT_THE_REVIEWER, stamped.ep_6_3, is_asked_for=True),
)

CAN_BE_REQUIRED: Final = tuple(dict.fromkeys(check.chapter for check in CHECKS if check.is_asked_for))
NOT_BUILT: Final[frozenset[str]] = frozenset()
