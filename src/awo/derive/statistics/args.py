"""What a workflow says to `statistics`: metrics, comparisons and agreement, each under a name of the author's."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, field

from awo.workflow.words import Args, StepRef

Name = Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,63}$(?!\n)")]
Factor = Annotated[
    str, Meta(min_length=1, description="model, item, repeat, step, a name of the matrix, or one of `groups`.")
]
Where = Annotated[
    dict[str, Any], Meta(description="Only answers whose factors have these values, as in {model: small, repeat: 0}.")
]
Score = Annotated[str, Meta(min_length=1, description="The score, by the name that it has in the steps of `of`.")]

EstimateWord = Literal["auto", "rate", "mean", "median"]
IntervalWord = Literal["auto", "wilson", "t", "bootstrap", "cluster_bootstrap"]
TestWord = Literal["auto", "mcnemar", "paired_permutation", "paired_bootstrap", "wilcoxon"]


class _Nested(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part of the arguments: unknown keys are refused."""


class MetricArgs(_Nested, frozen=True, kw_only=True):
    """One number with its interval, over all answers and over each group."""

    score: Score
    by: Annotated[tuple[Factor, ...], Meta(description="Factors; each combination of their values is a group.")] = ()
    where: Where = field(default_factory=dict)
    estimate: Annotated[
        EstimateWord,
        Meta(description="auto: the rate of a score that is a test, the mean of any other."),
    ] = "auto"
    interval: Annotated[
        IntervalWord,
        Meta(
            description="auto: cluster_bootstrap where an item has several answers; else wilson for a rate, "
            "t for a mean, bootstrap for a median."
        ),
    ] = "auto"

    def __post_init__(self) -> None:
        if len(set(self.by)) != len(self.by):
            raise ValueError("`by` names a factor twice")
        if self.interval == "wilson" and self.estimate not in ("auto", "rate"):
            raise ValueError("the interval wilson is for the estimate rate")
        if self.interval == "t" and self.estimate == "median":
            raise ValueError("the interval of a median is bootstrap or cluster_bootstrap")


class ComparisonArgs(_Nested, frozen=True, kw_only=True):
    """Two arms on the same items: the first of `between` minus the second."""

    score: Score
    between: Annotated[
        dict[Factor, Annotated[tuple[Any, ...], Meta(min_length=2, max_length=2)]],
        Meta(min_length=1, max_length=1, description="One factor and its two values, as in {model: [small, large]}."),
    ]
    where: Where = field(default_factory=dict)
    test: Annotated[
        TestWord,
        Meta(
            description="auto: mcnemar for a score that is a test with one answer for each item and arm, "
            "else paired_permutation."
        ),
    ] = "auto"
    family: Annotated[
        str,
        Meta(min_length=1, description="Comparisons of one family are corrected together; one family when absent."),
    ] = "all"


class AgreementArgs(_Nested, frozen=True, kw_only=True):
    """Who is held against whom: the values of a factor, the places of a list of ratings, or both at once."""

    score: Annotated[str, Meta(description="A label or a score of numbers: what the values of `by` say.")] = ""
    by: Annotated[str, Meta(description="The factor whose values are the raters: model, repeat, a matrix name.")] = ""
    ratings: Annotated[str, Meta(description="A score of the kind ratings: each place of its list is a rater.")] = ""
    level: Annotated[
        Literal["nominal", "ordinal", "interval"],
        Meta(description="What the ratings are: words, ranks, or numbers whose distances count."),
    ] = "nominal"
    coefficient: Annotated[
        Literal["krippendorff_alpha", "fleiss_kappa", "cohen_kappa"], Meta(description="How agreement is counted.")
    ] = "krippendorff_alpha"
    where: Where = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.score and not self.ratings:
            raise ValueError("give `score` with `by`, or `ratings`, or both")
        if bool(self.score) != bool(self.by):
            raise ValueError("`score` and `by` belong together")
        if self.coefficient == "fleiss_kappa" and self.level != "nominal":
            raise ValueError("fleiss_kappa is for the level nominal")


class StatisticsArgs(Args, frozen=True, kw_only=True):
    """The steps that scored, and what is to be found out."""

    of: Annotated[
        StepRef | tuple[StepRef, ...], Meta(description="The step, or the steps, whose scores are looked at.")
    ]
    confidence: Annotated[float, Meta(ge=0.5, lt=1, description="The confidence of every interval.")] = 0.95
    resamples: Annotated[
        int, Meta(ge=100, le=1_000_000, description="How many resamples each bootstrap and permutation takes.")
    ] = 10_000
    correction: Annotated[
        Literal["holm", "benjamini_hochberg", "none"],
        Meta(description="How p-values are corrected for the number of comparisons in a family."),
    ] = "holm"
    metrics: Annotated[dict[Name, MetricArgs], Meta(description="Numbers with intervals, by name.")] = field(
        default_factory=dict
    )
    comparisons: Annotated[
        dict[Name, ComparisonArgs], Meta(description="Paired comparisons of two arms on the same items, by name.")
    ] = field(default_factory=dict)
    agreement: Annotated[dict[Name, AgreementArgs], Meta(description="Agreement of raters beyond chance, by name.")] = (
        field(default_factory=dict)
    )

    def __post_init__(self) -> None:
        steps = self.steps
        if not steps or len(set(steps)) != len(steps):
            raise ValueError("`of` names each step once, and one at least")
        if not self.metrics and not self.comparisons and not self.agreement:
            raise ValueError("give `metrics`, `comparisons` or `agreement`")

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps of `of`, in their order."""
        return (self.of,) if isinstance(self.of, str) else self.of
