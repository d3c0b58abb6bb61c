"""Notes below a table: what is to be said of single rows, each sentence once with the rows that it is about."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

NOTES_SHOWN: Final = 15
SUBJECTS_NAMED: Final = 4


def notes(said: Iterable[tuple[str, list[str]]]) -> str:
    """A list of notes, '' when there is none. Of each pair the first is the row, the second its sentences, all in
    Markdown; rows of which the same is to be said share a note, in the place of the first of them."""
    subjects: dict[str, list[str]] = {}
    for subject, sentences in said:
        if sentences:
            subjects.setdefault("; ".join(sentences), []).append(subject)
    if not subjects:
        return ""
    lines = [f"- {_named(rows)}: {text}" for text, rows in subjects.items()]
    left = len(lines) - NOTES_SHOWN
    shown = [*lines[:NOTES_SHOWN], *([f"- … and {left:,} more such notes"] if left > 0 else [])]
    return "\n" + "\n".join(shown) + "\n"


def _named(rows: list[str]) -> str:
    left = len(rows) - SUBJECTS_NAMED
    return " · ".join(rows[:SUBJECTS_NAMED]) + (f" · and {left:,} more" if left > 0 else "")
