"""The rules for claims: whoever states something also says how it could be proved false."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from msgspec import UNSET, Meta, UnsetType

from awo.derive.claim_files import Claim, claims_matching
from awo.derive.seam import Derivation, Derived, Sources
from awo.errors import StepFailed
from awo.workflow.words import Args, ReadGlob


@dataclass(frozen=True, slots=True)
class Examined:
    """One claim's id ('' when it has none that can be used), its file, and what is wrong with it."""

    id: str
    source: str
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClaimsVerdict:
    """Every claim, in order."""

    claims: tuple[Examined, ...]

    @property
    def overall_ok(self) -> bool:
        """True when no claim has a problem."""
        return not any(claim.problems for claim in self.claims)

    def as_value(self) -> dict[str, Any]:
        """The value of a `scope_validate` step, plain JSON."""
        return {
            "claims": [{"id": c.id, "source": c.source, "problems": list(c.problems)} for c in self.claims],
            "overall_ok": self.overall_ok,
        }


def examine(claims: Sequence[Claim]) -> ClaimsVerdict:
    """What is wrong with each claim, and with two claims that share an id."""
    ids = Counter(id_of(claim.content) for claim in claims)
    examined = []
    for claim in claims:
        own_id = id_of(claim.content)
        problems = problems_of(claim.content)
        if own_id and ids[own_id] > 1:
            problems.append("another claim has the same `id`")
        examined.append(Examined(id=own_id, source=claim.source, problems=tuple(problems)))
    return ClaimsVerdict(claims=tuple(examined))


def problems_of(content: Any) -> list[str]:
    """What is wrong with one claim, one sentence each; empty when it can be tested.

    A claim is an object with an `id`, a `statement`, and at least one prediction with a
    `tolerance` or one falsification test with `must_pass` or `fail_if`.
    """
    if not isinstance(content, dict):
        return ["a claim must be an object"]
    problems = [
        f"`{name}` must be text that is not empty" if name in content else f"`{name}` is missing"
        for name in ("id", "statement")
        if not (isinstance(content.get(name), str) and content[name].strip())
    ]
    for name in ("predictions", "falsification_tests"):
        entries = content.get(name, [])
        if not (isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries)):
            problems.append(f"`{name}` must be a list of objects")
    if not (
        _any_says(content, "predictions", "tolerance")
        or _any_says(content, "falsification_tests", "must_pass", "fail_if")
    ):
        problems.append(
            "nothing could prove it false: it needs a prediction with a `tolerance`, "
            "or a falsification test with `must_pass` or `fail_if`"
        )
    return problems


def _any_says(content: dict[Any, Any], name: str, *fields: str) -> bool:
    """Whether an entry of the list `name` has one of `fields` with something in it (not null, false or empty)."""
    entries = content.get(name)
    if not isinstance(entries, list):
        return False
    return any(isinstance(entry, dict) and any(_says(entry.get(field)) for field in fields) for entry in entries)


def _says(value: Any) -> bool:
    return value is not None and value is not False and value not in ("", [], {})


def id_of(content: Any) -> str:
    """The id of a claim, whatever the claim is; '' when it has none that can be used."""
    own_id = content.get("id") if isinstance(content, dict) else None
    return own_id if isinstance(own_id, str) and own_id.strip() else ""


class ScopeValidateArgs(Args, frozen=True, kw_only=True):
    """The claims: exactly one of `claim` and `claims_glob`."""

    claim: Annotated[dict[str, Any], Meta(description="One claim, written here.")] | UnsetType = UNSET
    claims_glob: (
        Annotated[
            ReadGlob, Meta(description="JSON or YAML files, relative to the workflow file; each a claim or a list.")
        ]
        | UnsetType
    ) = UNSET
    require_ok: Annotated[bool, Meta(description="Whether a bad claim fails the step.")] = False

    def __post_init__(self) -> None:
        if (self.claim is UNSET) == (self.claims_glob is UNSET):
            raise ValueError("give exactly one of `claim` and `claims_glob`")


def validated(args: ScopeValidateArgs, sources: Sources) -> Derived:
    """`{"claims": [{"id", "source", "problems"}], "overall_ok"}`; a bad claim is reported, not a failure.

    Raises `StepFailed`: `no_claims` when there is none, `claims_unreadable` for a file that is no
    JSON or YAML, `claim_invalid` when `require_ok` is set and a claim has a problem.
    """
    if args.claims_glob is not UNSET:
        claims = claims_matching(sources, args.claims_glob)
        if not claims:
            raise no_claims(sources.step, args.claims_glob)
    else:
        claims = [Claim(source="", content=args.claim)]
    verdict = examine(claims)
    if args.require_ok and not verdict.overall_ok:
        bad = [claim for claim in verdict.claims if claim.problems]
        raise StepFailed(
            f"{len(bad)} of {len(verdict.claims)} claims cannot be tested",
            code="claim_invalid",
            where=f"step {sources.step}",
            got="; ".join(f"{c.id or c.source or 'the claim'}: {', '.join(c.problems)}" for c in bad),
        )
    return Derived(verdict.as_value())


def no_claims(step: str, pattern: str) -> StepFailed:
    """The error for files without a claim in them."""
    return StepFailed(
        "there are no claims to check",
        code="no_claims",
        where=f"step {step}, claims_glob",
        got=f"no claim in any file that matches {pattern!r}",
    )


DERIVATION = Derivation(
    name="scope_validate",
    summary="Checks that every claim says how it could be proved false.",
    args=ScopeValidateArgs,
    compute=validated,
    reads_lines=False,
)
