"""Holds the course of a run against its plan: what was skipped, whose answers were used, what was promised."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import UNSET

from awo.derive.claim_files import claims_matching
from awo.derive.claims import ScopeValidateArgs, id_of
from awo.derive.facts import StepFacts, StepStatus
from awo.derive.untouched import done_again
from awo.derive.verdicts import ClaimsArgs, digest_of, stated_in
from awo.errors import StepFailed
from awo.evidence.events import Origin
from awo.evidence.layout import INPUT, JOURNAL, responses_path
from awo.evidence.records import InputRecord, StepRecord
from awo.evidence.verdicts import RegisteredClaim
from awo.plugins import DERIVATIONS, GATE_OPERATION
from awo.verify.findings import Answer
from awo.verify.reading import ASKED
from awo.verify.sources import Package, PackageSources
from awo.workflow.names import BadText

NOT_COPIED: Final = frozenset({GATE_OPERATION, *ASKED, *DERIVATIONS})
EARLIER_NAMED: Final = 100
"""So many earlier runs are named at most (spec section 3.1)."""


def condition_kept(package: Package, step: StepFacts, answer: Answer) -> None:
    """A step was skipped where its condition does not hold or a need was skipped, and else not.

    Raises as `PackageSources.holds` does, but for `StepFailed`.
    """
    record = step.record
    code = step.reason.code if step.reason is not None else ""
    where = f"{JOURNAL}: step {record.id}"
    held_by = [
        need
        for need in record.needs
        if package.steps[need].status is StepStatus.SKIPPED
        and GATE_OPERATION not in (record.op, package.steps[need].record.op)
    ]
    if step.status is StepStatus.SKIPPED and held_by:
        return
    if step.status is StepStatus.SKIPPED and (code != "condition" or not record.when):
        answer.fail(where, "the step was skipped, and nothing that it needs was", got=code)
        return
    if not record.when or step.status not in (StepStatus.SKIPPED, StepStatus.DONE, StepStatus.FAILED):
        return
    try:
        holds = "it holds" if PackageSources(package, record.id).holds(record.when) else "it does not hold"
    except (StepFailed, BadText) as error:
        holds = error.what
    is_error = step.status is StepStatus.FAILED and code == "condition"
    if step.status is StepStatus.SKIPPED and holds != "it does not hold":
        answer.fail(where, "the step was skipped for its condition", "a condition that does not hold", holds)
    elif step.status is not StepStatus.SKIPPED and not is_error and holds != "it holds":
        answer.fail(where, "the step ran against its condition", "a condition that holds", holds)


def reuse_allowed(package: Package, answer: Answer) -> None:
    """Answers of other runs are used where the plan says so; a re-scoring uses nothing else.

    A revision takes over answers of the run that it revises, and what that run's programs left, only in steps that
    nothing has touched; what was to be done again uses no answer of any other run.
    """
    plan, journal = package.plan, package.reading.journal
    assert journal is not None
    if journal.started is not None and plan.rescores and journal.started.supersedes != plan.rescores:
        answer.fail(
            f"{JOURNAL}:1", "the run scores another run again than it supersedes", plan.rescores,
            journal.started.supersedes,
        )  # fmt: skip
    if journal.started is not None and plan.revises and journal.started.supersedes != plan.revises:
        answer.fail(
            f"{JOURNAL}:1", "the run revises another run than it supersedes", plan.revises, journal.started.supersedes
        )
    kept = {responses_path(id_) for id_ in package.untouched}
    again = {responses_path(id_) for id_ in done_again(plan)}
    for path, lines in journal.lines.items():
        if lines.has_reused and path in again:
            answer.fail(path, "answers of another run are used, and the step was to be done again", plan.revised_from)
        if lines.has_reused and not plan.cache and not plan.rescores:
            _taken_over(path, lines.origins, plan, answer, is_untouched=path in kept)
        for number, origin in lines.origins.items() if plan.rescores else ():
            if origin.run_id != plan.rescores:
                answer.fail(f"{path}:{number + 1}", "the answer is of another run", plan.rescores, origin.run_id)
        if plan.rescores and len(lines) > len(lines.origins):
            answer.fail(path, "a re-scoring makes no call, and this one has answers of its own")


def _taken_over(
    path: str, origins: Mapping[int, Origin], plan: InputRecord, answer: Answer, *, is_untouched: bool
) -> None:
    """The answers of another run in one step, where the plan knows only the run that it revises."""
    if not plan.revises:
        answer.fail(path, "answers of another run are used, and the plan uses none", "`cache`, `rescores` or `revises`")
    elif not is_untouched:
        answer.fail(path, "answers of the run that is revised are used, and the step was touched")
    for number, origin in origins.items() if plan.revises else ():
        if origin.run_id != plan.revises:
            answer.fail(f"{path}:{number + 1}", "the answer is of another run", plan.revises, origin.run_id)


def copies_allowed(package: Package, answer: Answer) -> None:
    """What a step left is copied only from the run that is revised, of programs, where nothing has touched the step."""
    for step in package.facts.steps:
        if not step.reused_from:
            continue
        id_, where = step.record.id, f"{JOURNAL}: step {step.record.id}"
        if step.reused_from != package.plan.revises:
            answer.fail(
                where, "the step is taken over from another run than the revised one", package.plan.revises,
                step.reused_from,
            )  # fmt: skip
        elif id_ not in package.untouched:
            answer.fail(where, "the step is taken over, and it was touched")
        elif step.record.op in NOT_COPIED:
            answer.fail(where, "a step of this operation is done anew, never copied", got=step.record.op)


def promises_kept(package: Package, answer: Answer) -> None:
    """input.json registers the claims of its steps, as they stand there, and numbers them as they can be."""
    plan = package.plan
    expected: list[tuple[str, str, str, str]] = []
    unread: set[str] = set()
    for record in plan.steps:
        try:
            expected += [(record.id, *one) for one in _claims_of(record, PackageSources(package, record.id))]
        except (StepFailed, msgspec.ValidationError):
            unread.add(record.id)  # the step says so itself
    got = [(one.step, one.id, one.sha256, one.statement) for one in plan.claims]
    for wanted in expected:
        if wanted not in got:
            _not_registered(wanted, plan, answer)
    for one in plan.claims:
        where = f"{INPUT}: claim {one.id}"
        if one.step not in unread and (one.step, one.id, one.sha256, one.statement) not in expected:
            answer.fail(where, "the claim that is registered is not one of its step", got=one.statement)
        if not _is_numbered(one):
            answer.fail(
                where, "the number of the attempt does not fit the earlier runs", str(len(one.earlier) + 1),
                str(one.attempt),
            )  # fmt: skip
        if one.is_late and not plan.rescores and not plan.revises:
            answer.fail(where, "only a re-scoring or a revision can register a claim late")


def _not_registered(wanted: tuple[str, str, str, str], plan: InputRecord, answer: Answer) -> None:
    if any((one.step, one.id) == wanted[:2] for one in plan.claims):
        return  # said of the claim that is registered in its place
    answer.fail(f"{INPUT}: claim {wanted[1]}", "a claim of the plan is not registered", f"step {wanted[0]}")


def _is_numbered(claim: RegisteredClaim) -> bool:
    named = len(claim.earlier)
    fits = claim.attempt == named + 1 if named < EARLIER_NAMED else claim.attempt > named
    return fits and len(set(claim.earlier)) == named


def _claims_of(record: StepRecord, sources: PackageSources) -> list[tuple[str, str, str]]:
    """Id, digest and statement of each claim of a step that has an id, in the order of section 3.18."""
    contents: list[Mapping[str, Any]] = []
    if record.op == "claims":
        args = msgspec.json.decode(record.args, type=ClaimsArgs)
        contents = [claim.content for claim, _ in stated_in(args, sources, record.id)]
    elif record.op == "scope_validate":
        scope = msgspec.json.decode(record.args, type=ScopeValidateArgs)
        if scope.claim is not UNSET:
            contents = [scope.claim]
        elif scope.claims_glob is not UNSET:
            try:
                contents = [claim.content for claim in claims_matching(sources, scope.claims_glob)]
            except StepFailed:
                contents = []
    found = []
    for content in contents:
        statement = content.get("statement")
        if id_ := id_of(content):
            found.append((id_, digest_of(content), statement if isinstance(statement, str) else ""))
    return found
