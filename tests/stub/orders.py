"""Orders to misbehave, and the counts of what arrived and what was answered."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from email.utils import formatdate
from typing import Any, Literal

import msgspec
from tests.stub.asked import Asked

Action = Literal[
    "answer",  # as always, but after `delay_ms`, and with `text`, `answered_model` where they are set
    "status",  # the provider's error of this `status`; `trouble` says which where a status has several
    "hang",  # no byte of an answer ever comes
    "half",  # half of the answer, then the connection ends in good order
    "reset",  # the connection is reset, before any byte of an answer
    "half_reset",  # the connection is reset in the middle of the answer
    "drip",  # `pieces` bytes every `every_ms`
    "not_json",
    "html",
    "empty",  # 200 with no body
    "wrong_shape",  # JSON, but no answer of this protocol
    "deep",  # JSON of 200,000 opened brackets
    "huge",  # a body of `size_bytes`, with Content-Length or `is_chunked`
    "refusal",
    "filtered",
    "length",
    "break_schema",
    "leak",  # says all of the request's headers, in the answer's text, or in the error of `status`
]


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One rule: which requests (by a part of the prompt, the model, the path), and what becomes of them.

    The first `after` that match are left alone, and then `times` are served so; 0 means all.
    `retry_after` is sent as it stands, or, when it is `date`, as the time in `retry_after_s` seconds.
    """

    action: Action
    match: str = ""
    model: str = ""
    path: str = ""
    after: int = 0
    times: int = 0
    delay_ms: float = 0
    status: int = 0
    trouble: str = ""
    retry_after: str = ""
    retry_after_s: float = 0
    retry_after_ms: str = ""
    location: str = ""
    text: str = ""
    answered_model: str = ""
    pieces: int = 16
    every_ms: float = 50
    size_bytes: int = 2 * 1024**3
    is_chunked: bool = False

    def fits(self, asked: Asked, path: str) -> bool:
        """Whether the rule speaks of this request."""
        is_named = not self.model or self.model == asked.model
        return is_named and self.match in asked.prompt and self.path in path

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Retry-After in seconds or as a date, OpenAI's own in milliseconds, and where a redirect leads."""
        after = (
            formatdate(time.time() + self.retry_after_s, usegmt=True)
            if self.retry_after == "date"
            else self.retry_after
        )
        headers = (("retry-after", after), ("retry-after-ms", self.retry_after_ms), ("location", self.location))
        return [(name, value) for name, value in headers if value]


class Orders:
    """The rules, each with how often it was met."""

    def __init__(self) -> None:
        self._rules: list[Order] = []
        self._met: list[int] = []

    def add(self, rules: Sequence[Order]) -> None:
        """Further rules, after those that stand."""
        self._rules += rules
        self._met += [0] * len(rules)

    def for_request(self, asked: Asked, path: str) -> Order | None:
        """The first rule that is this request's now, or None; every rule before it counts it as met."""
        for number, rule in enumerate(self._rules):
            if not rule.fits(asked, path):
                continue
            self._met[number] += 1
            seen = self._met[number] - rule.after
            if seen > 0 and (rule.times == 0 or seen <= rule.times):
                return rule
        return None


class Counts:
    """What arrived and what was answered: in all, and for each request body.

    `answered` counts answers of which every byte was handed to the system, errors left out.
    """

    def __init__(self) -> None:
        self.arrived = self.answered = self.refused = self.dropped = 0
        self.in_flight = self.max_in_flight = 0
        self.prompt_tokens = self.completion_tokens = 0
        self.first_at = self.last_at = 0.0
        self._by_body: dict[str, dict[str, Any]] = {}
        self._latest: deque[dict[str, Any]] = deque(maxlen=20)

    def arrive(self, body_sha256: str, asked: Asked, seen: dict[str, Any]) -> dict[str, Any]:
        """A request is here; gives its row."""
        self.arrived += 1
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        self.last_at = time.time()
        self.first_at = self.first_at or self.last_at
        self._latest.append(seen)
        row = self._by_body.get(body_sha256)
        if row is None:
            row = {"prompt": asked.prompt, "model": asked.model, "arrived": 0, "answered": 0, "refused": 0}
            self._by_body[body_sha256] = row
        row["arrived"] += 1
        return row

    def as_dict(self, *, is_brief: bool) -> dict[str, Any]:
        """All of it as JSON; `requests` has a row for each body, and is left out when `is_brief`."""
        found: dict[str, Any] = {
            name: getattr(self, name)
            for name in (
                *("arrived", "answered", "refused", "dropped", "in_flight", "max_in_flight"),
                *("prompt_tokens", "completion_tokens", "first_at", "last_at"),
            )
        }
        if not is_brief:
            found["requests"] = [{"sha256": digest} | row for digest, row in self._by_body.items()]
            found["latest"] = list(self._latest)
        return found
