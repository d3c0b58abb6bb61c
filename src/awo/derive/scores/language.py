"""The language that a text is in, as a label and a test, by a model that a package brings."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Annotated, Final

from msgspec import UNSET, Meta, UnsetType

from awo.derive.answers import Answer
from awo.derive.scores.loading import loaded
from awo.derive.scores.seam import LabelSpec, Looking, Scored, Scoring, lowest, said_why
from awo.errors import StepFailed
from awo.workflow.words import CellTemplate

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier  # type: ignore[import-untyped]

LONGEST_LOOKED_AT: Final = 10_000


class Language(LabelSpec, frozen=True, kw_only=True, tag="language"):
    """The language by its ISO 639-1 code (py3langid): a label, and with `expected` a test."""

    expected: Annotated[CellTemplate, Meta(description="The code of the right language, such as en.")] | UnsetType = (
        UNSET
    )
    among: Annotated[
        tuple[Annotated[str, Meta(pattern="^[a-z]{2,3}$")], ...],
        Meta(description="The codes of the languages that it may be; empty for all that are known."),
    ] = ()

    def scoring(self, looking: Looking) -> Scoring:
        with loaded("py3langid", self):
            identifier = _identifier(self.among)
        texts = looking.texts(self.value)
        expected = None if self.expected is UNSET else looking.texts(self.expected)
        known = frozenset(identifier.labels)

        def score(answer: Answer) -> Scored:
            text = texts(answer)[:LONGEST_LOOKED_AT]
            language = identifier.classify(text)[0] if any(map(str.isalpha, text)) else None
            if expected is None:
                return said_why("there are no letters in it") if language is None else Scored(None, "", language)
            wanted = expected(answer).strip().lower()
            if wanted not in known:
                return Scored(None, "what is expected is none of the languages", language)
            if language is None:
                return lowest("there are no letters in it")
            return Scored(float(language == wanted), "", language)

        return score


@cache
def _identifier(among: tuple[str, ...]) -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    known = identifier.labels
    for code in among:
        if code not in known:
            raise StepFailed(
                f"there is no language {code!r}", code="language", expected=", ".join(sorted(known)), is_final=True
            )
    if among:
        identifier.set_languages(list(among))
    return identifier
