"""What is attested of a run: the subjects, and the statement with AWO's own predicate. Touches no disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final, TypeVar

import awo
from awo.derive.facts import RunFacts, StepStatus
from awo.evidence.events import FileRef
from awo.evidence.human_review import STATEMENT_TYPE, Digests, SealRef, Subject
from awo.evidence.layout import OUTPUTS, REPORT, SEAL, SUMS
from awo.evidence.records import Seal
from awo.evidence.run_statement import (
    PREDICATE_TYPE,
    AttestedCalls,
    AttestedClaim,
    AttestedDecision,
    AttestedModel,
    AttestedRun,
    CallsByOutcome,
    LeftOut,
    RunAttester,
    RunStatement,
    StepsByStatus,
)
from awo.publish.described.shapes import Described

MOST_OUTPUTS: Final = 1_000
"""Outputs that are subjects one by one. Of a run with more, none is: SHA256SUMS, which is a subject, lists them."""
MOST_LISTED: Final = 1_000
MOST_NAMES: Final = 20

T = TypeVar("T")


def outputs_of(described: Described) -> list[FileRef]:
    """What the run put out, as its seal knows it: everything below outputs/, and the report."""
    return [file for file in described.files if file.path.startswith(f"{OUTPUTS}/") or file.path == REPORT]


def subject_files(described: Described) -> list[FileRef]:
    """The files that both statements are about: the seal, SHA256SUMS, and the outputs where they are few enough.

    With the seal and SHA256SUMS every file of the package is bound. Outputs stand for themselves as well, so that
    whoever holds one file alone finds the statement about it by its digest.
    """
    of_seal = [file for path in (SEAL, SUMS) for file in described.files if file.path == path]
    outputs = outputs_of(described)
    return of_seal + (outputs if len(outputs) <= MOST_OUTPUTS else [])


def subjects_of(described: Described) -> list[Subject]:
    """`subject_files` as a statement names them: by their paths from the run's folder."""
    return [Subject(name=file.path, digest=Digests(sha256=file.sha256)) for file in subject_files(described)]


def run_statement(described: Described, seal: Seal, attester_key: str) -> RunStatement:
    """The statement of docs/spec/run-v1.md, to be signed by the key with this fingerprint."""
    facts = described.facts
    models, groups, decisions, claims = (
        list(_models(described)),
        list(_groups(described)),
        list(_decisions(described)),
        list(_claims(described)),
    )
    outputs = len(outputs_of(described))
    return RunStatement(
        type_=STATEMENT_TYPE,
        subject=subjects_of(described),
        predicate_type=PREDICATE_TYPE,
        predicate=AttestedRun(
            run_id=facts.run_id,
            name=facts.input.name,
            started_at=facts.started_at,
            ended_at=facts.ended_at,
            supersedes=seal.supersedes,
            starter=facts.starter,
            solo=facts.is_solo,
            software=facts.software,
            checkpoint=seal.checkpoint,
            seal=SealRef(
                sha256=described.seal_sha256,
                outcome=seal.outcome,
                at=seal.at,
                sealer=seal.sealer.id,
                journal=seal.checkpoint,
            ),
            sums_sha256=seal.sums_sha256,
            disclosure_sha256=seal.disclosure_sha256,
            withheld=described.withheld,
            steps=_steps(facts),
            calls=CallsByOutcome(
                answered=facts.calls.answered,
                failed=facts.calls.failed,
                unknown=facts.calls.unknown,
                reused=facts.calls.reused,
            ),
            models=_first(models),
            call_groups=_first(groups),
            decisions=_first(decisions),
            claims=_first(claims),
            left_out=LeftOut(
                subjects=outputs if outputs > MOST_OUTPUTS else 0,
                models=_beyond(models),
                call_groups=_beyond(groups),
                decisions=_beyond(decisions),
                claims=_beyond(claims),
            ),
            attester=RunAttester(
                id=seal.sealer.id if attester_key == seal.sealer.key else "",
                key=attester_key,
                software=f"awo {awo.__version__}",
            ),
        ),
    )


def _first(found: Sequence[T]) -> list[T]:
    return list(islice(found, MOST_LISTED))


def _beyond(found: Sequence[object]) -> int:
    return max(0, len(found) - MOST_LISTED)


def _steps(facts: RunFacts) -> StepsByStatus:
    counts = dict.fromkeys((status.value for status in StepStatus), 0)
    for step in facts.steps:
        counts[step.status.value] += 1
    return StepsByStatus(total=len(facts.steps), **counts)


def _models(described: Described) -> Iterator[AttestedModel]:
    for name, asked in described.facts.input.models.items():
        answered = described.answered.get(name, ())
        yield AttestedModel(
            name=name,
            backend=asked.backend,
            asked=asked.model,
            answered=list(answered[:MOST_NAMES]),
            answered_left_out=max(0, len(answered) - MOST_NAMES),
            weights_sha256=weights_of(described, name),
        )


def weights_of(described: Described, model: str) -> str:
    """The digest of the weights that a model said it has, '' where it did not. Its word may be anything."""
    opened = described.facts.models.get(model)
    said: Any = opened.facts.get("weights_sha256") if opened is not None else None
    is_digest = isinstance(said, str) and len(said) == 64 and not set(said) - set("0123456789abcdef")
    return said if is_digest else ""


def _groups(described: Described) -> Iterator[AttestedCalls]:
    for group in described.groups:
        yield AttestedCalls(
            step=group.step,
            model=group.model,
            answered=group.answered,
            failed=group.failed,
            unknown=group.unknown,
            reused=group.reused,
            first_at=group.first_at,
            last_at=group.last_at,
        )


def _decisions(described: Described) -> Iterator[AttestedDecision]:
    recorded = {one.path: one for one in described.decisions}
    for gate in described.facts.gates:
        for event in gate.decisions:
            one = recorded.get(event.decision.path)
            if one is not None:
                yield AttestedDecision(
                    gate=gate.gate,
                    number=event.number,
                    verdict=one.decision.verdict,
                    meaning=one.decision.meaning,
                    reviewer=one.decision.signer,
                    presence=one.decision.presence,
                    at=one.decision.at,
                    solo=one.decision.solo,
                    decision=one.path,
                    decision_sha256=one.sha256,
                )


def _claims(described: Described) -> Iterator[AttestedClaim]:
    for judged in described.claims:
        for verdict in judged.verdicts:
            yield AttestedClaim(
                step=judged.step,
                path=judged.path,
                id=verdict.id,
                claim_sha256=verdict.sha256,
                attempt=verdict.attempt,
                verdict=verdict.verdict,
            )
