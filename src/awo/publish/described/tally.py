"""Counts the calls of a run by step and model, from its events."""

from __future__ import annotations

from dataclasses import dataclass

from awo.evidence import events as ev
from awo.publish.described.shapes import CallGroup


@dataclass(slots=True)
class _Group:
    first_at: str = ""
    last_at: str = ""
    answered: int = 0
    failed: int = 0
    unknown: int = 0
    reused: int = 0


class CallTally:
    """Counts calls by step and model. Memory: one entry for each group and each call in flight."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, str], _Group] = {}
        self._open: dict[tuple[str, str], _Group] = {}

    def add(self, event: ev.AnyEvent) -> None:
        """The next event of the journal; those that are of no call change nothing."""
        match event:
            case ev.CallIntended():
                group = self._groups.get((event.step, event.model))
                if group is None:
                    group = self._groups[event.step, event.model] = _Group()
                group.first_at = group.first_at or event.at
                self._open[event.step, event.call] = group
            case ev.CallAnswered():
                group = self._end(event)
                group.answered += 1
            case ev.CallFailed():
                group = self._end(event)
                group.failed += 1
            case ev.CallUnknown():
                group = self._end(event)
                group.unknown += 1
            case ev.ResponseReused():
                self._groups.setdefault((event.step, event.model), _Group()).reused += 1
            case _:
                pass

    def _end(self, event: ev.CallAnswered | ev.CallFailed | ev.CallUnknown) -> _Group:
        """The group of a call that has ended; one that counts for nobody where the journal does not know the call."""
        group = self._open.pop((event.step, event.call), None) or _Group()
        group.last_at = event.at
        return group

    def groups(self, steps: list[str]) -> tuple[CallGroup, ...]:
        """What was counted, in the order of `steps`, then of the first call."""
        place = {step: number for number, step in enumerate(steps)}
        found = sorted(self._groups.items(), key=lambda item: place.get(item[0][0], len(place)))
        return tuple(
            CallGroup(step, model, one.answered, one.failed, one.unknown, one.reused, one.first_at, one.last_at)
            for (step, model), one in found
        )
