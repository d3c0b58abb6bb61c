"""The responses of a run's folder, found again by what was asked: an index in memory, the texts stay on disk."""

from __future__ import annotations

import bisect
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from awo.canon.digest import sha256_bytes, sha256_file
from awo.canon.json import encode_sorted
from awo.errors import CannotCheck, EvidenceError
from awo.inference.seam import StopReason
from awo.plugins import nearest

T = TypeVar("T")

JOURNAL: Final = "audit/journal.jsonl"
RESPONSES: Final = "outputs/*/responses.jsonl"
LONGEST_LINE_BYTES: Final = 64 << 20
NEAR_IN_LENGTH: Final = 256
SPREAD_OUT: Final = 64


class RecordedImage(msgspec.Struct, frozen=True, gc=False):
    """An image of a recorded message; only what it was matters here."""

    sha256: str


class RecordedMessage(msgspec.Struct, frozen=True):
    """One turn as it was recorded."""

    role: str
    content: str
    images: tuple[RecordedImage, ...] = ()


class RecordedAsk(msgspec.Struct, frozen=True):
    """The part of a response line (spec section 3.3) that says what was asked."""

    model: str
    backend: str
    messages: tuple[RecordedMessage, ...]
    params: dict[str, Any]
    seed: int
    schema_sha256: str = ""

    @property
    def sampling(self) -> dict[str, Any]:
        """The parameters; what told a replay which model it stood for is none."""
        return {name: value for name, value in self.params.items() if self.backend != "replay" or name != "of"}

    @property
    def prompt(self) -> str:
        """The last turn of a user."""
        return next((message.content for message in reversed(self.messages) if message.role == "user"), "")


class RecordedUsage(msgspec.Struct, frozen=True, gc=False):
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = -1
    reasoning_tokens: int = -1


class RecordedLogprob(msgspec.Struct, frozen=True):
    token: str
    logprob: float
    top: dict[str, float] = {}


class RecordedAnswer(msgspec.Struct, frozen=True):
    """The part of a response line that says what was answered."""

    model_answered: str
    text: str
    stop_reason: StopReason
    usage: RecordedUsage
    stop_reason_given: str = ""
    request_id: str = ""
    fingerprint: str = ""
    logprobs: list[RecordedLogprob] | None = None


class _RunId(msgspec.Struct, frozen=True):
    run_id: str


_ask_decoder = msgspec.json.Decoder(RecordedAsk)
_answer_decoder = msgspec.json.Decoder(RecordedAnswer)
_id_decoder = msgspec.json.Decoder(_RunId)


def identity(asked: RecordedAsk) -> tuple[bytes, bytes]:
    """Two names of a request: of all that was asked, and of its messages alone."""
    said = encode_sorted(asked.messages)
    rest = [msgspec.Raw(said), asked.sampling, asked.seed, asked.schema_sha256]
    return sha256_bytes(encode_sorted(rest)), sha256_bytes(said)[:8]


