"""What a run writes while it goes on: journal lines, responses and exchanges, each from its shape alone."""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from collections.abc import Mapping
from typing import Any

from awo.canon import time
from awo.canon.json import encode_sorted, pretty
from awo.evidence import events as ev
from awo.evidence import layout
from awo.evidence.exchanges import Body, Exchange
from awo.evidence.merkle import MerkleTree
from awo.evidence.records import Message, ResponseLine, Usage

RUN_ID = "run_2026-01-02T03-04-05Z"

BEGUN_AT = 1_767_323_045_000_000
"""2026-01-02T03:04:05Z in microseconds; each event is a second later than the one before."""

BACKEND_AND_MODEL = {"echo": ("echo", "echo"), "small": ("openai", "small-1")}
"""The models of the stories, by their names in the workflow."""

NOT_COUNTED = Usage(prompt_tokens=-1, completion_tokens=-1)
TOKENS = {"small": Usage(prompt_tokens=30, completion_tokens=8)}
"""What each answer of a model took, by its name in the workflow."""

PARAMS = {"max_tokens": 60, "temperature": 0.5}
SEED = 7


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def request_sha256(text: str, model: str, repeat: int) -> str:
    """The digest that names a request of the stories, said again here so that the judge's own is tested."""
    backend, name = BACKEND_AND_MODEL[model]
    named = {
        "backend": backend,
        "messages": [{"content": text, "images": [], "role": "user"}],
        "model": name,
        "params": PARAMS,
        "repeat": repeat,
        "schema_sha256": "",
        "seed": SEED + repeat,
    }
    return sha256(json.dumps(named, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode())


def frame(line: bytes) -> bytes:
    """A gzip member that holds the line as it is: the same bytes with every compressor."""
    data = line + b"\n"
    stored = b"\x01" + struct.pack("<HH", len(data), len(data) ^ 0xFFFF) + data
    return bytes.fromhex("1f8b08000000000000ff") + stored + struct.pack("<II", zlib.crc32(data), len(data))


class Record:
    """The journal and the outputs of a run. `files` has what lies in its folder, by path; `waited_s` is for how long
    nothing happened in it."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.lines: list[bytes] = []
        self.segment = 1
        self.waited_s = 0
        self._calls = 0
        self._texts: dict[str, str] = {}
        self._named: dict[str, ev.FileRef] = {}

    @property
    def now(self) -> str:
        return time.spell(BEGUN_AT + (len(self.lines) + self.waited_s) * 1_000_000)

    def event(self, kind: type[Any], **fields: Any) -> None:
        """The next line of the journal, whatever the rules say."""
        self.lines.append(ev.encode(kind(seq=len(self.lines), at=self.now, **fields)))

    def put(self, path: str, data: bytes) -> ev.FileRef:
        """A file with these bytes."""
        self.files[path] = data
        return ev.FileRef(path=path, sha256=sha256(data), size_bytes=len(data))

    def checkpoint(self) -> ev.Checkpoint:
        tree = MerkleTree()
        for line in self.lines:
            tree.append(line)
        return ev.Checkpoint(size=tree.size, root=tree.root().hex())

    def start(self, id_: str, attempt: int = 1) -> None:
        """An attempt of a step begins."""
        self.event(ev.StepStarted, step=id_, attempt=attempt)

    def finish(self, id_: str, value: Any, files: Mapping[str, str] | None = None, attempt: int = 1) -> None:
        """The step is done with this value and these artifacts."""
        refs = [self.put(layout.file_path(id_, name), text.encode()) for name, text in (files or {}).items()]
        lines = (layout.responses_path(id_), layout.items_path(id_))
        refs += [self.put(path, self.files[path]) for path in lines if path in self.files]
        refs.sort(key=lambda ref: ref.path)
        done = self.put(layout.value_path(id_), pretty(value))
        self._named |= {ref.path: ref for ref in (done, *refs)}
        self.event(ev.StepFinished, step=id_, attempt=attempt, value=done, files=refs)

    def ask(self, id_: str, text: str, **line: Any) -> None:
        """One call of the model echo that is answered with `text`; `line` has what its line says otherwise."""
        self.answer(self.intend(id_, text), **line)

    def intend(self, id_: str, text: str, **fields: Any) -> ev.CallIntended:
        """A request will be sent; `fields` are those of the event that differ from a plain first call."""
        model, repeat = fields.get("model", "echo"), fields.get("repeat", 0)
        usual: dict[str, Any] = {
            "step": id_,
            "attempt": 1,
            "call": str(self._calls),
            "cell": 0,
            "repeat": 0,
            "tries": 1,
            "because": "",
            "model": "echo",
            "request_sha256": request_sha256(text, model, repeat),
            "worst_price": "0",
        }
        intent = ev.CallIntended(seq=len(self.lines), at=self.now, **(usual | fields))
        self.lines.append(ev.encode(intent))
        self._texts[intent.call] = text
        self._calls += 1
        return intent

    def answer(
        self,
        intent: ev.CallIntended,
        *,
        cost: str = "0",
        exchange: ev.ExchangeRef | None = None,
        recovered: bool = False,
        **line: Any,
    ) -> None:
        """The call is answered with its own text."""
        place = self.respond(intent, {"cost": cost} | line)
        self.event(
            ev.CallAnswered,
            step=intent.step,
            call=intent.call,
            **place,
            cost=cost,
            exchange=exchange,
            recovered=recovered,
        )

    def no_answer(
        self, intent: ev.CallIntended, code: str, *, may_have_cost: bool = False, exchange: ev.ExchangeRef | None = None
    ) -> None:
        """The call failed."""
        reason = ev.Reason(code=code, message="the model gave no answer")
        self.event(
            ev.CallFailed,
            step=intent.step,
            call=intent.call,
            reason=reason,
            may_have_cost=may_have_cost,
            exchange=exchange,
        )

    def reuse(
        self, id_: str, text: str, *, cell: int, model: str = "echo", line: Mapping[str, Any] | None = None
    ) -> None:
        """A response of another run answers the request; `line` has what its line says otherwise."""
        origin = ev.Origin(run_id="run_2026-01-01T00-00-00Z", step=id_, line=4, sha256=sha256(b"an older line"))
        name = f"r{self.files.get(layout.responses_path(id_), b'').count(chr(10).encode())}"
        asked = ev.CallIntended(
            seq=0,
            at=self.now,
            step=id_,
            attempt=1,
            call=name,
            cell=cell,
            repeat=0,
            tries=1,
            because="",
            model=model,
            request_sha256=request_sha256(text, model, 0),
            worst_price="",
        )
        self._texts[name] = text
        place = self.respond(asked, {"cost": "0", "origin": origin} | dict(line or {}))
        self.event(
            ev.ResponseReused,
            step=id_,
            attempt=1,
            cell=cell,
            repeat=0,
            model=model,
            request_sha256=asked.request_sha256,
            **place,
            origin=origin,
        )

    def exchange(self, intent: ev.CallIntended, status: int = 200, **fields: Any) -> ev.ExchangeRef:
        """The exchange of a call, as the next frame of the open segment."""
        said = json.dumps({"prompt": self._texts[intent.call]})
        usual: dict[str, Any] = {
            "format": "awo/exchange/v1",
            "salt": sha256(b"exchange " + intent.call.encode())[:32],
            "step": intent.step,
            "call": intent.call,
            "model": intent.model,
            "sent_at": self.now,
            "elapsed_ms": 12,
            "method": "POST",
            "url": "http://127.0.0.1:8080/v1/chat/completions",
            "request": Body(headers=[("content-type", "application/json")], encoding="utf-8", content=said),
            "status": status,
            "response": Body(headers=[("x-request-id", f"r-{intent.call}")], encoding="utf-8", content="{}")
            if status
            else Body(headers=[], encoding="utf-8", content=""),
            "error": "" if status else "nothing came back",
        }
        return self.raw(encode_sorted(Exchange(**(usual | fields))))

    def raw(self, line: bytes) -> ev.ExchangeRef:
        """A line as the next frame of the open segment."""
        path, data = layout.raw_path(self.segment), frame(line)
        before = self.files.get(path, b"")
        self.files[path] = before + data
        return ev.ExchangeRef(segment=self.segment, offset=len(before), size_bytes=len(data), sha256=sha256(line))

    def answer_of(self, id_: str, line: int = 0) -> dict[str, Any]:
        """What an operation makes of the response on this line (from 0), said again here."""
        found = json.loads(self.files[layout.responses_path(id_)].split(b"\n")[line])
        return {key: found[key] for key in ("text", "model", "call", "stop_reason")}

    def respond(self, intent: ev.CallIntended, line: Mapping[str, Any]) -> dict[str, Any]:
        """Appends a line to responses.jsonl; gives what an event says of its place."""
        backend, name = BACKEND_AND_MODEL[intent.model]
        text, path = self._texts[intent.call], layout.responses_path(intent.step)
        before = self.files.get(path, b"")
        usual: dict[str, Any] = {
            "salt": sha256(f"{intent.call} {before.count(b'{')}".encode())[:32],
            "step": intent.step,
            "call": intent.call,
            "attempt": intent.attempt,
            "at": self.now,
            "model": intent.model,
            "backend": backend,
            "model_asked": name,
            "model_answered": name,
            "messages": [Message(role="user", content=text)],
            "params": PARAMS,
            "seed": SEED + intent.repeat,
            "text": text,
            "stop_reason": "stop",
            "usage": TOKENS.get(intent.model, NOT_COUNTED),
            "latency_ms": 0,
            "cell": intent.cell,
            "repeat": intent.repeat,
            "tries": intent.tries,
        }
        data = encode_sorted(ResponseLine(**(usual | dict(line))))
        self.files[path] = before + data + b"\n"
        return {"line": before.count(b"\n"), "sha256": sha256(data), "size_bytes": len(data)}
