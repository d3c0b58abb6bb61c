"""All kinds of scores: what `kind` may say in a workflow file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from awo.derive.scores.elsewhere import FromStep
from awo.derive.scores.expression import Expression
from awo.derive.scores.json_values import IsJson, JsonEquals, JsonField, JsonSchema
from awo.derive.scores.labels import Choice, Label, Ratings
from awo.derive.scores.language import Language
from awo.derive.scores.likeness import Bleu, Chrf, Levenshtein, Rouge
from awo.derive.scores.numeric import IsNumber, NumberInRange, ValueNumber
from awo.derive.scores.recorded import CostUsd, LatencyMs, Length, Refusal, StoppedBy, Tokens
from awo.derive.scores.seam import Spec
from awo.derive.scores.similarity import Similarity
from awo.derive.scores.texts import (
    Contains,
    ContainsAll,
    ContainsAny,
    EndsWith,
    Equals,
    OneOf,
    Regex,
    StartsWith,
)

AnySpec = (
    Equals
    | Contains
    | ContainsAll
    | ContainsAny
    | StartsWith
    | EndsWith
    | Regex
    | OneOf
    | IsJson
    | JsonSchema
    | JsonEquals
    | JsonField
    | IsNumber
    | NumberInRange
    | ValueNumber
    | Choice
    | Label
    | Ratings
    | Levenshtein
    | Rouge
    | Bleu
    | Chrf
    | Similarity
    | Length
    | LatencyMs
    | CostUsd
    | Tokens
    | StoppedBy
    | Refusal
    | Language
    | Expression
    | FromStep
)

LIBRARIES: Final[Mapping[type[Spec], str]] = {
    Bleu: "sacrebleu",
    Chrf: "sacrebleu",
    Language: "py3langid",
    Levenshtein: "rapidfuzz",
    Rouge: "rouge_score",
    Similarity: "wordllama",
}
"""The library that a kind computes with, where an extra brings it."""