class RecordedRun:
    """A run's responses by what was asked; a few hundred bytes of memory each. Made by `read_run`."""

    def __init__(self, folder: Path, run_id: str, journal_sha256: str) -> None:
        self.run_id = run_id
        self.journal_sha256 = journal_sha256
        self._folder = folder
        self._paths: list[str] = []
        self._files = array("H")
        self._numbers = array("L")
        self._offsets = array("Q")
        self._sizes = array("L")
        self._lengths = array("L")
        self._by_request: dict[bytes, int | list[int]] = {}
        self._by_messages: dict[bytes, int] = {}
        self._by_length: list[int] = []

    def __len__(self) -> int:
        return len(self._offsets)

    def lines_for(self, request: bytes) -> Sequence[int]:
        """The responses to exactly this request, in the order in which they were recorded."""
        found = self._by_request.get(request, ())
        return (found,) if isinstance(found, int) else found

    def line_with(self, messages: bytes) -> int | None:
        """The first response to these messages, whatever its parameters."""
        return self._by_messages.get(messages)

    def near(self, length: int) -> list[int]:
        """At most 320 responses among which the nearest prompt is looked for: those whose prompt has about
        `length` characters, and some from all over the run."""
        if not self._by_length:
            self._by_length = sorted(range(len(self)), key=self._lengths.__getitem__)
        length_of = self._lengths.__getitem__
        begin = bisect.bisect_left(self._by_length, length, key=length_of)
        end = bisect.bisect_right(self._by_length, length, key=length_of)
        first = max(0, min((begin + end - NEAR_IN_LENGTH) // 2, len(self) - NEAR_IN_LENGTH))
        spread = range(0, len(self), max(1, -(-len(self) // SPREAD_OUT)))
        return list(dict.fromkeys([*self._by_length[first : first + NEAR_IN_LENGTH], *spread]))

    def where(self, line: int) -> str:
        """The response's place for people: its file from the run's folder, and its line there, from 1."""
        return f"{self._paths[self._files[line]]}:{self._numbers[line]}"

    def asked(self, line: int) -> RecordedAsk:
        """What was asked. Raises `EvidenceError` when the file is not what it was."""
        return _decoded(_ask_decoder, self._bytes(line), self.where(line))

    def answered(self, line: int) -> RecordedAnswer:
        """What was answered. Raises as `asked`."""
        return _decoded(_answer_decoder, self._bytes(line), self.where(line))

    def add_file(self, path: Path, of: str) -> set[str]:
        """Indexes the whole lines of a responses.jsonl; those of model `of` only, unless that is ''.

        Gives the models' names that it met. Raises `EvidenceError` for a line that is no response.
        """
        self._paths.append(path.relative_to(self._folder).as_posix())
        models = set()
        with path.open("rb") as stream:
            offset = number = 0
            while (line := stream.readline(LONGEST_LINE_BYTES)).endswith(b"\n"):  # a torn last line is none
                number += 1
                asked = _decoded(_ask_decoder, line, f"{self._paths[-1]}:{number}")
                models.add(asked.model)
                if of in ("", asked.model):
                    self._add(asked, offset, len(line), number)
                offset += len(line)
            if len(line) == LONGEST_LINE_BYTES:
                raise EvidenceError("a response is too large", where=f"{self._paths[-1]}:{number + 1}")
        return models

    def _add(self, asked: RecordedAsk, offset: int, size_bytes: int, number: int) -> None:
        place = len(self)
        self._files.append(len(self._paths) - 1)
        self._numbers.append(number)
        self._offsets.append(offset)
        self._sizes.append(size_bytes)
        self._lengths.append(len(asked.prompt))
        request, messages = identity(asked)
        before = self._by_request.setdefault(request, place)
        if isinstance(before, list):
            before.append(place)
        elif before != place:
            self._by_request[request] = [before, place]
        self._by_messages.setdefault(messages, place)

    def _bytes(self, line: int) -> bytes:
        with (self._folder / self._paths[self._files[line]]).open("rb", buffering=0) as stream:
            stream.seek(self._offsets[line])
            return stream.read(self._sizes[line])


def find_run(name: str, root: Path) -> Path:
    """The run's folder: `name` from the workflow's folder `root`, or from its `runs/`. Raises `CannotCheck`."""
    for folder in (root / name, root / "runs" / name):
        if name and (folder / JOURNAL).is_file():
            return folder
    is_bundle = name.endswith((".tar.gz", ".tgz"))
    raise CannotCheck(
        "the run that is to be replayed is not here",
        where=f"model {Path(name).name}",
        expected=f"a run's folder, with {JOURNAL} in it, beside the workflow or in runs/",
        hint="unpack the bundle, and name the folder" if is_bundle else "`awo list` shows the runs of this project",
    )


def read_run(folder: Path, of: str) -> RecordedRun:
    """The index of a run's responses; blocks while it reads all of them.

    Raises `EvidenceError` for files that are not a run's, `CannotCheck` for what cannot be read, and for
    a model `of` that answered nothing.
    """
    try:
        with (folder / JOURNAL).open("rb") as stream:
            first = stream.readline(LONGEST_LINE_BYTES)
        journal_sha256, _ = sha256_file(folder / JOURNAL)
        run = RecordedRun(folder, _decoded(_id_decoder, first, f"{JOURNAL}:1").run_id, journal_sha256)
        models = set()
        for path in sorted(folder.glob(RESPONSES)):
            models |= run.add_file(path, of)
    except OSError as error:
        raise CannotCheck(f"the recorded run cannot be read: {error.strerror}", where=f"run {folder.name}") from error
    if of and of not in models:
        near = nearest(of, sorted(models))
        raise CannotCheck(
            f"no model called {of!r} answered anything in the recorded run",
            where=f"run {folder.name}",
            expected=", ".join(sorted(models)[:10]),
            hint=f"did you mean {near!r}?" if near else "",
        )
    return run


def _decoded(decoder: msgspec.json.Decoder[T], line: bytes, where: str) -> T:
    try:
        return decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise EvidenceError("the recorded run has a line that is not what belongs there", where=where) from error
