"""A run for tests that read one: its events in order, and the contents of its files from memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from awo.canon.digest import sha256_hex
from awo.canon.json import canonical, pretty
from awo.canon.time import spell
from awo.derive.facts import RunFacts
from awo.evidence import events as ev
from awo.evidence import layout
from awo.evidence.gates import Answer, ChecklistItem, Decision, GateRequest, Need, Signer
from awo.evidence.records import (
    CellsRecord,
    InputFile,
    InputRecord,
    ItemLine,
    Message,
    ModelRecord,
    OverRecord,
    ResponseLine,
    RetryRecord,
    StepRecord,
    Usage,
    json_object,
)
from awo.gate.project import DEFAULT_RULES
from awo.lifecycle.chronicle import Chronicle

RUN_ID = "run_2026-11-23T06-09-00Z"
KEY = "SHA256:" + "k" * 43
BEGIN_US = 1_795_414_140_000_000


def ref(path: str, content: bytes = b"") -> ev.FileRef:
    """The reference to a file that has this content."""
    return ev.FileRef(path=path, sha256=sha256_hex(content), size_bytes=len(content))


def step(id_: str, op: str, needs: Iterable[str] = (), **args: Any) -> StepRecord:
    """A step of a workflow."""
    return StepRecord(
        id=id_,
        op=op,
        args=json_object(args),
        needs=tuple(needs),
        when="",
        retries=RetryRecord(max=0, delay_s=0),
        timeout_s=0,
    )


def plan(steps: Iterable[StepRecord], **changes: Any) -> InputRecord:
    """An input.json with these steps."""
    record = InputRecord(
        format="awo/input/v1",
        name="A small run",
        description="",
        source=ref("workflow.yaml", b"name: A small run\n"),
        seed=7,
        inputs={},
        files=[],
        models={},
        default_model="echo",
        steps=list(steps),
    )
    return msgspec.structs.replace(record, **changes)


class Told:
    """Tells a run event by event, a tenth of a second apart, and remembers the files that it names."""

    def __init__(self, steps: Iterable[StepRecord], **changes: Any) -> None:
        self.plan = plan(steps, **changes)
        self.chronicle = Chronicle(self.plan)
        self.events: list[ev.AnyEvent] = []
        self.values: dict[str, Any] = {}
        self.lines: dict[str, list[ResponseLine]] = {}
        self.decisions: dict[str, Decision] = {}
        self.requests: dict[str, GateRequest] = {}
        self.files: dict[str, bytes] = {}
        self.item_lines: dict[str, list[ItemLine]] = {}
        self.items_read = 0
        self.lines_read = 0
        self.values_read = 0

    def say(self, kind: type[Any], **fields: Any) -> Any:
        """The next event."""
        seq = len(self.events)
        event = kind(seq=seq, at=spell(BEGIN_US + seq * 100_000), **fields)
        self.events.append(event)
        self.chronicle.add(event)
        return event

    def facts(self) -> RunFacts:
        return self.chronicle.facts()

    def start(
        self, *, solo: bool = False, starter: str = "alice@example.org", environment: dict[str, Any] | None = None
    ) -> None:
        self.say(
            ev.RunStarted,
            format="awo/journal/v1",
            run_id=RUN_ID,
            software=ev.Software(name="awo", version="2.0"),
            input=ref(layout.INPUT, pretty(self.plan)),
            starter=ev.Starter(id=starter, key=KEY),
            supersedes="",
            solo=solo,
        )
        self.say(ev.EnvironmentRecorded, environment=environment or {"python": {"version": "3.11.7"}})

    def begin(self, id_: str, attempt: int = 1) -> None:
        self.say(ev.StepStarted, step=id_, attempt=attempt)

    def call(self, id_: str, model: str, **changes: Any) -> str:
        """An intent; gives the call's name."""
        name = str(sum(isinstance(event, ev.CallIntended) for event in self.events))
        fields: dict[str, Any] = {
            "attempt": 1,
            "cell": 0,
            "repeat": 0,
            "tries": 1,
            "because": "",
            "request_sha256": "0" * 64,
            "worst_price": "0",
        }
        self.say(ev.CallIntended, step=id_, call=name, model=model, **(fields | changes))
        return name

    def answer(
        self,
        id_: str,
        model: str,
        prompt: str,
        text: str,
        *,
        recovered: bool = False,
        cost: str = "0",
        **changes: Any,
    ) -> str:
        call = self.call(id_, model, **changes)
        kept = self.lines.setdefault(id_, [])
        kept.append(response(id_, call, model, prompt, text))
        self.say(
            ev.CallAnswered,
            step=id_,
            call=call,
            line=len(kept) - 1,
            sha256="0" * 64,
            size_bytes=9,
            cost=cost,
            exchange=None,
            recovered=recovered,
        )
        return call

    def no_answer(
        self, id_: str, call: str, code: str = "model", message: str = "no", *, may_have_cost: bool = False
    ) -> None:
        """The call failed."""
        self.say(
            ev.CallFailed,
            step=id_,
            call=call,
            reason=ev.Reason(code=code, message=message),
            may_have_cost=may_have_cost,
            exchange=None,
        )

    def lose(self, id_: str, call: str) -> None:
        """Nobody knows how the call went."""
        self.say(ev.CallUnknown, step=id_, call=call, policy="retry", exchange=None)

    def reuse(self, id_: str, model: str, cell: int = 0) -> None:
        """A response of another run answers a request."""
        origin = ev.Origin(run_id="run_2026-11-22T06-09-00Z", step=id_, line=0, sha256="0" * 64)
        line = len(self.lines.setdefault(id_, []))
        self.lines[id_].append(msgspec.structs.replace(response(id_, "", model, "?", "!"), origin=origin))
        self.say(
            ev.ResponseReused,
            step=id_,
            attempt=1,
            cell=cell,
            repeat=0,
            model=model,
            request_sha256="0" * 64,
            line=line,
            sha256="0" * 64,
            size_bytes=9,
            origin=origin,
        )

    def finish(self, id_: str, value: Any, files: dict[str, bytes] | None = None, attempt: int = 1) -> None:
        path = layout.value_path(id_)
        self.values[path] = value
        named = {layout.file_path(id_, name): content for name, content in (files or {}).items()}
        self.files |= named
        self.say(
            ev.StepFinished,
            step=id_,
            attempt=attempt,
            value=ref(path, pretty(value)),
            files=[ref(name, content) for name, content in sorted(named.items())],
        )

    def finish_cells(self, id_: str, items: list[ItemLine], attempt: int = 1) -> None:
        """A step that fans out is done: these are its cells."""
        path = layout.items_path(id_)
        self.item_lines[path] = items
        failed = sum(one.status == "failed" for one in items)
        value = {"cells": len(items), "done": len(items) - failed, "failed": failed, "path": path}
        self.values[layout.value_path(id_)] = value
        self.say(
            ev.StepFinished,
            step=id_,
            attempt=attempt,
            value=ref(layout.value_path(id_), pretty(value)),
            files=[ref(path, b"".join(msgspec.json.encode(one) + b"\n" for one in items))],
        )

    def fail(self, id_: str, code: str, message: str, *, attempt: int = 1, retries_left: int = 0) -> None:
        self.say(
            ev.StepFailed,
            step=id_,
            attempt=attempt,
            reason=ev.Reason(code=code, message=message),
            retries_left=retries_left,
            files=[ref(f"{layout.attempt_folder(id_, attempt)}/stderr.txt", b"no\n")],
        )

    def gate(self, id_: str, items: Iterable[ChecklistItem] = (), shows: Iterable[ev.FileRef] = ()) -> GateRequest:
        request = GateRequest(
            format="awo/gate-request/v1",
            gate=id_,
            checklist=list(items) or [item("looked", "I have read the answers.")],
            needs=[Need(role="reviewer", count=1)],
            rules=DEFAULT_RULES,
        )
        path = layout.gate_request_path(id_)
        self.requests[path] = request
        self.say(ev.GateOpened, gate=id_, request=ref(path, pretty(request)), files=[], shows=list(shows))
        return request

    def decide(self, gate: str, verdict: Any = "approve", **changes: Any) -> Decision:
        number = len(self.decisions) + 1
        decision = Decision(
            format="awo/decision/v1",
            run_id=RUN_ID,
            gate=gate,
            verdict=verdict,
            meaning="approval",
            signer=Signer(id="bob@example.org", name="Bob Reviewer", role="reviewer", key=KEY),
            at=spell(BEGIN_US),
            expires_at="",
            presence="passphrase",
            solo=False,
            answers=[Answer(id="looked", answer="yes")],
            comment="",
            required_changes=[],
            from_step="",
            checkpoint=self.facts().gates[-1].checkpoint,
            shows=[],
        )
        decision = msgspec.structs.replace(decision, **changes)
        path = layout.decision_path(number, gate)
        self.decisions[path] = decision
        self.say(
            ev.DecisionRecorded,
            gate=gate,
            number=number,
            verdict=verdict,
            signer=decision.signer.id,
            decision=ref(path, canonical(decision)),
            signature=ref(layout.signature_path(path), b"sig"),
            authority=ref(layout.authority_path(path), b"{}"),
            opens=0,
            nonce="",
        )
        return decision

    def close(self, gate: str, verdict: Any = "approved") -> None:
        self.say(ev.GateClosed, gate=gate, verdict=verdict)

    def end(self, outcome: Any) -> None:
        self.say(ev.RunFinished, outcome=outcome)

    # --- the files, as `awo.derive.report.Reader` asks for them ---------------------------------

    def value(self, path: str) -> Any:
        self.values_read += 1
        return self.values[path]

    def responses(self, id_: str) -> Iterator[ResponseLine]:
        for line in self.lines.get(id_, []):
            self.lines_read += 1
            yield line

    def items(self, path: str) -> Iterator[ItemLine]:
        for line in self.item_lines[path]:
            self.items_read += 1
            yield line

    def failed_items(self, path: str) -> Iterator[ItemLine]:
        return (line for line in self.item_lines[path] if line.status == "failed")

    def decision(self, path: str) -> Decision:
        return self.decisions[path]

    def gate_request(self, path: str) -> GateRequest:
        return self.requests[path]

    def head(self, path: str, limit_bytes: int) -> str:
        return self.files[path][:limit_bytes].decode(errors="replace")


