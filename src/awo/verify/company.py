"""Who has decided at a gate before: of thousands, the few that matter to one signer, without a walk over all."""

from __future__ import annotations

from typing import Generic, TypeVar

from awo.evidence.gates import Signer
from awo.gate.names import skeleton

T = TypeVar("T")


class Company(Generic[T]):
    """Takes decisions (or signers of votes) in their order; `near` gives those that a later one is held against."""

    def __init__(self) -> None:
        self._count = 0
        self._last_of: dict[str, tuple[int, T]] = {}
        self._alike: dict[tuple[str, str], dict[str, tuple[int, T]]] = {}
        self._latest: tuple[str, int, T] | None = None

    def add(self, signer: Signer, at: str, one: T) -> None:
        """The next; `at` is its time."""
        self._last_of[signer.id] = (self._count, one)
        for mark in _marks(signer):
            kept = self._alike.setdefault(mark, {})
            if len(kept) < 2:  # of two with different ids one is somebody else, whoever asks
                kept.setdefault(signer.id, (self._count, one))
        if self._latest is None or at > self._latest[0]:
            self._latest = (at, self._count, one)
        self._count += 1

    def near(self, signer: Signer) -> tuple[T, ...]:
        """In their order: the last of this signer, the latest of all, and where there are any, somebody else with the
        same key, and somebody else whose id or printed name looks like this signer's."""
        found: dict[int, T] = {}
        if signer.id in self._last_of:
            number, one = self._last_of[signer.id]
            found[number] = one
        if self._latest is not None:
            found[self._latest[1]] = self._latest[2]
        for mark in _marks(signer):
            found.update(self._alike.get(mark, {}).values())
        return tuple(found[number] for number in sorted(found))


def _marks(signer: Signer) -> set[tuple[str, str]]:
    """What two signers have in common when they may be one person."""
    return {("key", signer.key), ("name", skeleton(signer.id)), ("name", skeleton(signer.name))}
