"""What the report reads beside the facts: the contents of the run's files, through whoever holds them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from awo.evidence.gates import Decision, GateRequest
from awo.evidence.records import ItemLine, ResponseLine


class Reader(Protocol):
    """The contents of one run. Every method raises an `AwoError` for a file that is missing or not its shape."""

    def value(self, path: str) -> Any:
        """The value of a step that is done, parsed, at `path`, as step_finished names it."""

    def responses(self, step: str) -> Iterator[ResponseLine]:
        """The lines of a step's responses.jsonl in order, read one by one as they are taken."""

    def items(self, path: str) -> Iterator[ItemLine]:
        """The lines of the items.jsonl at `path` in order, read one by one as they are taken."""

    def failed_items(self, path: str) -> Iterator[ItemLine]:
        """As `items`, those of failed cells only: found without parsing the others."""

    def decision(self, path: str) -> Decision:
        """The decision at `path`, as decision_recorded names it."""

    def gate_request(self, path: str) -> GateRequest:
        """What a gate asks, at `path`, as gate_opened names it."""

    def head(self, path: str, limit_bytes: int) -> str:
        """The first `limit_bytes` bytes of a file as UTF-8; bytes that are not UTF-8 become U+FFFD."""
