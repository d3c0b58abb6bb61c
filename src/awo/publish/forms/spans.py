"""`--as spans`: a run as one OpenTelemetry trace in OTLP/JSON lines: the run, its steps, its calls, its gates.

Prompts and answers are left out unless they are asked for. Nothing of this is in a sealed record: the names of the
conventions are still in development (gen_ai.py). Source: docs/provenance.md.
"""

from __future__ import annotations

from contextlib import closing
from typing import Any, Final

import awo
from awo.derive.facts import RunFacts
from awo.engine.reading import events_of
from awo.engine.recorded import NOT_KNOWN
from awo.evidence import events as ev
from awo.evidence.records import ResponseLine
from awo.publish.described.shapes import Described
from awo.publish.forms import gen_ai
from awo.publish.forms.otlp import CLIENT, INTERNAL, Event, Lines, Span, span_id, trace_id
from awo.publish.forms.response_reader import ResponseReader
from awo.publish.forms.sealed import intact_seal
from awo.publish.forms.seam import Wanted, Written
from awo.publish.placing import new_file, refuse_place

MOST_EVENTS: Final = 1_000
"""Events of one span; more are counted as dropped."""


class Spans:
    """Implements `awo.publish.forms.seam.Form`."""

    ending = ".otlp.jsonl"
    holds = "facts"
    is_signed = False
    of_sealed = False

    def write(self, wanted: Wanted) -> Written:
        """As `Form.write`. Reads journal and responses once; memory grows with the calls in flight alone."""
        out, described = wanted.place(self.ending), wanted.described
        refuse_place(wanted.folder, out, "--output")
        if described.seal is not None:
            intact_seal(wanted.folder, described)
        facts = described.facts
        trace = trace_id(facts.run_id, facts.input_file.sha256)
        with (
            new_file(out, "--output") as stream,
            closing(ResponseReader(wanted.folder, withheld=described.withheld)) as responses,
        ):
            lines = Lines(stream, trace, _resource(facts), _scope())
            told = _Trace(described, trace, lines, responses, has_content=wanted.has_content)
            for event in events_of(wanted.folder):
                if event.seq >= facts.checkpoint.size:
                    break  # the run goes on while this is written
                told.take(event)
            told.end()
            lines.flush()
        return Written(
            out,
            {
                "spans": lines.count,
                "trace_id": trace,
                "has_content": wanted.has_content,
                "semantic_conventions": gen_ai.SEMANTIC_CONVENTIONS,
            },
            (f"spans: {lines.count}", f"trace id: {trace}"),
        )


def _resource(facts: RunFacts) -> dict[str, Any]:
    return {
        "service.name": facts.software.name,
        "service.version": facts.software.version,
        "awo.run.id": facts.run_id,
    }


def _scope() -> dict[str, Any]:
    return {
        "name": "awo.publish.forms.spans",
        "version": awo.__version__,
        "attributes": [
            {"key": "awo.semantic_conventions", "value": {"stringValue": gen_ai.SEMANTIC_CONVENTIONS}},
        ],
    }


class _Open:
    """A span that has begun: the run, or an attempt of a step."""

    def __init__(self, id_: str, started_at: str, name: str) -> None:
        self.id = id_
        self.started_at = started_at
        self.name = name
        self.events: list[Event] = []
        self.dropped = 0
        self.attempt = 0

    def tell(self, name: str, at: str, attributes: dict[str, Any]) -> None:
        """Adds an event while there is room."""
        if len(self.events) < MOST_EVENTS:
            self.events.append(Event(name, at, attributes))
        else:
            self.dropped += 1

    def ended(self, parent_id: str, at: str, attributes: dict[str, Any], error: ev.Reason | None = None) -> Span:
        """The span, with all that was told of it."""
        return Span(
            id=self.id,
            parent_id=parent_id,
            name=self.name,
            started_at=self.started_at,
            ended_at=at,
            attributes=attributes | _typed(error),
            error=error,
            events=tuple(self.events),
            dropped_events=self.dropped,
        )


