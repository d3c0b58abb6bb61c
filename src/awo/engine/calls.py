"""One model call: intent on disk, then the request, then the answer on disk, then its event (spec section 4.3)."""

from __future__ import annotations

import asyncio
import secrets as randomness
from collections.abc import Mapping, Sequence

import msgspec

from awo.canon import time
from awo.canon.digest import sha256_hex
from awo.canon.json import encode_sorted
from awo.engine.journal import Journal
from awo.engine.models import Models, Ready
from awo.engine.outputs import StepOutputs, response_lines
from awo.errors import AwoError, EvidenceError, StepFailed
from awo.evidence import events as ev
from awo.evidence.layout import responses_path
from awo.evidence.records import ModelRecord, ResponseLine, Usage
from awo.evidence.secrets import SecretCutter
from awo.inference.seam import ModelFailed, Reply, Request, Turn
from awo.lifecycle.rules import StepState
from awo.ops.seam import Ask

_decoder = msgspec.json.Decoder(ResponseLine)


class Stopping(Exception):
    """A call was not begun because the run is being stopped."""


class Traffic:
    """What all calls of a process share: whether the run is stopping, and how many are in flight."""

    def __init__(self) -> None:
        self.is_stopping = False
        self.in_flight = 0


class Calls:
    """The model calls of one attempt of one step."""

    def __init__(
        self,
        state: StepState,
        journal: Journal,
        models: Models,
        outputs: StepOutputs,
        traffic: Traffic,
        secrets: SecretCutter,
    ) -> None:
        self._state = state
        self._journal = journal
        self._models = models
        self._outputs = outputs
        self._traffic = traffic
        self._secrets = secrets
        self._reusable = {digest: list(answers) for digest, answers in (state.answered or {}).items()}
        self._kept: list[bytes] | None = None

    async def ask(self, asks: Sequence[Ask]) -> list[ResponseLine]:
        """The answers in the order of `asks`; one that fails does not lose the others' answers.

        Raises `StepFailed` (code `model` or `outcome_unknown`) after all have an outcome.
        """
        results = await asyncio.gather(*(self._one(ask) for ask in asks), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return [result for result in results if isinstance(result, ResponseLine)]

    async def _one(self, ask: Ask) -> ResponseLine:
        ready = await self._models.get(ask.model)
        params = {**ready.record.params, **ask.params}
        seed = params.pop("seed", ready.record.seed)
        if not isinstance(seed, int):
            raise StepFailed(
                "a seed must be a whole number", code="model", where=f"{ask.model}, seed", got=repr(seed), is_final=True
            )
        digest = request_sha256(ready, ask, params, seed)
        if answers := self._reusable.get(digest):
            return self._read_kept(answers.pop(0))
        if self._state.unknown and digest in self._state.unknown:
            raise StepFailed(
                f"a call to {ask.model!r} was cut off and may have been paid for; it is not repeated unasked",
                code="outcome_unknown",
                where=self._state.record.id,
                hint="`awo resume RUN --ask-again` repeats such calls",
            )
        request = Request(
            turns=tuple(Turn(role=m.role, content=m.content) for m in ask.messages), params=params, seed=seed
        )
        async with ready.room:
            return await self._exchange(ready, ask, request, digest)

    async def _exchange(self, ready: Ready, ask: Ask, request: Request, digest: str) -> ResponseLine:
        if self._traffic.is_stopping:
            raise Stopping
        step = self._state.record.id
        intent = self._journal.append(
            ev.CallIntended,
            step=step,
            attempt=self._state.attempts,
            call=str(self._journal.state.calls),
            model=ask.model,
            request_sha256=digest,
            worst_price="0",
        )
        self._traffic.in_flight += 1
        try:
            await self._journal.flushed()
            begun = asyncio.get_running_loop().time()
            reply = await ready.backend.ask(request)
            latency_ms = round((asyncio.get_running_loop().time() - begun) * 1000)
        except ModelFailed as error:
            raise self._failed(intent, error) from error
        except asyncio.CancelledError:
            self._journal.append(ev.CallUnknown, step=step, call=intent.call, policy=ready.on_unknown)
            raise
        except AwoError:
            raise  # the disk, not the model
        except Exception as error:  # a seam: a backend that breaks gave no answer
            broke = ModelFailed(f"the backend broke: {type(error).__name__}: {error}", is_transient=True)
            raise self._failed(intent, broke) from error
        finally:
            self._traffic.in_flight -= 1
        line = self._line(ready, ask, request, reply, intent.call, latency_ms)
        data = encode_sorted(line)
        self._outputs.append_response(data)
        self._journal.append(
            ev.CallAnswered,
            step=step,
            call=intent.call,
            line=self._state.lines,
            sha256=sha256_hex(data),
            size_bytes=len(data),
            recovered=False,
        )
        await self._journal.flushed()
        return line

    def _failed(self, intent: ev.CallIntended, error: ModelFailed) -> StepFailed:
        """Records that the call got no answer; gives the error for the step."""
        reason = ev.Reason(code="model", message=self._secrets.cut_text(error.what))
        self._journal.append(ev.CallFailed, step=intent.step, call=intent.call, reason=reason)
        return StepFailed(
            f"{intent.model}: {reason.message}",
            code="model",
            got=self._secrets.cut_text(error.got),
            hint=error.hint,
            is_final=not error.is_transient,
        )

    def _line(self, ready: Ready, ask: Ask, request: Request, reply: Reply, call: str, latency_ms: int) -> ResponseLine:
        return ResponseLine(
            salt=randomness.token_hex(16),
            step=self._state.record.id,
            call=call,
            attempt=self._state.attempts,
            at=time.now(),
            model=ask.model,
            backend=ready.record.backend,
            model_asked=ready.asked,
            model_answered=reply.model_answered,
            messages=list(ask.messages),
            params=dict(request.params),
            seed=request.seed,
            text=self._secrets.cut_text(reply.text),
            stop_reason=reply.stop_reason,
            usage=Usage(prompt_tokens=reply.prompt_tokens, completion_tokens=reply.completion_tokens),
            latency_ms=latency_ms,
        )

    def _read_kept(self, answer: ev.CallAnswered) -> ResponseLine:
        step = self._state.record.id
        if self._kept is None:
            self._kept = response_lines(self._outputs.root, step)
        data = self._kept[answer.line][:-1] if answer.line < len(self._kept) else b""
        if sha256_hex(data) != answer.sha256:
            raise EvidenceError(
                "a recorded response has been altered",
                where=f"{responses_path(step)}:{answer.line + 1}",
                expected=f"SHA-256 {answer.sha256}",
                got=sha256_hex(data),
                hint="restore the run from a copy; AWO does not go on from altered evidence",
            )
        return _decoder.decode(data)


def request_sha256(ready: Ready, ask: Ask, params: dict[str, object], seed: int) -> str:
    """The digest that names a request: backend, model, messages, parameters and seed, as sorted JSON."""
    named = {
        "backend": ready.record.backend,
        "model": ready.record.model,
        "messages": ask.messages,
        "params": params,
        "seed": seed,
    }
    return sha256_hex(encode_sorted(named))


async def settle_open_calls(root: Journal, step: StepState, models: Mapping[str, ModelRecord]) -> None:
    """After a crash: gives every open call of `step` its outcome, from the bytes on disk where it has one.

    A whole line that answers an open call is recorded as recovered; a torn one is cut, and the cut
    recorded; a call without line is `call_unknown`. Raises `EvidenceError` for a line that nobody
    asked for: the journal has then lost lines.
    """
    id_ = step.record.id
    path = responses_path(id_)
    lines = response_lines(root.folder, id_)
    if len(lines) < step.lines:
        raise EvidenceError(
            "recorded responses are missing",
            where=path,
            expected=f"{step.lines} lines or more",
            got=str(len(lines)),
            hint="restore the run from a copy",
        )
    for number, raw in enumerate(lines[step.lines :], start=step.lines):
        if not raw.endswith(b"\n"):
            root.append(ev.TailCut, path=path, cut_bytes=len(raw), sha256=sha256_hex(raw))
            await root.flushed()  # a crash before the cut only makes the record twice
            with (root.folder / path).open("r+b") as stream:
                stream.truncate(sum(len(line) for line in lines[:number]))
            break
        data = raw[:-1]
        try:
            line = _decoder.decode(data)
        except msgspec.MsgspecError as error:
            raise EvidenceError(
                "a line of the responses is not a response", where=f"{path}:{number + 1}", got=str(error)
            ) from error
        if not step.open_calls or line.call not in step.open_calls:
            raise EvidenceError(
                "the responses hold an answer that the journal never asked for: the journal has lost lines",
                where=f"{path}:{number + 1}",
                hint="restore the run from a copy",
            )
        root.append(
            ev.CallAnswered,
            step=id_,
            call=line.call,
            line=number,
            sha256=sha256_hex(data),
            size_bytes=len(data),
            recovered=True,
        )
    for call, intent in list((step.open_calls or {}).items()):
        policy = models[intent.model].on_unknown if intent.model in models else ""
        root.append(
            ev.CallUnknown,
            step=id_,
            call=call,
            policy=policy or ("retry" if intent.worst_price == "0" else "fail"),
        )