def response(id_: str, call: str, model: str, prompt: str, text: str) -> ResponseLine:
    """A line of responses.jsonl."""
    return ResponseLine(
        salt="0" * 32,
        step=id_,
        call=call,
        attempt=1,
        at=spell(BEGIN_US),
        model=model,
        backend=model,
        model_asked=model,
        model_answered=model,
        messages=[Message(role="user", content=prompt)],
        params={},
        seed=0,
        text=text,
        stop_reason="stop",
        usage=Usage(prompt_tokens=-1, completion_tokens=-1),
        latency_ms=3,
    )


def cell(index: int, value: Any, **changes: Any) -> ItemLine:
    """The result of one cell of a fan-out."""
    line = ItemLine(
        cell=index,
        item=f"row{index}",
        matrix={},
        repeat=0,
        row={"text": f"the text of row {index}"},
        status="done",
        reason=None,
        value=value,
        calls=[str(index)],
    )
    return msgspec.structs.replace(line, **changes)


def fanned(id_: str, op: str = "llm_map", *, over: str = "rows", **changes: Any) -> StepRecord:
    """A step that does its work for each row of a data set."""
    record = CellsRecord(over=OverRecord(kind="data", name=over), matrix={}, repeats=1, max_failed=9)
    return msgspec.structs.replace(step(id_, op), cells=msgspec.structs.replace(record, **changes))


