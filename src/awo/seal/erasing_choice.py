"""What an erasure of steps or of single responses leaves of a package: all but these, and what else quotes them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, get_args

import msgspec

from awo.errors import DiskTrouble, UsageError
from awo.evidence.disclosure import ITEM_KEYS, RESPONSE_KEYS
from awo.evidence.events import StepId
from awo.evidence.layout import (
    FILES_FOLDER,
    OUTPUTS,
    RAW,
    REPORT,
    REPORT_PICTURES,
    items_path,
    responses_path,
)
from awo.withhold.choice import Choice, LineChoice, State, ValueChoice

_EVERY_PLACE: Final = frozenset({"", *(f"/{key}" for key in (*RESPONSE_KEYS, *ITEM_KEYS))})
_STEP: Final = get_args(StepId)[1].pattern.removeprefix("^").removesuffix("$(?!\\n)")
_RECORD: Final = re.compile(rf"({_STEP}):(0|[1-9][0-9]{{0,14}})\Z")


class _Call(msgspec.Struct):
    """Which call a response answers."""

    call: str = ""


class _Calls(msgspec.Struct):
    """Which calls an item rests on."""

    calls: list[str] = []


@dataclass(frozen=True, slots=True)
class Erasing:
    """Implements `awo.withhold.choice.Choice`: everything stays but what is named, and what may quote it.

    Of the files of `steps` nothing stays. Of the lines with `numbers` (from 0, by path) a hash stays. What may quote
    answers of a step goes whole: the exchanges with models (none can be taken out of the middle of a segment),
    the reports with their pictures, and of a step that lost a response its other files.
    """

    steps: frozenset[str]
    numbers: Mapping[str, frozenset[int]]

    def state(self, path: str) -> State:
        if path in self.numbers:
            return "withheld" if _step_of(path) in self.steps else "partial"
        if _may_quote(path) or _step_of(path) in self.steps | {_step_of(one) for one in self.numbers}:
            return "withheld"
        return "shown"

    def lines(self, path: str) -> LineChoice:
        gone = self.numbers.get(path, frozenset())
        return lambda number, line: None if number in gone else _EVERY_PLACE

    def values(self, path: str) -> ValueChoice:
        return lambda place: True

    def why(self, path: str) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class Both:
    """Implements `awo.withhold.choice.Choice`: only what two choices both show stays. One erasure must take all that
    is to go: once `audit/disclosure.key` is destroyed, no part of a file that is whole can go alone."""

    first: Choice
    second: Choice

    def state(self, path: str) -> State:
        states = {self.first.state(path), self.second.state(path)}
        return "withheld" if "withheld" in states else "partial" if "partial" in states else "shown"

    def lines(self, path: str) -> LineChoice:
        both = [one.lines(path) for one in self._that_cut(path)]

        def shown(number: int, line: bytes) -> frozenset[str] | None:
            some = [choose(number, line) for choose in both]
            places = [one for one in some if one is not None]
            return frozenset.intersection(*places) if len(places) == len(some) else None

        return shown

    def values(self, path: str) -> ValueChoice:
        both = [one.values(path) for one in self._that_cut(path)]
        return lambda place: all(choose(place) for choose in both)

    def why(self, path: str) -> str:
        return "; ".join(dict.fromkeys(filter(None, (self.first.why(path), self.second.why(path)))))

    def _that_cut(self, path: str) -> list[Choice]:
        """Of the two, those that cut this file; one that shows it whole has nothing to say of its inside."""
        return [one for one in (self.first, self.second) if one.state(path) == "partial"]


def erasing(folder: Path, steps: Iterable[str], records: Iterable[str]) -> Erasing:
    """The choice that leaves nothing of these steps, nor of these responses, each spelled `STEP:LINE` (from 0).

    Raises `UsageError` for a step or a line that the run in `folder` does not have.
    """
    wanted: dict[str, set[int]] = {}
    for record in records:
        match = _RECORD.match(record)
        if match is None:
            raise UsageError(
                "this names no response",
                where="--record",
                expected="STEP:LINE (lines of responses.jsonl count from 0)",
                got=record[:80],
            )
        wanted.setdefault(match[1], set()).add(int(match[2]))
    chosen = frozenset(steps)
    for step in (*chosen, *wanted):
        if not re.fullmatch(_STEP, step) or not (folder / OUTPUTS / step).is_dir():
            there = sorted(one.name for one in (folder / OUTPUTS).iterdir()) if (folder / OUTPUTS).is_dir() else []
            raise UsageError("this run has no output of such a step", where=step[:80], expected=", ".join(there[:20]))
    numbers: dict[str, frozenset[int]] = {}
    for step, some in wanted.items():
        numbers |= _lines_that_go(folder, step, some)
    return Erasing(chosen, numbers)


def _lines_that_go(folder: Path, step: str, wanted: set[int]) -> dict[str, frozenset[int]]:
    """The lines of responses, and those of items that rest on them. Where the text is withheld, only the former."""
    calls: set[str] = set()
    count = 0
    path = responses_path(step)
    is_whole = (folder / path).is_file()
    for number, line in enumerate(_lines(folder / (path if is_whole else f"{path}.partial"))):
        count += 1
        if is_whole and number in wanted:
            calls.add(msgspec.json.decode(line, type=_Call).call)
    if missing := sorted(number for number in wanted if number >= count):
        raise UsageError(
            "the step has no such response",
            where=f"{step}:{missing[0]}",
            expected=f"lines 0 to {count - 1}" if count else "a step with responses",
        )
    found = {path: frozenset(wanted)}
    items = items_path(step)
    if (folder / items).is_file():
        found[items] = frozenset(
            number
            for number, line in enumerate(_lines(folder / items))
            if not calls or not calls.isdisjoint(msgspec.json.decode(line, type=_Calls).calls)
        )
    return found


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as stream:
            yield from stream
    except FileNotFoundError:
        return
    except OSError as error:
        raise DiskTrouble("a file of the run cannot be read", where=str(path), got=error.strerror or "") from error


def _may_quote(path: str) -> bool:
    if path == REPORT or path.startswith((f"{RAW}/", f"{REPORT_PICTURES}/")):
        return True
    parts = path.split("/")
    return parts[0] == OUTPUTS and parts[2:] in ([REPORT], [FILES_FOLDER, "panel.md"])


def _step_of(path: str) -> str:
    parts = path.split("/")
    return parts[1] if parts[0] == OUTPUTS and len(parts) > 2 else ""
