"""The grade of how near two texts are in meaning: the cosine of their embeddings by a model that a package brings."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from awo.canon.digest import sha256_file
from awo.derive.answers import Answer
from awo.derive.scores.loading import loaded
from awo.derive.scores.seam import GradeSpec, Looking, Scored, Scoring, lowest, measured, said_why
from awo.derive.scores.texts import NOTHING_EXPECTED, Expected
from awo.errors import CannotCheck

if TYPE_CHECKING:
    from wordllama.inference import WordLlamaInference  # type: ignore[import-untyped]

MODEL: Final = "l2_supercat"
DIMENSIONS: Final = 256
LONGEST_TEXT: Final = 20_000
DIGITS: Final = 6
"""Single-precision sums differ between processors beyond these decimals."""


class Similarity(GradeSpec, frozen=True, kw_only=True, tag="similarity"):
    """The cosine of the embeddings of both texts, 0 where it is negative, by the model that wordllama ships."""

    expected: Expected

    def kind_on_record(self) -> str:
        return f"similarity:{MODEL}_{DIMENSIONS}@{_model(self).sha256[:16]}"

    def scoring(self, looking: Looking) -> Scoring:
        model = _model(self).model
        given, expected = looking.texts(self.value), looking.texts(self.expected)

        @lru_cache(maxsize=4096)
        def embedded(text: str) -> Any:
            return model.embed(text)[0]

        def score(answer: Answer) -> Scored:
            text, wanted = given(answer), expected(answer)
            if not wanted.strip():
                return said_why(NOTHING_EXPECTED)
            if not text.strip():
                return lowest("the answer is empty")
            if max(len(text), len(wanted)) > LONGEST_TEXT:
                return said_why(f"a text is longer than {LONGEST_TEXT} characters")
            cosine = model.vector_similarity(embedded(text), embedded(wanted)).item()
            scored = measured(cosine)
            if scored.number is None:
                return scored
            return Scored(round(min(1.0, max(0.0, scored.number)), DIGITS))

        return score


class _Model(NamedTuple):
    """The model, and the SHA-256 (hex) of its file of weights."""

    model: WordLlamaInference
    sha256: str


def _model(spec: Similarity) -> _Model:
    with loaded("wordllama", spec):
        return _opened()


@cache
def _opened() -> _Model:
    """The model from the files of the installed package: nothing is fetched, and no cache of a hub is looked at."""
    with _logging_as_it_was():
        import wordllama  # type: ignore[import-untyped]

    folder = Path(wordllama.__file__).parent
    try:
        # wordllama looks for its tokenizer in a folder of its own cache; its package has the same folders.
        model = wordllama.WordLlama.load(MODEL, cache_dir=folder, dim=DIMENSIONS, disable_download=True)
        sha256, _ = sha256_file(folder / "weights" / f"{MODEL}_{DIMENSIONS}.safetensors")
    except OSError as error:
        raise CannotCheck(
            "the installed wordllama does not bring its model", hint="pip install --force-reinstall wordllama"
        ) from error
    return _Model(model, sha256)


@contextmanager
def _logging_as_it_was() -> Iterator[None]:
    """wordllama sets up logging for the whole process when it is imported; this takes that back."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    try:
        yield
    finally:
        root.setLevel(level)
        root.handlers[:] = handlers
