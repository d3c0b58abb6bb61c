"""Checks a responses.jsonl while it streams by: each line is the one that the journal recorded, and is a response."""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from awo.canon.digest import Hasher, sha256_hex, sha256_of_each, sha256_running
from awo.canon.json import encode_sorted, encode_sorted_lines
from awo.canon.lines import Lines
from awo.canon.usd import usd
from awo.errors import AwoError
from awo.evidence.record_blocks import decode_responses
from awo.evidence.records import ModelRecord, ResponseLine
from awo.lifecycle.worst_price import cost, is_free
from awo.verify.doubled import doubled_key
from awo.verify.findings import MOST_FINDINGS, Finding
from awo.verify.recorded import RecordedLines, Told
from awo.verify.second_core import LEAST_BYTES, Helper, Open

CHUNK_BYTES: Final = 1 << 16

CUT = b"[secret "
"""How the mark begins that stands where a secret was cut out (spec section 3.8)."""

_decoder = msgspec.json.Decoder(ResponseLine)


class _Later(NamedTuple):
    """The lines from number `first` on, which begin at byte `offset`; `hasher` takes them as they go by here."""

    helper: Helper
    open_again: Open
    first: int
    offset: int
    hasher: Hasher


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
        self._line_limit = line_limit_bytes
        self._cutter = Lines(line_limit_bytes)
        self._later: _Later | None = None
        self._fed = 0

    def take_second_core(self, open_again: Open) -> None:
        """Lets the second half of many lines be looked at on a second core: it says that all are right, or nothing."""
        recorded, first = self._recorded, len(self._recorded) // 2
        offset = sum(recorded.sizes[:first]) + first
        if offset < LEAST_BYTES // 4:
            return

        def work() -> Iterator[bytes]:
            reader = ResponseReader(self.path, recorded, self._line_limit, self._models)
            reader.count = first
            digest = _read_from(open_again(self.path), offset, reader.feed)
            reader.end()
            if not (reader.has_faults or reader.torn_bytes or reader.count != len(recorded)):
                yield digest.encode()

        helper = Helper.start(work)
        if helper is not None:
            self._later = _Later(helper, open_again, first, offset, sha256_running())

    def close(self) -> None:
        """Ends what is still at work."""
        if self._later is not None:
            self._later.helper.close()
            self._later = None

    def feed(self, chunk: bytes | memoryview) -> None:
        """The next bytes of the file."""
        later = self._later
        if later is None:
            self._feed(chunk)
            return
        here = max(0, later.offset - self._fed)
        self._fed += len(chunk)
        if here:
            self._feed(chunk[:here])
        if len(chunk) > here:
            later.hasher.update(chunk[here:])

    def _feed(self, chunk: bytes | memoryview) -> None:
        block = self._cutter.block(chunk)
        if not block:
            return
        lines = block[:-1].split(b"\n")
        if self._are_right(block, lines):
            self.count += len(lines)
            return
        for line in lines:
            self._line(line)

    def end(self) -> None:
        """After the last byte. Raises `OSError` where lines must be read again, and cannot be."""
        if self._later is not None:
            self._end_later(self._later)
        self.torn_bytes = len(self._cutter.rest)
        if self._cutter.is_too_long:
            self._put(self.misshapen, "a line is longer than the limit")

    def _end_later(self, later: _Later) -> None:
        """The lines that the second core took are right, or are read again."""
        self._later, digest = None, later.hasher.hexdigest()
        try:
            answer = later.helper.answer()
            if self._fed < later.offset:
                return
            if answer == digest.encode() and self.count == later.first and not self._cutter.rest:
                self.count = len(self._recorded)
            elif _read_from(later.open_again(self.path), later.offset, self._feed) != digest:
                self._put(self.altered, "the file changed while it was read")
        finally:
            later.helper.close()

    @property
    def has_faults(self) -> bool:
        """Whether anything is to be said of the lines so far."""
        return bool(self.altered or self.misshapen or self.mispriced or self.cut)

    @property
    def answers_its_requests(self) -> bool:
        """Whether every line is the recorded one and answers the request that its events name."""
        return self._models is not None and not (self.altered or self.misshapen or self.missing or self.cut)

    @property
    def unrecorded(self) -> int:
        """How many whole lines no event names."""
        return max(0, self.count - len(self._recorded))

    @property
    def missing(self) -> int:
        """How many recorded lines are not there."""
        return max(0, len(self._recorded) - self.count)

    def _are_right(self, block: bytes, lines: list[bytes]) -> bool:
        """Whether `_line` would find nothing to say of these lines: all its questions, each asked once for all."""
        first, end, recorded = self.count, self.count + len(lines), self._recorded
        if end > len(recorded) or array("Q", map(len, lines)) != recorded.sizes[first:end]:
            return False
        if sha256_of_each(lines) != recorded.digests(first, end):
            return False
        told, found = recorded.told_alike(first, end), decode_responses(block, len(lines))
        if told is None or found is None or any(one.step != self._step or one.origin is not None for one in found):
            return False
        try:
            counts = array("Q", [n for one in found for n in (one.attempt, one.cell, one.repeat, one.tries)])
        except OverflowError:
            return False
        return (
            [one.call for one in found] == told.calls
            and counts == told.counts
            and [one.model for one in found] == told.models
            and [one.cost for one in found] == told.costs
            and all(map(self._costs_that, found))
            and not any(one.schema_fault and not one.schema_sha256 for one in found)
            and self._are_to_requests(found, told.requests)
        )

    def _are_to_requests(self, found: list[ResponseLine], requests: bytes) -> bool:
        models = self._models
        if models is None:
            return True
        try:
            named = encode_sorted_lines([_named(one, models) for one in found])
        except (AwoError, RecursionError):
            return False
        return sha256_of_each(named[:-1].split(b"\n")) == requests

    def _costs_that(self, response: ResponseLine) -> bool:
        expected = self._reckoned(response)
        return expected is None or expected == response.cost

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
        expected = self._reckoned(response)
        if expected is not None and expected != response.cost:
            self._put(
                self.mispriced,
                "the cost is not that of the tokens at the price",
                _dollars(expected),
                _dollars(response.cost),
            )

    def _reckoned(self, response: ResponseLine) -> str | None:
        """What the answer cost by its tokens, '' where nobody can say; None where it is not reckoned."""
        model = self._models.get(response.model) if self._models is not None else None
        if model is None or model.price is None or response.origin is not None:
            return None
        paid = 0 if is_free(model.price) else cost(model.price, response.usage)
        return "" if paid is None else usd(paid)

    def _put(self, findings: list[Finding], what: str, expected: str = "", got: str = "") -> None:
        if len(findings) < MOST_FINDINGS:
            findings.append(Finding(f"{self.path}:{max(self.count, 1)}", what, expected, got))


def request_sha256(response: ResponseLine, models: Mapping[str, ModelRecord]) -> str:
    """The digest that names the request of a response (spec section 4.3), from the line and input.json alone.

    '' when it cannot be written.
    """
    try:
        return sha256_hex(encode_sorted(_named(response, models)))
    except (AwoError, RecursionError):
        return ""


def _named(response: ResponseLine, models: Mapping[str, ModelRecord]) -> dict[str, Any]:
    known = models.get(response.model)
    return {
        "backend": known.backend if known else response.backend,
        "messages": response.messages,
        "model": known.model if known else response.model.partition("/")[2] or response.model,
        "params": response.params,
        "repeat": response.repeat,
        "schema_sha256": response.schema_sha256,
        "seed": response.seed,
    }


def _read_from(descriptor: int, offset: int, feed: Callable[[bytes], None]) -> str:
    """Feeds what stands from `offset` on, and gives its SHA-256. Closes the file. Raises `OSError`."""
    hasher = sha256_running()
    try:
        os.lseek(descriptor, offset, os.SEEK_SET)
        while chunk := os.read(descriptor, CHUNK_BYTES):
            hasher.update(chunk)
            feed(chunk)
    finally:
        os.close(descriptor)
    return hasher.hexdigest()


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
