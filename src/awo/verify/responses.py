"""Checks a responses.jsonl while it streams by: each line is the one that the journal recorded, and is a response."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from awo.canon.digest import sha256_hex
from awo.canon.json import encode_sorted
from awo.canon.lines import Lines
from awo.canon.usd import usd
from awo.errors import AwoError
from awo.evidence.records import ModelRecord, ResponseLine
from awo.lifecycle.worst_price import cost, is_free
from awo.verify.doubled import doubled_key
from awo.verify.findings import MOST_FINDINGS, Finding
from awo.verify.recorded import RecordedLines, Told

CUT = b"[secret "
"""How the mark begins that stands where a secret was cut out (spec section 3.8)."""

_decoder = msgspec.json.Decoder(ResponseLine)


class ResponseReader:
    """Takes the bytes of one responses.jsonl. `altered` and `misshapen` have what is wrong, the first 100 of each.

    `mispriced` has the answers whose cost is not that of their tokens.
    `models` are those of input.json, to name each request again; `cut` counts the responses for which that
    cannot be done, since a secret was cut out of them.
    """

    def __init__(
        self, path: str, recorded: RecordedLines, line_limit_bytes: int, models: Mapping[str, ModelRecord] | None
    ) -> None:
        self.path = path
        self.altered: list[Finding] = []
        self.misshapen: list[Finding] = []
        self.mispriced: list[Finding] = []
        self.count = 0
        self.torn_bytes = 0
        self.cut = 0
        self._step = path.split("/")[1]
        self._recorded = recorded
        self._models = models
        self._cutter = Lines(line_limit_bytes)

    def feed(self, chunk: bytes | memoryview) -> None:
        """The next bytes of the file."""
        for line in self._cutter.feed(chunk):
            self._line(line)

    def end(self) -> None:
        """After the last byte."""
        self.torn_bytes = len(self._cutter.rest)
        if self._cutter.is_too_long:
            self._put(self.misshapen, "a line is longer than the limit")

    @property
    def unrecorded(self) -> int:
        """How many whole lines no event names."""
        return max(0, self.count - len(self._recorded))

    @property
    def missing(self) -> int:
        """How many recorded lines are not there."""
        return max(0, len(self._recorded) - self.count)

    def _line(self, line: bytes) -> None:
        number = self.count
        self.count += 1
        if number >= len(self._recorded):
            return
        digest, expected = sha256_hex(line), self._recorded.digest(number)
        if digest != expected or len(line) != self._recorded.sizes[number]:
            self._put(self.altered, "the response is not the one that the journal recorded", expected, digest)
            return
        try:
            response = _decoder.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            self._put(self.misshapen, "the line is not a response", got=str(error))
            return
        if not _is_compact(response, line) and (key := doubled_key(line)):
            self._put(self.misshapen, "a key stands twice in one object", got=key)
        if (response.step, response.call) != (self._step, self._recorded.calls[number]):
            self._put(
                self.misshapen,
                "the response belongs to another call",
                f"step {self._step}, call {self._recorded.calls[number]}",
                f"step {response.step}, call {response.call}",
            )
            return
        told = self._recorded.told(number)
        if told is not None:
            self._compare(response, told, line)

    def _compare(self, response: ResponseLine, told: Told, line: bytes) -> None:
        """The line says of itself what the events say of it, and it answers the request that they name."""
        said = Told(
            response.call,
            response.attempt,
            response.cell,
            response.repeat,
            response.tries if told.origin is None else told.tries,  # of the run that it comes from
            response.model,
            response.cost,
            told.request_sha256,
            response.origin,
        )
        if said != told:
            names = [name for name in Told._fields if getattr(said, name) != getattr(told, name)]
            self._put(
                self.misshapen,
                f"the response says otherwise than its events: {', '.join(names)}",
                "; ".join(_shown(getattr(told, name)) for name in names),
                "; ".join(_shown(getattr(said, name)) for name in names),
            )
            return
        self._reckon(response)
        if self._models is not None and (got := request_sha256(response, self._models)) != told.request_sha256:
            if CUT in line:
                self.cut += 1
            else:
                self._put(
                    self.misshapen, "the response is to another request than its call named", told.request_sha256, got
                )
        if response.schema_fault and not response.schema_sha256:
            self._put(self.misshapen, "the response is said to break a schema, and none was asked for")

    def _reckon(self, response: ResponseLine) -> None:
        """What the answer cost follows from its tokens, where input.json has a price of its model."""
        model = self._models.get(response.model) if self._models is not None else None
        if model is None or model.price is None or response.origin is not None:
            return
        paid = 0 if is_free(model.price) else cost(model.price, response.usage)
        expected = "" if paid is None else usd(paid)
        if expected != response.cost:
            self._put(
                self.mispriced,
                "the cost is not that of the tokens at the price",
                _dollars(expected),
                _dollars(response.cost),
            )

    def _put(self, findings: list[Finding], what: str, expected: str = "", got: str = "") -> None:
        if len(findings) < MOST_FINDINGS:
            findings.append(Finding(f"{self.path}:{max(self.count, 1)}", what, expected, got))


def request_sha256(response: ResponseLine, models: Mapping[str, ModelRecord]) -> str:
    """The digest that names the request of a response (spec section 4.3), from the line and input.json alone.

    '' when it cannot be written.
    """
    known = models.get(response.model)
    named = {
        "backend": known.backend if known else response.backend,
        "messages": response.messages,
        "model": known.model if known else response.model.partition("/")[2] or response.model,
        "params": response.params,
        "repeat": response.repeat,
        "schema_sha256": response.schema_sha256,
        "seed": response.seed,
    }
    try:
        return sha256_hex(encode_sorted(named))
    except (AwoError, RecursionError):
        return ""


def _dollars(amount: str) -> str:
    return f"{amount} USD" if amount else "not known"


def _shown(value: object) -> str:
    return value if isinstance(value, str) else ascii(value)


def _is_compact(response: ResponseLine, line: bytes) -> bool:
    """Whether the line is the usual spelling of its response, which has no key twice."""
    try:
        return encode_sorted(response) == line
    except (AwoError, RecursionError):
        return False
