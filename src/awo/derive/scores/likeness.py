"""Grades of how alike two texts are, by the libraries whose numbers others publish: each 0 to 1, loaded late."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

from msgspec import Meta

from awo.derive.answers import Answer
from awo.derive.scores.loading import loaded
from awo.derive.scores.normal import Ignoring, normaliser
from awo.derive.scores.seam import GradeSpec, Looking, Scored, Scoring, lowest, measured, said_why
from awo.derive.scores.texts import NO_LIST, NOTHING_EXPECTED, Expected, ExpectedTexts, expected_texts

LONGEST_TEXT: Final = 100_000
MOST_PAIRS_OF_WORDS: Final = 4_000_000

_TOO_LONG: Final = f"a text is longer than {LONGEST_TEXT} characters"


class Levenshtein(GradeSpec, frozen=True, kw_only=True, tag="levenshtein"):
    """1 less the number of characters to insert, delete or replace, as a share of the longer text (rapidfuzz)."""

    expected: Expected
    ignore: Ignoring = ()

    def scoring(self, looking: Looking) -> Scoring:
        with loaded("rapidfuzz", self):
            from rapidfuzz.distance import Levenshtein as Distance

        normal = normaliser(self.ignore)
        given, expected = looking.texts(self.value), looking.texts(self.expected)

        def score(answer: Answer) -> Scored:
            text, wanted = normal(given(answer)), normal(expected(answer))
            if not wanted:
                return said_why(NOTHING_EXPECTED)
            if max(len(text), len(wanted)) > LONGEST_TEXT:
                return said_why(_TOO_LONG)
            return measured(Distance.normalized_similarity(text, wanted))

        return score


class Rouge(GradeSpec, frozen=True, kw_only=True, tag="rouge"):
    """ROUGE F1 of the words that both have (rouge-score). It knows the letters a to z and the digits, nothing else."""

    expected: Expected
    variant: Annotated[
        Literal["rouge1", "rouge2", "rougeL"],
        Meta(description="Single words, pairs of words, or the longest common sequence of words."),
    ] = "rougeL"
    stem: Annotated[bool, Meta(description="Whether words are cut to their stems first (Porter, English).")] = False

    def scoring(self, looking: Looking) -> Scoring:
        with loaded("rouge_score", self):
            from rouge_score.rouge_scorer import RougeScorer  # type: ignore[import-untyped]
            from rouge_score.tokenizers import DefaultTokenizer  # type: ignore[import-untyped]

        tokenizer = DefaultTokenizer(self.stem)
        words, scorer = tokenizer.tokenize, RougeScorer([self.variant], tokenizer=tokenizer)
        given, expected, variant = looking.texts(self.value), looking.texts(self.expected), self.variant
        is_quadratic = variant == "rougeL"

        def score(answer: Answer) -> Scored:
            text, wanted = given(answer), expected(answer)
            if max(len(text), len(wanted)) > LONGEST_TEXT:
                return said_why(_TOO_LONG)
            has, wants = words(text), words(wanted)
            if not wants:
                return said_why("what is expected has no word that ROUGE counts")
            if not has:
                return lowest("the answer has no word that ROUGE counts")
            if is_quadratic and len(has) * len(wants) > MOST_PAIRS_OF_WORDS:
                return said_why("the texts have too many words for rougeL")
            return measured(scorer.score(wanted, text)[variant].fmeasure)

        return score


class Bleu(GradeSpec, frozen=True, kw_only=True, tag="bleu"):
    """Sentence BLEU over 100, with effective order and exponential smoothing (sacrebleu)."""

    expected: ExpectedTexts
    tokenize: Annotated[
        Literal["13a", "intl", "zh", "char", "none"], Meta(description="How sacrebleu finds the words.")
    ] = "13a"
    lowercase: Annotated[bool, Meta(description="Whether letter case is ignored.")] = False

    def scoring(self, looking: Looking) -> Scoring:
        with loaded("sacrebleu", self):
            from sacrebleu.metrics.bleu import BLEU

        metric = BLEU(effective_order=True, tokenize=self.tokenize, lowercase=self.lowercase)
        return _by_sentence(looking, self.value, self.expected, metric.sentence_score)


class Chrf(GradeSpec, frozen=True, kw_only=True, tag="chrf"):
    """Sentence chrF over 100: pieces of up to six characters that both have, beta 2 (sacrebleu); chrF++ with words."""

    expected: ExpectedTexts
    word_order: Annotated[int, Meta(ge=0, le=4, description="Words in a piece, beside characters: 2 for chrF++.")] = 0
    lowercase: Annotated[bool, Meta(description="Whether letter case is ignored.")] = False

    def scoring(self, looking: Looking) -> Scoring:
        with loaded("sacrebleu", self):
            from sacrebleu.metrics.chrf import CHRF

        metric = CHRF(word_order=self.word_order, lowercase=self.lowercase)
        return _by_sentence(looking, self.value, self.expected, metric.sentence_score)


def _by_sentence(
    looking: Looking, value: str, expected: tuple[str, ...] | str, sentence_score: Callable[..., Any]
) -> Scoring:
    given = looking.texts(value)
    # One template may give one text or a list of them.
    one = looking.values(expected) if isinstance(expected, str) else None
    many = expected_texts(looking, expected)

    def score(answer: Answer) -> Scored:
        found = one(answer) if one else None
        wanted = [found] if isinstance(found, str) else many(answer)
        if wanted is None:
            return said_why(NO_LIST)
        wanted = [text for text in wanted if text.strip()]
        text = given(answer)
        if not wanted:
            return said_why(NOTHING_EXPECTED)
        if max(len(text), *map(len, wanted)) > LONGEST_TEXT:
            return said_why(_TOO_LONG)
        if not text.strip():
            return lowest("the answer is empty")
        return measured(min(1.0, max(0.0, sentence_score(text, wanted).score / 100)))

    return score
