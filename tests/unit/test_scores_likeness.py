"""Grades of likeness give the numbers of the libraries behind them, and say what they cannot compare."""

from __future__ import annotations

import sys
from typing import Any

import pytest
import sacrebleu
from rapidfuzz import fuzz
from rouge_score.rouge_scorer import RougeScorer  # type: ignore[import-untyped]
from tests.unit.scored_answers import one

from awo.errors import CannotCheck

TEXT = "The cat sat quietly on the mat, and slept."
WANTED = "A cat was sitting on the mat and slept"
HOSTILE = "\x00{{ item }} \u202e" + "a " * 60_000


def grade(spec: dict[str, Any], text: str, **row: Any) -> float | None:
    return one({"expected": WANTED, **spec}, text, row).scores["s"]


def test_levenshtein_is_one_less_the_share_of_changed_characters() -> None:
    assert grade({"kind": "levenshtein", "expected": "kitten"}, "sitting") == pytest.approx(1 - 3 / 7)
    assert grade({"kind": "levenshtein", "expected": "ab"}, "ab") == 1.0
    assert grade({"kind": "levenshtein", "expected": "ab"}, "") == 0.0
    # rapidfuzz's own ratio counts a replacement twice: both agree where nothing is replaced
    assert grade({"kind": "levenshtein", "expected": "abcd"}, "ab") == pytest.approx(0.5)
    assert fuzz.ratio("abcd", "ab") / 100 == pytest.approx(2 * 2 / 6)


@pytest.mark.parametrize("variant", ["rouge1", "rouge2", "rougeL"])
@pytest.mark.parametrize("stem", [False, True])
def test_rouge_is_the_f1_of_rouge_score(variant: str, stem: bool) -> None:
    known = RougeScorer([variant], use_stemmer=stem).score(WANTED, TEXT)[variant].fmeasure
    assert 0 < known < 1
    assert grade({"kind": "rouge", "variant": variant, "stem": stem}, TEXT) == pytest.approx(known)


def test_rouge1_of_a_case_worked_out_by_hand() -> None:
    # three of the answer's four words stand among the five that are expected: P 3/4, R 3/5
    spec = {"kind": "rouge", "variant": "rouge1", "expected": "the big cat sat down"}
    assert grade(spec, "the cat sat up") == pytest.approx(2 * 0.75 * 0.6 / 1.35)


@pytest.mark.parametrize("tokenize", ["13a", "intl", "zh", "char", "none"])
def test_bleu_is_that_of_sacrebleu_over_100(tokenize: str) -> None:
    metric = sacrebleu.metrics.bleu.BLEU(effective_order=True, tokenize=tokenize)
    known = metric.sentence_score(TEXT, [WANTED, "nothing"]).score / 100
    assert grade({"kind": "bleu", "expected": [WANTED, "nothing"], "tokenize": tokenize}, TEXT) == pytest.approx(known)
    assert grade({"kind": "bleu", "expected": [TEXT], "tokenize": tokenize}, TEXT) == pytest.approx(1.0)


@pytest.mark.parametrize("word_order", [0, 2])
def test_chrf_is_that_of_sacrebleu_over_100(word_order: int) -> None:
    known = sacrebleu.sentence_chrf(TEXT, [WANTED], word_order=word_order).score / 100
    assert grade({"kind": "chrf", "expected": "{{ item.row.x }}", "word_order": word_order}, TEXT, x=WANTED) == (
        pytest.approx(known)
    )


@pytest.mark.parametrize("kind", ["levenshtein", "rouge", "bleu", "chrf"])
def test_an_empty_answer_is_the_lowest_and_a_failed_one_has_no_grade(kind: str) -> None:
    assert grade({"kind": kind}, "") == 0.0
    assert one({"kind": kind, "expected": WANTED}, None).scores == {"s": None}


@pytest.mark.parametrize("kind", ["levenshtein", "rouge", "bleu", "chrf"])
def test_a_text_that_is_too_long_or_nothing_that_is_expected_gives_no_grade_and_says_why(kind: str) -> None:
    long = one({"kind": kind, "expected": WANTED}, HOSTILE)
    assert (long.scores["s"], long.why["s"]) == (None, "a text is longer than 100000 characters")
    nothing = one({"kind": kind, "expected": "{{ item.row.x }}"}, TEXT, {"x": ""})
    assert nothing.scores["s"] is None
    assert "expected" in nothing.why["s"]


def test_rouge_says_that_it_knows_no_other_letters() -> None:
    line = one({"kind": "rouge", "expected": WANTED}, "猫がいる")
    assert (line.scores["s"], line.why["s"]) == (0.0, "the answer has no word that ROUGE counts")
    line = one({"kind": "rouge", "expected": "猫がいる"}, "猫がいる")
    assert (line.scores["s"], line.why["s"]) == (None, "what is expected has no word that ROUGE counts")


def test_rouge_l_of_very_many_words_is_not_begun() -> None:
    line = one({"kind": "rouge", "expected": "a " * 3000}, "a,b," * 3000)
    assert line.why["s"] == "the texts have too many words for rougeL"


@pytest.mark.parametrize(
    ("kind", "module", "extra"),
    [
        ("levenshtein", "rapidfuzz.distance", "text"),
        ("rouge", "rouge_score.rouge_scorer", "text"),
        ("bleu", "sacrebleu.metrics.bleu", "text"),
        ("chrf", "sacrebleu.metrics.chrf", "text"),
    ],
)
def test_a_missing_library_is_told_with_its_extra(
    kind: str, module: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(CannotCheck) as error:
        one({"kind": kind, "expected": "x"}, "x")
    assert error.value.hint == f"pip install 'awo[{extra}]'"
    assert kind in error.value.what