class _Trace:
    """Takes the events of a journal in their order and adds the spans that they end."""

    def __init__(
        self, described: Described, trace: str, lines: Lines, responses: ResponseReader, *, has_content: bool
    ) -> None:
        facts = described.facts
        self._facts = facts
        self._trace = trace
        self._lines = lines
        self._responses = responses
        self._has_content = has_content
        self._operations = {step.record.id: step.record.op for step in facts.steps}
        self._said: dict[str, dict[str, Any]] = {}
        self._named: dict[str, dict[str, Any]] = {}
        self._steps: dict[str, _Open] = {}
        self._calls: dict[tuple[str, str], ev.CallIntended] = {}
        self._root = _Open(span_id(trace, "run"), facts.started_at, f"run {facts.input.name or facts.run_id}")

    def take(self, event: ev.AnyEvent) -> None:
        """The next event."""
        match event:
            case ev.ModelRecorded():
                self._said[event.model] = event.facts
                self._named.pop(event.model, None)
            case ev.StepStarted():
                self._begin(event)
            case ev.StepFinished():
                self._end_step(event.step, event.at)
            case ev.StepFailed():
                self._end_step(event.step, event.at, event.reason)
            case ev.CallIntended():
                self._calls[event.step, event.call] = event
            case ev.CallAnswered() | ev.CallFailed() | ev.CallUnknown():
                self._end_call(event)
            case ev.ResponseReused():
                self._responses.next(event)  # it is no call; its line stands among those of calls
            case _:
                self._tell(event)

    def end(self) -> None:
        """What has no end yet ends where the journal does; the run is the last span."""
        facts = self._facts
        for step, call in list(self._calls):
            asked = self._calls.pop((step, call))
            self._lines.add(self._call(asked, facts.last_at, "open", {}))
        for step in list(self._steps):
            self._end_step(step, facts.last_at)
        is_well = facts.outcome in ("", "completed", "approved")
        failed = None if is_well else ev.Reason(code=facts.outcome, message=f"the run ended as {facts.outcome}")
        self._lines.add(
            self._root.ended(
                "",
                facts.ended_at or facts.last_at,
                {
                    "awo.run.id": facts.run_id,
                    "awo.run.outcome": facts.outcome,
                    "awo.run.supersedes": facts.supersedes,
                    "awo.workflow.name": facts.input.name,
                    "awo.workflow.sha256": facts.input.source.sha256,
                    "awo.journal.size": facts.checkpoint.size,
                    "awo.journal.root": facts.checkpoint.root,
                },
                failed,
            )
        )

    def _begin(self, event: ev.StepStarted) -> None:
        op = self._operations.get(event.step, "")
        id_ = span_id(self._trace, "step", event.step, str(event.attempt))
        begun = _Open(id_, event.at, f"{op} {event.step}")
        begun.attempt = event.attempt
        self._steps[event.step] = begun

    def _end_step(self, step: str, at: str, reason: ev.Reason | None = None) -> None:
        begun = self._steps.pop(step, None)
        if begun is None:
            return
        told = {
            "awo.step": step,
            "awo.step.operation": self._operations.get(step, ""),
            "awo.step.attempt": begun.attempt,
        }
        self._lines.add(begun.ended(self._root.id, at, told, reason))

    def _end_call(self, event: ev.CallAnswered | ev.CallFailed | ev.CallUnknown) -> None:
        response = self._responses.next(event) if isinstance(event, ev.CallAnswered) else None
        asked = self._calls.pop((event.step, event.call), None)
        if asked is None:
            return
        match event:
            case ev.CallAnswered():
                at = response.at if event.recovered and response is not None else event.at
                told = {"awo.response.sha256": event.sha256, "awo.cost_usd": event.cost}
                self._lines.add(self._call(asked, at, "answered", told | self._answer(response)))
            case ev.CallFailed():
                may = {"awo.call.may_have_cost": event.may_have_cost}
                self._lines.add(self._call(asked, event.at, "failed", may, event.reason))
            case ev.CallUnknown():
                then = {"awo.call.policy": event.policy}
                self._lines.add(self._call(asked, event.at, "unknown", then, NOT_KNOWN))

    def _answer(self, response: ResponseLine | None) -> dict[str, Any]:
        if response is None:
            return {}
        return gen_ai.of_response(response) | (gen_ai.texts_of(response) if self._has_content else {})

    def _call(
        self, asked: ev.CallIntended, at: str, outcome: str, told: dict[str, Any], error: ev.Reason | None = None
    ) -> Span:
        record = self._facts.input.models.get(asked.model)
        named = self._named.get(asked.model)
        if named is None:
            named = gen_ai.of_request(asked.model, record, self._said.get(asked.model, {}))
            self._named[asked.model] = named
        step = self._steps.get(asked.step)
        backend = record.backend if record is not None else asked.model
        about = {
            "awo.step": asked.step,
            "awo.call": asked.call,
            "awo.model": asked.model,
            "awo.cell": asked.cell,
            "awo.repeat": asked.repeat,
            "awo.tries": asked.tries,
            "awo.request.sha256": asked.request_sha256,
            "awo.call.outcome": outcome,
        }
        return Span(
            id=span_id(self._trace, "call", asked.step, asked.call),
            parent_id=step.id if step is not None else self._root.id,
            name=f"{gen_ai.CHAT} {named['gen_ai.request.model']}",
            started_at=asked.at,
            ended_at=at,
            kind=INTERNAL if backend in gen_ai.IN_PROCESS else CLIENT,
            attributes=named | about | told | _typed(error),
            error=error,
        )

    def _tell(self, event: ev.AnyEvent) -> None:
        """Gates are told where they stand: in their step, else in the run."""
        told = _told(event)
        if told is None:
            return
        gate = getattr(event, "gate", "")
        place = self._steps.get(gate, self._root)
        place.tell(f"awo.{type(event).__struct_config__.tag}", event.at, told)


def _typed(error: ev.Reason | None) -> dict[str, Any]:
    return {} if error is None else {"error.type": error.code}


def _told(event: ev.AnyEvent) -> dict[str, Any] | None:
    """What an event that is no span says of itself; None for one that is not told."""
    match event:
        case ev.GateOpened():
            return {"awo.gate": event.gate, "awo.gate.request.sha256": event.request.sha256}
        case ev.DecisionRecorded():
            return {
                "awo.gate": event.gate,
                "awo.decision.verdict": event.verdict,
                "awo.decision.signer": event.signer,
                "awo.decision.sha256": event.decision.sha256,
            }
        case ev.VoteCommitted():
            return {"awo.gate": event.gate, "awo.decision.signer": event.signer}
        case ev.GateClosed():
            return {"awo.gate": event.gate, "awo.gate.verdict": event.verdict}
        case ev.DeadlinePassed():
            return {"awo.gate": event.gate, "awo.gate.then": event.then}
        case ev.GateLapsed():
            return {"awo.gate": event.gate}
        case ev.RunResumed():
            return {"awo.software": f"{event.software.name} {event.software.version}"}
        case ev.RunInterrupted():
            return {"awo.signal": event.signal}
        case ev.BudgetReached():
            return {"awo.step": event.step, "awo.budget_usd": event.budget}
        case ev.StepSkipped() | ev.StepReused():
            return {"awo.step": event.step}
        case _:
            return None
