"""The seam of publishing targets: a place that takes files, says what it has, and makes them public."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from awo.canon.paths import why_not_inside
from awo.errors import UsageError
from awo.evidence.publication import Arrival, Deposit
from awo.publish.about.shapes import About

Progress = Callable[[int], None]
"""Is told how many bytes of a file have been sent."""

Keep = Callable[[Deposit], None]
"""Puts the deposit on disk, flushed, before the next thing is asked of the place."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """One file to be sent: the `name` that it has there, and the file here with its digests (hex)."""

    name: str
    path: Path
    size_bytes: int
    sha256: str
    md5: str
    """Only because some places compare nothing else; no claim rests on it."""

    def __post_init__(self) -> None:
        """Raises `UsageError` for a name that could mean another place, or a file that a target keeps for itself."""
        why = why_not_inside(self.name) or ("it is in a folder" if "/" in self.name else "")
        if why or self.name.startswith("."):
            raise UsageError(
                "a file cannot be sent under this name", where=self.name, got=why or "it begins with a dot"
            )


class Target(Protocol):
    """One place, opened with its address and with what the environment holds of tokens.

    Every method may be called again after a crash at any point: what has happened already is found, never done twice.
    All raise `UsageError` for what the caller must change (a quota, a wrong licence, metadata that are refused),
    `CannotCheck` where the place cannot be reached or does not let us in (naming the variable of the token), and
    `EvidenceError` where it has other bytes than those that were sent.
    """

    @property
    def kind(self) -> str:
        """The row of `plugins.TARGETS`."""

    @property
    def place(self) -> str:
        """The address as it is printed and recorded: no secret in it."""

    @property
    def is_final(self) -> bool:
        """Whether `publish` cannot be taken back, so that it waits for --yes."""

    @property
    def gives_doi(self) -> bool:
        """Whether `reserve` or `publish` gives the deposit a DOI."""

    def reserve(self, deposit: Deposit, about: About, keep: Keep) -> Deposit:
        """The deposit with its identifier, address and, where the place gives one, its DOI, before a file is sent."""

    def arrived(self, deposit: Deposit, parcel: Parcel) -> Arrival | None:
        """What the place itself says that it has under the parcel's name; None for nothing, or nothing whole."""

    def send(self, deposit: Deposit, parcel: Parcel, progress: Progress) -> Arrival:
        """Sends the parcel, goes on where it broke off if the place can, and gives what the place then says it has."""

    def others(self, deposit: Deposit, parcels: Sequence[Parcel]) -> tuple[str, ...]:
        """The names of files that are in the draft, are none of the parcels, and would become public with it."""

    def publish(self, deposit: Deposit, about: About, parcels: Sequence[Parcel]) -> Deposit:
        """Makes the deposit public, once every parcel has arrived. The deposit with its final address and DOI."""
