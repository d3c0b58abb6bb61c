"""The derivation of `consensus_vote`: which answer most gave, once or for each item, and who disagreed."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated, Literal

from msgspec import Meta, field

from awo.canon.json import encode_sorted
from awo.derive.answers import Answer, answers_of
from awo.derive.consensus import RATIO_DIGITS, candidates_in, vote
from awo.derive.seam import Derivation, Derived, Sources
from awo.derive.votes.normal import AS_1X, ORDER, Choices, Normals, normaliser
from awo.derive.votes.polls import Rules, dissents_of, polls, voted
from awo.derive.votes.tally import exact
from awo.errors import StepFailed
from awo.evidence.layout import file_path
from awo.evidence.votes import (
    DISSENT_FILE,
    VOTES_FILE,
    Method,
    VoteGroup,
    VoteLine,
    VotesValue,
    VoteValue,
)
from awo.workflow.words import Args, CellTemplate, StepRef


class ConsensusVoteArgs(Args, frozen=True, kw_only=True):
    """Whose answers are counted, and how."""

    inputs_from: Annotated[StepRef, Meta(description="The step whose answers are counted, whether it fans out or not.")]
    method: Annotated[
        Method,
        Meta(description="majority; weighted, by `weights`; or ranked: each answer is a list, best first (Borda)."),
    ] = "majority"
    weights: Annotated[
        dict[str, Annotated[float, Meta(ge=0, le=1e9)]],
        Meta(description="What the vote of a model weighs; 1 for a model that is not named."),
    ] = field(default_factory=dict)
    normalise: Normals = AS_1X
    choices: Choices = ()
    field: Annotated[
        CellTemplate,
        Meta(description="What is voted on; `item.value` is the answer. Empty for the answer's text."),
    ] = ""
    quorum: Annotated[
        float, Meta(ge=0, le=1, description="The share of all who were asked that the winner needs, else undecided.")
    ] = 0.0
    by: Annotated[
        Literal["item", "cell"],
        Meta(description="One vote for each item, over its models, matrix and repeats, or one for each cell."),
    ] = "item"

    def __post_init__(self) -> None:
        if bool(self.weights) != (self.method == "weighted"):
            raise ValueError("`method: weighted` and `weights` belong together")
        if len(set(self.normalise)) < len(self.normalise):
            raise ValueError("`normalise` names something twice")
        normaliser(self.normalise, self.choices)


def counted(args: ConsensusVoteArgs, sources: Sources) -> Derived:
    """The value is a `VoteValue` for a step that was done once, else a `VotesValue` with files/votes.jsonl.

    files/dissent.jsonl is written in both cases. Raises `StepFailed`: `nothing_to_vote` where nobody was
    asked for an answer, `unknown_model` for a weight of a model that was never asked.
    """
    rules = Rules(
        method=args.method,
        normal=normaliser(args.normalise, args.choices),
        menu_size=len(args.choices),
        field=args.field,
        quorum=exact(args.quorum),
        weights={model: exact(weight) for model, weight in args.weights.items()},
    )
    if sources.record_of(args.inputs_from).cells is None:
        return _once(args, rules, sources)
    seen: set[str] = set()
    answers = _noting_models(answers_of(sources, args.inputs_from), seen)
    lines = [voted(together, rules, sources, args.by) for together in polls(answers, args.by)]
    _refuse_unknown_weights(args, seen, sources)
    if not lines:
        raise _nothing(args, sources)
    dissents = [dissent for line in lines for dissent in dissents_of(line)]
    return Derived(
        _totals(args, lines, len(dissents), sources),
        {
            VOTES_FILE: [encode_sorted(line) + b"\n" for line in lines],
            DISSENT_FILE: [encode_sorted(dissent) + b"\n" for dissent in dissents],
        },
    )


def _once(args: ConsensusVoteArgs, rules: Rules, sources: Sources) -> Derived:
    """A vote as AWO 1.x had it, with more to say where the arguments say more."""
    value = sources.value_of(args.inputs_from)
    answers = list(answers_of(sources, args.inputs_from))
    candidates = candidates_in(value)
    if not args.field:
        answers = [one for one in answers if isinstance(one.value, dict) and _is_candidate(one)]
    if not answers or not (candidates or args.field):
        raise _nothing(args, sources)
    _refuse_unknown_weights(args, {one.model for one in answers}, sources)
    line = voted(answers, rules, sources, "item")
    files = {DISSENT_FILE: [encode_sorted(dissent) + b"\n" for dissent in dissents_of(line)]}
    if args == ConsensusVoteArgs(inputs_from=args.inputs_from):
        return Derived(vote(candidates).as_value(), files)
    groups = [
        VoteGroup(norm=one.norm, text=one.text, voters=[voter.model for voter in one.voters]) for one in line.options
    ]
    voters = groups[0].voters if line.decided else []
    share = line.share or 0.0
    return Derived(
        VoteValue(
            consensus_text=line.text,
            consensus_norm=line.norm,
            voters=voters,
            voter_count=len(voters),
            total_candidates=line.asked,
            agreement_ratio=round(share, RATIO_DIGITS) if line.decided else 0.0,
            groups=groups,
            method=args.method,
            normalise=[one for one in ORDER if one in args.normalise],
            decided=line.decided,
            share=line.share,
            abstained=line.abstained,
            failed=line.failed,
            why=line.why,
        ),
        files,
    )


def _totals(args: ConsensusVoteArgs, lines: list[VoteLine], dissents: int, sources: Sources) -> VotesValue:
    shares = [line.share for line in lines if line.decided and line.share is not None]
    return VotesValue(
        of=args.inputs_from,
        method=args.method,
        by=args.by,
        normalise=[one for one in ORDER if one in args.normalise],
        quorum=args.quorum,
        path=file_path(sources.step, VOTES_FILE),
        votes=len(lines),
        decided=sum(line.decided for line in lines),
        undecided=sum(not line.decided for line in lines),
        ties=sum(line.is_tie for line in lines),
        unanimous=sum(len(line.options) == 1 and line.candidates == line.asked for line in lines),
        asked=sum(line.asked for line in lines),
        candidates=sum(line.candidates for line in lines),
        abstained=sum(line.abstained for line in lines),
        failed=sum(line.failed for line in lines),
        dissents=dissents,
        mean_agreement=math.fsum(shares) / len(shares) if shares else None,
        why="" if shares else "no vote is decided",
    )


def _is_candidate(answer: Answer) -> bool:
    """As AWO 1.x counts: an answer whose `model` and `text` are both text."""
    said = answer.value
    return isinstance(said.get("model"), str) and isinstance(said.get("text"), str)


def _noting_models(answers: Iterable[Answer], seen: set[str]) -> Iterable[Answer]:
    for answer in answers:
        seen.add(answer.model)
        yield answer


def _refuse_unknown_weights(args: ConsensusVoteArgs, models: set[str], sources: Sources) -> None:
    unknown = sorted(set(args.weights) - models)
    if unknown and models:
        raise StepFailed(
            f"a weight names a model that step {args.inputs_from} did not ask",
            code="unknown_model",
            where=f"step {sources.step}, weights",
            expected=", ".join(sorted(filter(None, models))[:20]),
            got=", ".join(map(repr, unknown[:20])),
        )


def _nothing(args: ConsensusVoteArgs, sources: Sources) -> StepFailed:
    return StepFailed(
        "there is nothing to vote on",
        code="nothing_to_vote",
        where=f"step {sources.step}, inputs_from",
        expected="a step with answers of models, such as fanout_generate",
        got=f"step {args.inputs_from}, which has none",
    )


DERIVATION = Derivation(
    name="consensus_vote",
    summary="Groups answers that say the same and takes the largest group.",
    args=ConsensusVoteArgs,
    compute=counted,
    is_heavy=True,
)
