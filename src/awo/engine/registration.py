"""Registers claims: what a run promises to test is in input.json before its first call, numbered by attempt."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import msgspec
from msgspec import UNSET

from awo.derive.checks.paths import faults_of_claim
from awo.derive.checks.plan import Planned
from awo.derive.claim_files import Claim, claims_matching
from awo.derive.claim_shape import StatedClaim
from awo.derive.claims import ScopeValidateArgs, id_of
from awo.derive.verdicts import ClaimsArgs, digest_of, faults_of_names, stated_in
from awo.engine.folder import run_folders
from awo.errors import StepFailed
from awo.evidence.layout import INPUT
from awo.evidence.records import InputRecord, StepRecord
from awo.evidence.verdicts import RegisteredClaim
from awo.workflow import conditions, globs
from awo.workflow.definition import Step, Workflow
from awo.workflow.faults import Fault
from awo.workflow.files import MOST_CONTENT_BYTES, DeclaredFile
from awo.workflow.marks import marked_in
from awo.workflow.names import BadText, did_you_mean

EARLIER_NAMED: Final = 100

Earlier = Callable[[Collection[str]], Mapping[str, Sequence[str]]]
"""Gives, for each of these ids of claims, the runs that registered it before, oldest first."""


def nobody_before(ids: Collection[str]) -> Mapping[str, Sequence[str]]:
    """What a first run finds."""
    return {}


def registered_before(runs: Path) -> Earlier:
    """Looks into the input.json of every run below `runs`; one that cannot be read has registered nothing."""

    def look(ids: Collection[str]) -> Mapping[str, Sequence[str]]:
        found: dict[str, list[str]] = {id_: [] for id_ in ids}
        for folder in run_folders(runs):
            for id_ in _ids_in(folder / INPUT) & found.keys():
                found[id_].append(folder.name)
        return found

    return look


def registered(steps: Iterable[Step], files: Mapping[str, DeclaredFile], earlier: Earlier) -> list[RegisteredClaim]:
    """The claims of the workflow that have an id, in the order of the file. Raises `StepFailed` for unreadable ones."""
    texts = _Declared(files)
    found = [(step.id, claim) for step in steps for claim in _claims_of(step, texts) if id_of(claim.content)]
    before = earlier({id_of(claim.content) for _, claim in found}) if found else {}
    return [_registered(step, claim, before.get(id_of(claim.content), ())) for step, claim in found]


def registered_again(plan: InputRecord, earlier: Earlier) -> InputRecord:
    """The plan of a run that does again what another did: its claims are one attempt further."""
    if not plan.claims:
        return plan
    before = earlier({claim.id for claim in plan.claims})
    claims = [_numbered(claim, before.get(claim.id, ())) for claim in plan.claims]
    return msgspec.structs.replace(plan, claims=claims)


def marked_late(plan: InputRecord, answered: InputRecord) -> InputRecord:
    """The plan of a re-scoring of the run `answered`, each claim marked that was not registered there already.

    The same claim is registered there when that run had it in a step with the same arguments, over steps
    (needed by it, directly or not) that do the same: then nobody could fit it to the answers.
    """
    before = {(claim.step, claim.sha256) for claim in answered.claims}
    steps, then = ({step.id: step for step in one.steps} for one in (plan, answered))
    needs = {id_: step.needs for id_, step in steps.items()}
    same = {id_ for id_, step in steps.items() if id_ in then and _does_the_same(step, then[id_])}
    claims = [
        msgspec.structs.replace(
            claim,
            is_late=(claim.step, claim.sha256) not in before or not {claim.step, *needed_by(claim.step, needs)} <= same,
        )
        for claim in plan.claims
    ]
    return msgspec.structs.replace(plan, claims=claims)


def _does_the_same(step: StepRecord, then: StepRecord) -> bool:
    return (step.op, step.arguments(), step.when, step.cells) == (then.op, then.arguments(), then.when, then.cells)


def faults_of_claims(workflow: Workflow, files: Mapping[str, DeclaredFile], planned: Planned) -> Iterator[Fault]:
    """What is wrong with claims in files: their shape, and names that lead nowhere."""
    texts = _Declared(files)
    for step in workflow.steps:
        args = step.args
        if not isinstance(args, ClaimsArgs) or args.claims_glob is UNSET:
            continue
        if not texts.files_matching(args.claims_glob):
            continue  # a fault already
        place = step.path_of(("claims_glob",))
        try:
            claims = stated_in(args, texts, step.id)
        except StepFailed as error:
            yield Fault(place, f"{error.what} ({error.where})", error.expected, error.got, error.hint)
            continue
        above = needed_by(step.id, {one.id: one.needs for one in workflow.steps})
        for claim, stated in claims:
            faults = [*faults_of_names(stated, args.metrics), *_names_that_lead_nowhere(stated, above, workflow)]
            faults += faults_of_claim(stated, args, planned)
            for fault in faults:
                what = f"{fault.what} (claim {stated.id!r} in {claim.source})"
                yield replace(fault, path=place, what=what)


def needed_by(step: str, needs: Mapping[str, Sequence[str]]) -> set[str]:
    """Every step that must be done before `step`."""
    found: set[str] = set()
    waiting = list(needs.get(step, ()))
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += needs.get(one, ())
    return found


def with_all_needs(workflow: Workflow) -> None:
    """Writes into each step of claims all the steps that it rests on, so that whoever judges it has their values.

    A gate is not gone through: it orders, and computes nothing.
    """
    if not any(isinstance(step.args, ClaimsArgs) for step in workflow.steps):
        return
    own = {step.id: () if step.is_gate else step.needs for step in workflow.steps}
    for index, step in enumerate(workflow.steps):
        if isinstance(step.args, ClaimsArgs):
            above = needed_by(step.id, own)
            needs = tuple(id_ for id_ in own if id_ in above)
            workflow.steps[index] = replace(step, needs=needs)


def _claims_of(step: Step, texts: _Declared) -> list[Claim]:
    args = step.args
    if isinstance(args, ClaimsArgs):
        return [claim for claim, _ in stated_in(args, texts, step.id)]
    if isinstance(args, ScopeValidateArgs):
        if args.claims_glob is not UNSET:
            try:
                return claims_matching(texts, args.claims_glob)
            except StepFailed:
                return []  # told by the step itself, as AWO 1.x did
        return [Claim(source="", content=args.claim)]
    return []


def _names_that_lead_nowhere(stated: StatedClaim, above: set[str], workflow: Workflow) -> Iterator[Fault]:
    """Steps and inputs that a claim in a file names, and that its step does not wait for, or that are not there."""
    steps = [step.id for step in workflow.steps]
    for marked in marked_in(stated):
        if marked.kind not in ("observation", "claim_test"):
            continue
        try:
            names = conditions.names_used(marked.text, "observation" if marked.kind == "observation" else "test")
        except BadText:
            continue  # told by `faults_of_names`
        for name in names.steps:
            if name not in steps:
                what, hint = f"there is no step called {name!r}", did_you_mean(name, steps)
                yield Fault((), what, ", ".join(steps[:20]), hint=hint)
            elif name not in above:
                what = f"the step does not wait for {name!r}, which a claim in a file names"
                yield Fault((), what, hint=f"write `needs: [{name}]` beside the step")
        for name in names.inputs:
            if name not in workflow.inputs:
                what, hint = f"there is no input called {name!r}", did_you_mean(name, list(workflow.inputs))
                yield Fault((), what, ", ".join(list(workflow.inputs)[:20]), hint=hint)


def _registered(step: str, claim: Claim, earlier: Sequence[str]) -> RegisteredClaim:
    statement = claim.content.get("statement")
    first = RegisteredClaim(
        id=id_of(claim.content),
        step=step,
        statement=statement if isinstance(statement, str) else "",
        sha256=digest_of(claim.content),
        attempt=1,
    )
    return _numbered(first, earlier)


def _numbered(claim: RegisteredClaim, earlier: Sequence[str]) -> RegisteredClaim:
    return msgspec.structs.replace(claim, attempt=len(earlier) + 1, earlier=list(earlier[-EARLIER_NAMED:]))


class _Id(msgspec.Struct, frozen=True):
    """What is looked at of a registered claim."""

    id: str


class _Claims(msgspec.Struct, frozen=True):
    """What is looked at of an input.json."""

    claims: list[_Id] = []


_claims = msgspec.json.Decoder(_Claims)


def _ids_in(path: Path) -> set[str]:
    """The ids of the claims that the input.json at `path` registers."""
    try:
        data = path.read_bytes()
        return {claim.id for claim in _claims.decode(data).claims} if b'"claims"' in data else set()
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return set()


class _Declared:
    """The declared files as claims are read from them; implements `awo.derive.claim_files.Texts`."""

    def __init__(self, files: Mapping[str, DeclaredFile]) -> None:
        self._files = files

    def read_text(self, path: str) -> str:
        file = self._files[path]
        if file.encoding != "utf-8":
            what, expected = "a file of claims cannot be read", f"UTF-8 of at most {MOST_CONTENT_BYTES} bytes"
            raise StepFailed(what, code="claims_unreadable", where=path, expected=expected)
        return file.content

    def files_matching(self, pattern: str) -> list[str]:
        return sorted(path for path in self._files if globs.matches(pattern, path))
