"""How much a report shows of what there is much of, and how a file is named in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec

from awo.canon.json import encode_sorted, pretty
from awo.derive.facts import RunFacts, StepFacts, StepStatus
from awo.derive.markdown import block, code, inline, quote, shorten, visible, visible_lines
from awo.derive.phrases import size
from awo.derive.report.reader import Reader
from awo.evidence.layout import ITEMS_FILE

STEPS_LISTED: Final = 100
STEPS_DETAILED: Final = 25
EXCHANGES_SHOWN: Final = 10
RESPONSES_READ: Final = 50
COLUMNS_OF_MODELS: Final = 4
ITEMS_SHOWN: Final = 20
CELL_FAILURES_SHOWN: Final = 5
DATA_COLUMNS_SHOWN: Final = 3
DATA_CHARACTERS: Final = 60
FILES_LISTED: Final = 50
FAILURES_LISTED: Final = 25
ROWS_SHOWN: Final = 30
CELL_CHARACTERS: Final = 400
WORD_CHARACTERS: Final = 100
LINE_CHARACTERS: Final = 160
CHAPTER_CHARACTERS: Final = 60_000
BLOCK_CHARACTERS: Final = 1500
VALUE_BYTES_READ: Final = 4_000_000

T = TypeVar("T")

_safe_to_link = re.compile(r"(?!.*\.\.)[A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_.-]+)*")


def named(path: str, shown: str = "") -> str:
    """The file's name (or `shown` for it), as a link where the name has nothing that could act."""
    return f"[{code(shown or path)}]({path})" if _safe_to_link.fullmatch(path) else word(path)


def word(text: str) -> str:
    """A foreign name, id or path as a code span, shortened."""
    return code(_cut(text, WORD_CHARACTERS))


def line(text: str) -> str:
    """Foreign text as a short piece of a line or a cell."""
    return inline(_cut(text, LINE_CHARACTERS))


def passage(text: str) -> str:
    """Foreign text as the cell of a table, shortened."""
    return inline(_cut(text, CELL_CHARACTERS)) if text.strip() else "*(nothing)*"


def verbatim(text: str) -> str:
    """Foreign text as a block of lines in which every space counts, shortened."""
    return block(_cut_lines(text))


def prose(text: str) -> str:
    """Foreign text as a quotation that wraps, shortened."""
    return quote(_cut_lines(text))


def more(total: int, shown: int, noun: str, where: str, plural: str = "") -> str:
    """The sentence that says what was left out, or ''. `where` is Markdown."""
    left = total - shown
    if left <= 0:
        return ""
    if left == 1:
        return f"\n1 more {noun} is not shown here; see {where}.\n"
    return f"\n{left:,} more {plural or noun + 's'} are not shown here; see {where}.\n"


def without_empty_columns(header: list[str], rows: list[list[str]]) -> tuple[list[str], list[list[str]]]:
    """The table without the columns in which no row says anything."""
    kept = [number for number in range(len(header)) if any(row[number] for row in rows)]
    return [header[number] for number in kept], [[row[number] for number in kept] for row in rows]


def compact(value: Any) -> str:
    """A plain value in one line, as JSON with sorted keys; text as it is."""
    return value if isinstance(value, str) else encode_sorted(value).decode()


def has_value_to_read(step: StepFacts) -> bool:
    """Whether the step has a value that is small enough to be parsed for the report."""
    return step.value is not None and step.value.size_bytes <= VALUE_BYTES_READ


def value_as(step: StepFacts, read: Reader, shape: type[T]) -> T | None:
    """The step's value as `shape` (unknown fields are fine), or None when it is too large or is not that."""
    if step.value is None or not has_value_to_read(step):
        return None
    try:
        return msgspec.convert(read.value(step.value.path), shape)
    except msgspec.ValidationError:
        return None


def in_detail(steps: tuple[StepFacts, ...], write: Callable[[StepFacts], str], where: str) -> str:
    """`write` of the first steps until the chapter is long enough, and how many more there are."""
    shown: list[str] = []
    length = 0
    for step in steps[:STEPS_DETAILED]:
        if length > CHAPTER_CHARACTERS:
            break
        shown.append(write(step))
        length += len(shown[-1])
    return "\n".join(shown) + more(len(steps), len(shown), "step of this kind", where, "steps of this kind")


def too_large(step: StepFacts) -> str:
    """What stands in place of a value that is not read."""
    if step.value is None:
        return "There is no result.\n"
    return f"The result is not shown here: {named(step.value.path)} ({size(step.value.size_bytes)}).\n"


def any_value(step: StepFacts, read: Reader) -> str:
    """The value of a step as it is, where it is small enough to be read."""
    if step.value is None or not has_value_to_read(step):
        return f"{word(step.record.id)}: {too_large(step)}"
    return f"{word(step.record.id)}:\n\n{verbatim(pretty(read.value(step.value.path)).decode())}"


def done(facts: RunFacts, operation: str) -> tuple[StepFacts, ...]:
    """The steps of one operation that are done."""
    return tuple(step for step in facts.steps if step.record.op == operation and step.status is StepStatus.DONE)


def ended(facts: RunFacts, *operations: str) -> tuple[StepFacts, ...]:
    """The steps of these operations that are done or have failed."""
    ways = (StepStatus.DONE, StepStatus.FAILED)
    return tuple(step for step in facts.steps if step.record.op in operations and step.status in ways)


def items_file(step: StepFacts) -> str:
    """The items.jsonl of a step that fanned out: the one that counts, else that of the last attempt that failed;
    '' where there is none."""
    for ref in (*step.files, *reversed(step.failed_files)):
        if ref.path.rpartition("/")[2] == ITEMS_FILE:
            return ref.path
    return ""


def failed(step: StepFacts) -> str:
    """A step that came to no result, and why."""
    why = f": {line(step.reason.message)}" if step.reason else "."
    return f"### {word(step.record.id)}\n\n**Failed**{why}\n"


def _cut(text: str, characters: int) -> str:
    """Signs for what cannot be seen count too; the first cut spares work on very long texts."""
    return shorten(visible(shorten(text, characters + 1)), characters)


def _cut_lines(text: str) -> str:
    return shorten(visible_lines(shorten(text, BLOCK_CHARACTERS + 1)), BLOCK_CHARACTERS)
