"""What reads an answer, guarded: a fault in one row is that answer's, a fault in every row is the template's."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, TypeVar

from awo.derive.answers import Answer
from awo.derive.scores.seam import Spec
from awo.derive.seam import Sources
from awo.errors import StepFailed
from awo.workflow.names import BadText, did_you_mean

T = TypeVar("T")

PLACES: Final = ("value", "expected", "raters")
"""Where a score may have templates."""

_OF_THE_DATA: Final = ("template", "expression")
"""Codes of faults that may lie in one row alone: that answer has no score then."""
_MOST_NAMES: Final = 20
_COLUMN = re.compile(r"""\bitem\s*\.\s*(row|matrix)\s*(?:\.\s*(\w+)|\[\s*(?:'([^'\\]+)'|"([^"\\]+)")\s*\])""")


def templates_of(spec: Spec) -> dict[str, Any]:
    """The templates of a score by the place where they stand."""
    return {place: getattr(spec, place) for place in PLACES if getattr(spec, place, None)}


class Guarded(Generic[T]):
    """Reads an answer, and says `otherwise` of one that cannot be read.

    `name` says in errors what it is that reads, and `templates` has what it may fill in, by place.
    """

    __slots__ = ("_at", "_fault", "_is_of_all", "_name", "_otherwise", "_read", "_templates")

    def __init__(
        self, read: Callable[[Answer], T], otherwise: Callable[[str], T], name: str, templates: Mapping[str, Any]
    ) -> None:
        self._read = read
        self._otherwise = otherwise
        self._name = name
        self._templates = templates
        self._fault: StepFailed | None = None
        self._at: Answer | None = None
        self._is_of_all = True

    def __call__(self, answer: Answer) -> T:
        try:
            read = self._read(answer)
        except StepFailed as error:
            if error.code not in _OF_THE_DATA:
                raise
            if error.code == "template" and self._fault is None:
                self._fault, self._at = error, answer
            return self._otherwise(error.what)
        except BadText as error:
            return self._otherwise(error.what)
        except RecursionError:
            return self._otherwise("a value is nested too deeply")
        self._is_of_all = False
        return read

    def refuse_if_never(self, sources: Sources) -> None:
        """Raises the first fault of the template where no answer could be read; it names the score and the place."""
        if self._fault is None or self._at is None or not self._is_of_all:
            return
        fault, answer = self._fault, self._at
        place, template = next(
            ((place, text) for place, text in self._templates.items() if not _fills(sources, text, answer)), ("", "")
        )
        name = f"{self._name}, {place}" if place else self._name
        what, hint = _column_missing(template, answer) or (fault.what, fault.hint)
        raise StepFailed(
            f"{name}: {what}",
            code=fault.code,
            where=fault.where or f"step {sources.step}",
            expected=fault.expected,
            got=fault.got,
            hint=hint,
        ) from fault


def _fills(sources: Sources, template: Any, answer: Answer) -> bool:
    try:
        sources.fill(template, answer.shown)
    except StepFailed:
        return False
    return True


def _column_missing(template: Any, answer: Answer) -> tuple[str, str] | None:
    """The first column that a template names and the cell has not, in a sentence, and the nearest one as a hint."""
    for match in _COLUMN.finditer(template if isinstance(template, str) else repr(template)):
        name = match[2] or match[3] or match[4]
        there, kind = (answer.row, "column") if match[1] == "row" else (answer.matrix, "matrix name")
        if name not in there:
            known = ", ".join(list(there)[:_MOST_NAMES])
            has = f"it has: {known}" if known else "it has none"
            return f"the cell has no {kind} {name!r}; {has}", did_you_mean(name, list(there))
    return None