def item(id_: str, text: str, *, required: bool = True) -> ChecklistItem:
    """A yes-or-no question."""
    return ChecklistItem(id=id_, text=text, kind="yes_no", required=required)


def text_file(path: str, content: str) -> InputFile:
    """A file that a workflow reads."""
    data = content.encode()
    return InputFile(path=path, sha256=sha256_hex(data), size_bytes=len(data), encoding="utf-8", content=content)


def model(backend: str, name: str = "", **changes: Any) -> ModelRecord:
    """A model as a workflow asks for it."""
    record = ModelRecord(backend=backend, model=name or backend, params={}, seed=0, on_unknown="")
    return msgspec.structs.replace(record, **changes)


def reviewed_run(*, name: str = "Kettle reviews", said: str = "No, the customer is not happy.") -> Told:
    """A whole run: claim, fan-out, vote, assertion, command, text, gate, approval, text; a retry and a skip."""
    claim = "id: happy\nstatement: A small model can tell praise from a complaint.\n"
    told = Told(
        [
            step("scope", "scope_validate", claims_glob="claim.yaml"),
            step(
                "complaint",
                "fanout_generate",
                ["scope"],
                prompt='A customer wrote: "{{ inputs.complaint }}" Is this customer happy?',
                models=["first", "second", "warm", "echo"],
            ),
            step("vote", "consensus_vote", ["complaint"], inputs_from="complaint"),
            step("check", "assert_contains", ["vote"], from_step="vote", must_include=["not happy"]),
            step("count", "command", ["complaint"], argv=["wc", "-w", "reviews.md"]),
            step("extra", "llm_map", ["vote"], prompt="Why?"),
            step("summary", "write_text", ["vote", "count"], path="summary.md", text="…"),
            step("gate", "audit_gate", ["scope", "complaint", "vote", "check", "count", "extra", "summary"]),
            step("conclusion", "write_text", ["gate"], path="conclusion.md", text="…"),
        ],
        name=name,
        description="Can a very small model tell whether a customer is happy? A person looks before we believe it.",
        inputs={"complaint": "The kettle leaked on the second day. I want my money back.", "reviews": 4},
        files=[text_file("claim.yaml", claim), text_file("reviews.md", "- It leaked.\n")],
        models={
            "first": model("llama", "smollm2", params={"temperature": 0.0, "max_tokens": 60}, seed=1),
            "second": model("llama", "smollm2", params={"temperature": 0.0, "max_tokens": 60}, seed=2),
            "warm": model("llama", "smollm2", params={"temperature": 0.9, "max_tokens": 60}, seed=3),
        },
    )
    told.start(
        environment={
            "python": {"version": "3.11.7", "implementation": "CPython"},
            "platform": {"system": "Linux", "release": "6.1", "machine": "x86_64"},
            "cpu": {"model": "A CPU", "logical_cores": 2, "usable_cores": 2},
            "packages": ["awo==2.0", "msgspec==0.22.0"],
            "git": {"commit": "c" * 40, "branch": "main", "is_dirty": True, "diff_sha256": "d" * 64},
        }
    )
    told.begin("scope")
    told.finish("scope", {"claims": [{"id": "happy", "source": "claim.yaml", "problems": []}], "overall_ok": True})
    for one in ("first", "second", "warm"):
        facts = {"backend": "llama", "answered": "SmolLM2-135M-Instruct", "weights_sha256": "a" * 64}
        told.say(ev.ModelRecorded, model=one, facts=facts | {"build": "b1", "threads": 2})
    told.begin("complaint")
    prompt = 'A customer wrote: "The kettle leaked on the second day." Is this customer happy?'
    texts = {"first": said, "second": said, "warm": "The customer is\nindeed happy. " + "They wait. " * 60}
    for one, text in {**texts, "echo": prompt}.items():
        told.answer("complaint", one, prompt, text)
    told.finish("complaint", {"responses": [], "count": 4}, {})
    told.begin("count")
    told.fail("count", "exit_code", "the program ended with exit code 1", retries_left=1)
    told.begin("count", 2)
    told.finish(
        "count",
        {"argv": ["wc", "-w", "reviews.md"], "exit_code": 0, "stdout_text": "3 reviews.md\n"},
        {"stdout.txt": b"3 reviews.md\n"},
        attempt=2,
    )
    told.begin("vote")
    groups = [{"text": said, "norm": said.lower(), "voters": ["first", "second"]}]
    groups += [{"text": text, "norm": text, "voters": [who]} for who, text in (("warm", "It is."), ("echo", prompt))]
    told.finish(
        "vote", {"consensus_text": said, "voters": ["first", "second"], "total_candidates": 4, "groups": groups}
    )
    told.begin("check")
    told.finish("check", {"passed": True, "checked": 1, "must_include": ["not happy"]})
    told.say(ev.StepSkipped, step="extra", reason=ev.Reason(code="when", message="its condition was false"))
    told.begin("summary")
    summary = b"# Summary\n\nTwo of four agree.\n"
    path = layout.file_path("summary", "summary.md")
    told.finish(
        "summary", {"path": path, "sha256": sha256_hex(summary), "size_bytes": len(summary)}, {"summary.md": summary}
    )
    told.begin("gate")
    told.gate(
        "gate",
        [item("looked", "I have read every answer."), item("odd", "Something was odd.", required=False)],
        shows=[ref(path, summary)],
    )
    told.decide("gate", comment="The model says no to everything.\nRead the reviews yourself.")
    told.close("gate")
    told.finish("gate", {"verdict": "approved", "decisions": sorted(told.decisions)})
    told.begin("conclusion")
    conclusion = b"Not ready.\n"
    path = layout.file_path("conclusion", "conclusion.md")
    told.finish(
        "conclusion",
        {"path": path, "sha256": sha256_hex(conclusion), "size_bytes": len(conclusion)},
        {"conclusion.md": conclusion},
    )
    told.end("approved")
    return told
