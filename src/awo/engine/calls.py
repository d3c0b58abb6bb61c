"""The model calls of one attempt of a step: intent on disk, then the request, then the answer on disk, then its event.

A request that was answered before is not sent again: not by a later attempt, not by a later
process, and not where an answer of another run is to be used (spec section 4.3).
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from awo.canon import time
from awo.canon.digest import sha256_hex
from awo.canon.json import encode_sorted
from awo.canon.usd import usd
from awo.engine.asked import Asked
from awo.engine.cache import Elsewhere
from awo.engine.journal import Journal
from awo.engine.kept import KeptAnswers
from awo.engine.models import ModelGone, Models, Ready
from awo.engine.outputs import StepOutputs
from awo.engine.salts import new_salt
from awo.engine.traffic import Stopping, Traffic
from awo.errors import AwoError, DiskTrouble, EvidenceError, StepFailed
from awo.evidence import events as ev
from awo.evidence.records import ResponseLine, TokenLogprob, Usage
from awo.evidence.secrets import SecretCutter
from awo.inference.limits import Outcome, backoff_s
from awo.inference.seam import Exchange, ModelFailed, Reply
from awo.lifecycle.steps import StepState
from awo.lifecycle.worst_price import cost
from awo.ops.seam import Ask

IMPOSSIBLE = -9999.0
FAULTS_OF_THE_RUN = (EvidenceError, DiskTrouble)
BROKEN = frozenset({"overloaded", "unreachable", "cut_off", "timeout"})


class Calls:
    """What one attempt of a step asks. `read` gives the bytes of an image that a request names."""

    def __init__(
        self,
        state: StepState,
        journal: Journal,
        models: Models,
        outputs: StepOutputs,
        traffic: Traffic,
        secrets: SecretCutter,
        elsewhere: Elsewhere | None,
        read: Callable[[ev.FileRef], bytes],
    ) -> None:
        self._state = state
        self._journal = journal
        self._models = models
        self._outputs = outputs
        self._traffic = traffic
        self._secrets = secrets
        self._elsewhere = elsewhere
        self._read = read
        self._kept = KeptAnswers(journal.folder, state)
        self._taken: dict[str, int] = {}
        self.is_ending = False

    async def ask(self, asks: Sequence[Ask], cell: int = 0, repeat: int = 0) -> list[ResponseLine]:
        """The answers in the order of `asks`; one that fails does not lose the others' answers.

        Raises `StepFailed` after all have an outcome, `ModelGone` when a model answers nobody, and
        `Stopping` when the run stands still.
        """
        if len(asks) == 1:
            return [await self._answer(asks[0], cell, repeat)]
        results = await asyncio.gather(*(self._answer(ask, cell, repeat) for ask in asks), return_exceptions=True)
        errors = [result for result in results if isinstance(result, BaseException)]
        if errors:
            raise min(errors, key=lambda error: not isinstance(error, FAULTS_OF_THE_RUN))
        return [result for result in results if isinstance(result, ResponseLine)]

    def close(self) -> None:
        """Gives back what reading kept answers took."""
        self._kept.close()

    async def _answer(self, ask: Ask, cell: int, repeat: int) -> ResponseLine:
        """The first answer that follows the schema, of those kept, those of other runs, and new ones."""
        ready = await self._models.get(ask.model)
        asked = Asked(ready, ask, repeat, is_cell=self._state.record.cells is not None)
        line: ResponseLine | None = None
        left = max(1, ask.schema_tries)
        while left:
            nth = self._taken.get(asked.sha256, 0)
            self._taken[asked.sha256] = nth + 1
            line = self._kept.nth(asked.sha256, nth)
            if line is None:
                line = await self._from_elsewhere(asked, cell)
            if line is None:
                line = await self._sent(asked, cell, nth)
            if not line.schema_fault:
                return line
            if line.attempt > self._state.failed_attempt:  # an attempt after a failed one asks anew
                left -= 1
        assert line is not None
        if not ask.must_follow:
            return line
        raise StepFailed(
            f"{ask.model}: the answer does not follow its schema",
            code="schema",
            where=self._state.record.id,
            got=line.schema_fault,
            hint="the answer is kept in responses.jsonl; `schema_tries` in the step asks again",
        )

    async def _sent(self, asked: Asked, cell: int, nth: int) -> ResponseLine:
        """A new answer; a failure that may pass is waited for and tried again, each time as a call of its own."""
        ready = asked.ready
        if self._state.unknown and asked.sha256 in self._state.unknown:
            raise StepFailed(
                f"a call to {asked.ask.model!r} was cut off and may have been paid for; it is not repeated unasked",
                code="outcome_unknown",
                where=self._state.record.id,
                hint="`awo resume RUN --ask-again` repeats such calls",
            )
        because, tries = "", 1
        while True:
            self._refuse_in_vain(ready)
            try:
                line = await self._exchange(asked, cell, nth, tries, because)
                await self._journal.flushed()
                return line
            except ModelFailed as error:
                if error.concerns_model:
                    ready.gone = error
                if not error.is_transient or error.concerns_model or tries >= ready.limits.tries:
                    raise self._step_failed(asked.ask.model, error, tries) from error
                because, tries = error.code, tries + 1
                await asyncio.sleep(backoff_s(tries - 1, error.retry_after_s, random.random))

    def _refuse_in_vain(self, ready: Ready) -> None:
        """Raises what makes another sending useless: the model answers nobody, or the run is being stopped."""
        if ready.gone is not None:
            raise self._step_failed(ready.name, ready.gone, 1) from ready.gone
        if self.is_ending or self._traffic.is_stopping:
            raise Stopping

    async def _exchange(self, asked: Asked, cell: int, nth: int, tries: int, because: str) -> ResponseLine:
        """One sending, from its intent to its outcome.

        A few calls are intended and on record before there is room for them on the wire, so that no
        room stands empty while the disk is waited for.
        """
        ready = asked.ready
        intent: ev.CallIntended | None = None
        sent_at = ""
        try:
            async with ready.ahead:
                self._refuse_in_vain(ready)
                request = asked.request(self._journal.folder.name, nth, self._read)
                intent = await self._intend(asked, cell, tries, because)
                await self._journal.flushed()
                await ready.pace.enter(asked.tokens)
            outcome, retry_after_s, code = Outcome.OTHER, None, ""
            self._traffic.in_flight += 1
            try:
                self._refuse_in_vain(ready)
                sent_at = time.now()
                begun = asyncio.get_running_loop().time()
                reply = await ready.backend.ask(request, ready.limits.timeout_s)
                latency_ms = round((asyncio.get_running_loop().time() - begun) * 1000)
                outcome = Outcome.ANSWERED
                return self._record(asked, intent, reply, sent_at, latency_ms)
            except ModelFailed as error:
                outcome, retry_after_s, code = _outcome(error), error.retry_after_s, error.code
                raise
            finally:
                self._traffic.in_flight -= 1
                ready.pace.leave(outcome, retry_after_s, code)
        except ModelFailed as error:
            if intent is not None:
                self._record_failure(intent, error, sent_at)
            raise
        except (asyncio.CancelledError, Stopping, ModelGone):
            if intent is not None and not sent_at:
                self._record_unsent(intent)
            elif intent is not None:
                self._record_cut_off(ready, intent)
            raise
        except FAULTS_OF_THE_RUN:
            raise  # the disk, not the model
        except Exception as error:  # a seam: a backend that breaks gave no answer
            if intent is None and isinstance(error, AwoError):
                raise  # the budget, or an image
            broke = ModelFailed(
                f"the backend broke: {type(error).__name__}: {error}", is_transient=True, may_have_cost=True
            )
            if intent is not None:
                self._record_failure(intent, broke, sent_at)
            raise broke from error
        finally:
            self._traffic.settled()

    async def _intend(self, asked: Asked, cell: int, tries: int, because: str) -> ev.CallIntended:
        """Records what will be asked, once it fits the budget."""
        step, worst = self._state.record.id, asked.worst_price()
        if not worst and self._journal.state.money.budget is not None:
            raise StepFailed(
                "under a budget every request needs a price and a limit of its answer",
                code="budget",
                where=step,
                hint="give the model a `price`, and `max_tokens` in its params",
                is_final=True,
            )
        await self._traffic.room_for(step, worst)
        return self._journal.append(
            ev.CallIntended,
            step=step,
            attempt=self._state.attempts,
            call=str(self._journal.state.calls),
            cell=cell,
            repeat=asked.repeat,
            tries=tries,
            because=because,
            model=asked.ask.model,
            request_sha256=asked.sha256,
            worst_price=worst,
        )

    def _record(
        self, asked: Asked, intent: ev.CallIntended, reply: Reply, sent_at: str, latency_ms: int
    ) -> ResponseLine:
        """Writes an answer, then its exchange, and appends its event: in one go, so that no other comes between."""
        line = self._line(asked, intent, reply, latency_ms)
        data = self._secrets.cut(encode_sorted(line))
        self._outputs.append_response(data)
        exchange = None
        try:
            exchange = self._keep(intent, reply.exchange, sent_at)
        finally:  # the line stands in the file: without its event the next one's number would be wrong
            self._journal.append(
                ev.CallAnswered,
                step=intent.step,
                call=intent.call,
                line=self._state.lines,
                sha256=sha256_hex(data),
                size_bytes=len(data),
                cost=line.cost,
                exchange=exchange,
                recovered=False,
            )
        return line

    def _record_failure(self, intent: ev.CallIntended, error: ModelFailed, sent_at: str) -> None:
        self._journal.append(
            ev.CallFailed,
            step=intent.step,
            call=intent.call,
            reason=ev.Reason(code=error.code, message=self._secrets.cut_text(error.what)),
            may_have_cost=error.may_have_cost,
            exchange=self._keep(intent, error.exchange, sent_at),
        )

    def _record_cut_off(self, ready: Ready, intent: ev.CallIntended) -> None:
        """A call that was cancelled after it was sent."""
        policy = "retry" if ready.on_unknown == "retry" else "fail"
        self._journal.append(ev.CallUnknown, step=intent.step, call=intent.call, policy=policy, exchange=None)

    def _record_unsent(self, intent: ev.CallIntended) -> None:
        """A call that was intended and never sent."""
        reason = ev.Reason(code="stopped", message="it was not sent: the step or the run was coming to its end")
        self._journal.append(
            ev.CallFailed, step=intent.step, call=intent.call, reason=reason, may_have_cost=False, exchange=None
        )

    def _keep(self, intent: ev.CallIntended, exchange: Exchange | None, sent_at: str) -> ev.ExchangeRef | None:
        if exchange is None:
            return None
        return self._traffic.raw.append(
            exchange, step=intent.step, call=intent.call, model=intent.model, sent_at=sent_at
        )

    def _line(self, asked: Asked, intent: ev.CallIntended, reply: Reply, latency_ms: int) -> ResponseLine:
        usage = Usage(
            prompt_tokens=reply.prompt_tokens,
            completion_tokens=reply.completion_tokens,
            cached_tokens=reply.cached_tokens,
            reasoning_tokens=reply.reasoning_tokens,
        )
        paid = 0 if asked.ready.is_free else cost(asked.ready.record.price, usage)
        text = self._secrets.cut_text(reply.text)
        return ResponseLine(
            salt=new_salt(),
            step=intent.step,
            call=intent.call,
            attempt=intent.attempt,
            at=time.now(),
            model=intent.model,
            backend=asked.ready.record.backend,
            model_asked=asked.ready.asked,
            model_answered=reply.model_answered,
            messages=list(asked.ask.messages),
            params=asked.params,
            seed=asked.seed,
            text=text,
            stop_reason=reply.stop_reason,
            usage=usage,
            latency_ms=latency_ms,
            cell=intent.cell,
            repeat=intent.repeat,
            tries=intent.tries,
            stop_reason_given=reply.stop_reason_given,
            request_id=reply.request_id,
            fingerprint=reply.fingerprint,
            schema_sha256=asked.schema_sha256,
            schema_fault=_schema_fault(asked.ask.schema, text),
            logprobs=_logprobs(reply),
            cost="" if paid is None else usd(paid),
        )

    async def _from_elsewhere(self, asked: Asked, cell: int) -> ResponseLine | None:
        """The answer of another run to the very same request, copied into this one; None without one."""
        step = self._state.record.id
        if self._elsewhere is None or (found := self._elsewhere.find(asked, step, cell)) is None:
            return None
        before, origin = found
        line = replace(
            before,
            salt=new_salt(),
            step=step,
            call=f"r{self._state.lines}",  # no call was made: the line names itself
            attempt=self._state.attempts,
            model=asked.ask.model,
            cell=cell,
            repeat=asked.repeat,
            cost="0",
            origin=origin,
        )
        data = self._secrets.cut(encode_sorted(line))
        self._outputs.append_response(data)
        self._journal.append(
            ev.ResponseReused,
            step=line.step,
            attempt=line.attempt,
            cell=cell,
            repeat=asked.repeat,
            model=line.model,
            request_sha256=asked.sha256,
            line=self._state.lines,
            sha256=sha256_hex(data),
            size_bytes=len(data),
            origin=origin,
        )
        await self._journal.keep_up()
        return line

    def _step_failed(self, model: str, error: ModelFailed, tries: int) -> StepFailed:
        """The error for the step, or `ModelGone` when every other request would fail alike."""
        times = f" ({tries} times)" if tries > 1 else ""
        kind = ModelGone if error.concerns_model else StepFailed
        return kind(
            f"{model}: {self._secrets.cut_text(error.what)}{times}",
            code=error.code,
            where=error.where,
            expected=error.expected,
            got=self._secrets.cut_text(error.got),
            hint=error.hint,
            is_final=not error.is_transient,
        )


def _schema_fault(schema: str, text: str) -> str:
    """How the answer breaks the schema that was asked for; '' when it does not, or none was."""
    if not schema:
        return ""
    from awo.workflow.answer_schema import why_not

    return why_not(schema, text)


def _outcome(error: ModelFailed) -> Outcome:
    if error.code == "rate_limited":
        return Outcome.RATE_LIMITED
    return Outcome.BROKEN if error.code in BROKEN else Outcome.OTHER


def _logprobs(reply: Reply) -> list[TokenLogprob] | None:
    if reply.logprobs is None:
        return None
    return [
        TokenLogprob(
            token=one.token,
            logprob=_finite(one.logprob),
            top={token: _finite(logprob) for token, logprob in one.top.items()},
        )
        for one in reply.logprobs
    ]


def _finite(logprob: float) -> float:
    """JSON has no infinity: a token that cannot be gets what OpenAI writes for one."""
    return logprob if math.isfinite(logprob) else IMPOSSIBLE
