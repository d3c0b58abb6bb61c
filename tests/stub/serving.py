"""How one request is served, from the moment it was understood until the last byte of its answer is sent."""

from __future__ import annotations

import base64
import json
import urllib.parse
from collections.abc import Coroutine
from typing import Any, Protocol, get_args

from tests.stub import answers, misbehaviour, spoken
from tests.stub import wire as http
from tests.stub.asked import Asked, Dialect
from tests.stub.orders import Counts, Order


class Wire(misbehaviour.Wire, Protocol):
    """The connection that a request came by."""

    @property
    def counts(self) -> Counts: ...
    @property
    def style(self) -> answers.Style: ...

    def finish(self) -> None:
        """The request at hand is served; the next may come."""

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Serves the request at hand in a task."""


class Serving:
    """One request that was understood, until its last byte is sent."""

    __slots__ = ("_asked", "_dialect", "_number", "_order", "_request", "_row", "_wire")

    def __init__(
        self,
        wire: Wire,
        request: http.Request,
        asked: Asked,
        row: dict[str, Any],
        order: Order | None,
        number: int,
    ) -> None:
        self._wire = wire
        self._request = request
        self._asked = asked
        self._dialect: Dialect = asked.dialect
        self._row = row
        self._order = order
        self._number = number

    @property
    def _headers(self) -> list[tuple[str, str]]:
        headers = [
            (spoken.REQUEST_ID[self._dialect], f"req_{self._number:012d}"),
            ("x-ratelimit-limit-requests", "500"),
        ]
        return headers + (self._order.headers if self._order else [])

    def go(self) -> None:
        """Serves the request as its order says."""
        if self._wire.transport.is_closing():
            return
        order = self._order
        if order is None:
            self._answer(self._said())
            return
        match order.action:
            case "answer" | "refusal" | "filtered" | "length" | "break_schema":
                self._answer(self._said())
            case "status":
                self._refuse_on_order(order)
            case "leak":
                self._leak(order)
            case "hang":
                pass
            case "reset":
                misbehaviour.reset(self._wire)
            case "half" | "half_reset" | "drip" | "huge":
                self._wire.begin(self._misbehave(order))
            case kind:
                media, content = misbehaviour.NOT_ANSWERS[kind]
                self._wire.transport.write(http.head(200, self._headers, size_bytes=len(content), kind=media) + content)
                self._wire.finish()

    def refuse(self, refused: spoken.Refused, status: int) -> None:
        """Sends the provider's error."""
        if self._dialect == "gemini":
            status = spoken.gemini_status(refused.trouble, status)
        headers = self._headers
        if refused.trouble == "rate_limited" and self._order is None:
            headers.append(("retry-after", f"{refused.retry_after_s:g}"))
        body = spoken.refusal(self._dialect, refused, status, self._number)
        self._wire.counts.refused += 1
        self._row["refused"] += 1
        self._wire.transport.write(http.answer(status, headers, body))
        self._wire.finish()

    def _refuse_on_order(self, order: Order) -> None:
        status = order.status or 500
        trouble = next((word for word in get_args(spoken.Trouble) if word == order.trouble), spoken.trouble_of(status))
        wait_s = float(order.retry_after) if order.retry_after.isdigit() else order.retry_after_s
        refused = spoken.Refused(trouble, model=self._asked.model, key=self._asked.key, retry_after_s=wait_s)
        self.refuse(refused, status)

    def _said(self) -> answers.Said:
        """What the model says, before the protocol's shape."""
        order, asked = self._order, self._asked
        if order and order.text:
            text = order.text
        elif asked.schema is not None:
            is_broken = order is not None and order.action == "break_schema"
            sample = answers.sample(asked.schema, asked.prompt)
            text = answers.breaks(asked.schema) if is_broken else json.dumps(sample)
        else:
            text = answers.answer_to(asked.prompt, self._wire.style)
        said = answers.say(asked, text, self._number)
        if order is None:
            return said
        if order.answered_model:
            said = said._replace(model=order.answered_model)
        if order.action in ("refusal", "filtered", "length"):
            said = said._replace(stop=order.action)
        return said

    def _answer(self, said: answers.Said) -> None:
        self._wire.transport.write(self._whole(said))
        self._answered(said)
        self._wire.finish()

    def _whole(self, said: answers.Said) -> bytes:
        return http.answer(200, self._headers, spoken.answer(self._dialect, said))

    def _answered(self, said: answers.Said) -> None:
        counts = self._wire.counts
        counts.answered += 1
        counts.prompt_tokens += said.prompt_tokens
        counts.completion_tokens += said.completion_tokens
        self._row["answered"] += 1

    async def _misbehave(self, order: Order) -> None:
        said = self._said()
        if order.action == "huge":
            await misbehaviour.huge(self._wire, self._headers, order.size_bytes, is_chunked=order.is_chunked)
        elif order.action == "drip":
            await misbehaviour.drip(self._wire, self._whole(said), order.pieces, order.every_ms)
            if not self._wire.transport.is_closing():
                self._answered(said)
        else:
            await misbehaviour.half(self._wire, self._whole(said), is_reset=order.action == "half_reset")
        self._wire.finish()

    def _leak(self, order: Order) -> None:
        """Says the key in several spellings, in the body and in a header that is otherwise kept."""
        key = self._asked.key
        spelled = " ".join((key, urllib.parse.quote(key), base64.b64encode(key.encode()).decode(), json.dumps(key)))
        text = f"{spelled} headers: {json.dumps(self._request.headers)}"
        name = spoken.REQUEST_ID[self._dialect]
        headers = [(name, key), ("x-ratelimit-reset-requests", key), *self._headers[1:]]
        if order.status:
            body = spoken.refusal(self._dialect, spoken.Refused("auth", key=key), order.status, self._number)
            body["debug"] = text
            found = body.get("error")
            if isinstance(found, dict):
                found["message"] = f"{found['message']} {text}"
            self._wire.counts.refused += 1
        else:
            said = answers.say(self._asked._replace(max_tokens=0), text, self._number)
            body = spoken.answer(self._dialect, said)
            self._answered(said)
        self._wire.transport.write(http.answer(order.status or 200, headers, body))
        self._wire.finish()
