"""What a template or a condition refers to, and what is said when it cannot be read."""

from __future__ import annotations

from typing import Final, NamedTuple

from awo.plugins import nearest


class Names(NamedTuple):
    """The names that a text uses, each once, in the order of their first use.

    `inputs` and `steps` are what follows `inputs.` and `steps.`; `unknown` is every other name.
    `cell` has those of `item`, `matrix` and `repeat` that stand there, and `columns` and `matrix`
    what follows `item.` and `matrix.`. `metrics` is what follows `metrics.` in the tests of claims.
    """

    inputs: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    cell: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    matrix: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()


CELL_NAMES: Final = ("item", "matrix", "repeat")
"""What a template of a step that fans out knows of the cell at hand."""


class BadText(ValueError):
    """A template or condition that cannot be read. `line` counts from 1 within the text; 0 when not known."""

    def __init__(self, what: str, *, line: int = 0, expected: str = "", got: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.line = line
        self.expected = expected
        self.got = got
        self.hint = hint


def did_you_mean(word: str, words: object) -> str:
    """A hint with the word of `words` that `word` probably stands for, or ''."""
    near = nearest(word, [str(w) for w in words]) if isinstance(words, (list, tuple, dict, set, frozenset)) else ""
    return f"did you mean {near!r}?" if near else ""
