"""The derivation of `claims`: each claim tested against the numbers of the run, and what its verdict rests on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType, field

from awo.canon.digest import sha256_hex
from awo.canon.json import encode_sorted, pretty
from awo.derive.claim_files import Claim, Texts, claims_matching
from awo.derive.claim_shape import StatedClaim
from awo.derive.claim_tests import Numbers, results_of
from awo.derive.claims import no_claims
from awo.derive.following import deviations_below
from awo.derive.seam import Derivation, Derived, Sources
from awo.errors import StepFailed
from awo.evidence.layout import value_path
from awo.evidence.verdicts import ClaimsValue, ClaimTestResult, ClaimVerdict, Evidence, RegisteredClaim
from awo.workflow.faults import Fault
from awo.workflow.marks import marked_in
from awo.workflow.references import names_of_claim
from awo.workflow.words import Args, Metrics, ReadGlob

KEPT_FILE: Final = "claims.json"
"""Where the verdicts stand when they fail the step, which then has no value."""

Verdict = Literal["supported", "falsified", "deviated", "not_tested"]


class ClaimsArgs(Args, frozen=True, kw_only=True):
    """The claims: exactly one of `claim`, `claims` and `claims_glob`; and the numbers that they name."""

    metrics: Annotated[
        Metrics, Meta(description="Numbers with names: each a CEL expression over `inputs` and `steps`.")
    ] = field(default_factory=dict)
    claim: Annotated[StatedClaim, Meta(description="One claim, written here.")] | UnsetType = UNSET
    claims: (
        Annotated[tuple[StatedClaim, ...], Meta(min_length=1, description="Several claims, written here.")] | UnsetType
    ) = UNSET
    claims_glob: (
        Annotated[
            ReadGlob, Meta(description="JSON or YAML files, relative to the workflow file; each a claim or a list.")
        ]
        | UnsetType
    ) = UNSET
    require: (
        Annotated[Literal["supported"], Meta(description="`supported`: any other verdict fails the step.")] | UnsetType
    ) = UNSET

    def __post_init__(self) -> None:
        if [self.claim, self.claims, self.claims_glob].count(UNSET) != 2:
            raise ValueError("give exactly one of `claim`, `claims` and `claims_glob`")
        if self.claims is not UNSET and (twice := _twice(self.claims)):
            raise ValueError(f"two claims have the id {twice!r}")


def judged(args: ClaimsArgs, sources: Sources) -> Derived:
    """A `ClaimsValue`: named metrics, and a verdict for each claim.

    A claim is **falsified** when one of its tests fails; else **deviated** when the plan was not followed
    below its tests, or it was not registered as it stands before the answers were known; else **supported**
    when a test passed and every test that reads a number found it; else **not tested**.

    Raises `StepFailed`: `no_claims`, `claims_unreadable`, and `claim_invalid` for a claim of another shape,
    or one that names a metric that is not there. Fails with `claim_not_supported` under `require`; the
    verdicts are kept in files/claims.json then.
    """
    claims = stated_in(args, sources, sources.step)
    for claim, stated in claims:
        faults = faults_of_names(stated, args.metrics)
        if faults:
            raise _invalid(claim, sources.step, faults[0].what, faults[0].expected, faults[0].hint)
    numbers = Numbers(sources, args.metrics)
    registered = {one.id: one for one in sources.registered if one.step == sources.step}
    verdicts = [_verdict(claim, stated, numbers, registered, sources) for claim, stated in claims]
    counts = Counter(one.verdict for one in verdicts)
    value = ClaimsValue(
        metrics=numbers.metrics,
        claims=verdicts,
        supported=counts["supported"],
        falsified=counts["falsified"],
        deviated=counts["deviated"],
        not_tested=counts["not_tested"],
    )
    failure = _unsupported(args, verdicts, sources.step)
    return Derived(value, {KEPT_FILE: [pretty(value)]} if failure else {}, failure)


def stated_in(args: ClaimsArgs, texts: Texts, step: str) -> list[tuple[Claim, StatedClaim]]:
    """The claims of a step, as written and as understood. Raises `StepFailed` as `judged` does."""
    if args.claims_glob is UNSET:
        inline: Sequence[StatedClaim] = ()
        if args.claims is not UNSET:
            inline = args.claims
        elif args.claim is not UNSET:
            inline = (args.claim,)
        return [(Claim(source="", content=msgspec.to_builtins(one)), one) for one in inline]
    found = [(claim, _stated(claim, step)) for claim in claims_matching(texts, args.claims_glob)]
    if not found:
        raise no_claims(step, args.claims_glob)
    if twice := _twice(stated for _, stated in found):
        raise StepFailed(f"two claims have the id {twice!r}", code="claim_invalid", where=f"step {step}, claims_glob")
    return found


def faults_of_names(stated: StatedClaim, metrics: Iterable[str]) -> list[Fault]:
    """The texts of a claim that are no CEL, and the metrics that it names and that are not there."""
    known = list(metrics)
    faults: list[Fault] = []
    for marked in marked_in(stated):
        if marked.kind == "observation" and marked.text in known:
            continue
        if marked.kind in ("observation", "claim_test"):
            kind: Literal["observation", "test"] = "observation" if marked.kind == "observation" else "test"
            faults += names_of_claim(marked.text, kind, known, marked.path)[1]
    return faults


def digest_of(content: Any) -> str:
    """SHA-256 of a claim as it was written: its sorted compact JSON."""
    return sha256_hex(encode_sorted(content))


def _stated(claim: Claim, step: str) -> StatedClaim:
    try:
        return msgspec.convert(claim.content, StatedClaim, strict=True)
    except msgspec.ValidationError as error:
        sentence, _, place = str(error).partition(" - at ")
        raise _invalid(claim, step, sentence.rstrip("."), hint=place.strip("`")) from error


def _invalid(claim: Claim, step: str, what: str, expected: str = "", hint: str = "") -> StepFailed:
    where = claim.source or f"step {step}"
    what = f"a claim cannot be tested: {what}"
    return StepFailed(what, code="claim_invalid", where=where, expected=expected, hint=hint)


def _verdict(
    claim: Claim,
    stated: StatedClaim,
    numbers: Numbers,
    registered: dict[str, RegisteredClaim],
    sources: Sources,
) -> ClaimVerdict:
    tests = results_of(stated, numbers)
    reads = list(dict.fromkeys(read for test in tests for read in test.reads))
    read = list(dict.fromkeys(one.partition(".")[0] for one in reads))
    most = 0.0 if stated.max_missing is UNSET else stated.max_missing
    deviations = deviations_below(reads, most, sources)
    sha256 = digest_of(claim.content)
    promised = registered.get(stated.id)
    if promised is None:
        deviations.append("the claim was not registered before the run")
    elif promised.sha256 != sha256:
        deviations.append("the claim is not the one that was registered")
    elif promised.is_late:
        deviations.append("the claim was registered, or its numbers were defined, when the answers were known already")
    return ClaimVerdict(
        id=stated.id,
        statement=stated.statement,
        source=claim.source,
        sha256=sha256,
        attempt=promised.attempt if promised else 0,
        earlier=list(promised.earlier) if promised else [],
        is_late=promised.is_late if promised else False,
        verdict=_judgement(tests, deviations),
        tests=tests,
        deviations=deviations,
        evidence=[Evidence(step=step, path=value_path(step)) for step in read],
    )


def _judgement(tests: Sequence[ClaimTestResult], deviations: Sequence[str]) -> Verdict:
    outcomes = {test.outcome for test in tests}
    if "failed" in outcomes:
        return "falsified"
    if deviations:
        return "deviated"
    if any(test.outcome == "not_tested" and test.reads for test in tests):
        return "not_tested"  # a number that a test wants is not there: what did not fail was not all tried
    return "supported" if "passed" in outcomes else "not_tested"


def _unsupported(args: ClaimsArgs, verdicts: Sequence[ClaimVerdict], step: str) -> StepFailed | None:
    bad = [one for one in verdicts if one.verdict != "supported"]
    if args.require is UNSET or not bad:
        return None
    return StepFailed(
        f"{len(bad)} of {len(verdicts)} claims are not supported",
        code="claim_not_supported",
        where=f"step {step}",
        got=", ".join(f"{one.id}: {one.verdict.replace('_', ' ')}" for one in bad[:20]),
    )


def _twice(claims: Iterable[StatedClaim]) -> str:
    """The first id that two claims share; ''."""
    seen: set[str] = set()
    for one in claims:
        if one.id in seen:
            return one.id
        seen.add(one.id)
    return ""


DERIVATION = Derivation(
    name="claims",
    summary="Tests each claim against the numbers of the run.",
    args=ClaimsArgs,
    compute=judged,
    reads_lines=False,
)
