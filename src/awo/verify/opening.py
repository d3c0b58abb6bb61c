"""Chapter 4: whether a gate, when it opened, asked what the plan says and showed all that was on record."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import msgspec

from awo.canon.json import parse
from awo.derive.panels import PANEL_FILE, panel_seed
from awo.errors import AwoError, EvidenceError
from awo.evidence.gates import GateRequest, Need, Panel
from awo.evidence.layout import INPUT, JOURNAL, file_path, gate_report_path
from awo.evidence.records import InputRecord, StepRecord
from awo.gate.checklist import read_any_checklist
from awo.verify.decisions import JudgedGate
from awo.verify.doubled import doubled_key
from awo.verify.findings import Answer
from awo.verify.reading import Reading
from awo.verify.replanned import SEED
from awo.verify.shown import some_of


def shown_as_due(reading: Reading, gates: Iterable[JudgedGate], answer: Answer) -> None:
    """For EP-4.4: each gate showed everything that was on record, the report and the page of its panel among it."""
    for finding in reading.journal.shown_wrongly if reading.journal is not None else ():
        answer.add(finding)
    for gate in gates:
        opened = gate.seen.opened
        due = {gate_report_path(opened.gate)}
        if gate.request is not None and gate.request.panel is not None and gate.request.panel.path:
            due.add(file_path(opened.gate, PANEL_FILE))
        got = [ref.path for ref in opened.files]
        if gate.request is not None and sorted(due) != got:
            what = f"the gate {opened.gate} did not make the files that a gate makes when it opens"
            answer.fail(f"{JOURNAL}:{opened.seq + 1}", what, some_of(sorted(due)), some_of(got))


def asked_as_planned(reading: Reading, gate: JudgedGate, request: GateRequest, answer: Answer) -> None:
    """For EP-4.11: gate.json has the questions of the plan's checklist, the panel of the plan, and needs that ask for
    somebody; the gate's value says how it ended."""
    opened, plan = gate.seen.opened, reading.plan
    where = opened.request.path
    if request.gate != opened.gate:
        answer.fail(where, "the record is about another gate than the event that names it", opened.gate, request.gate)
    _needs(where, request, answer)
    if plan is None and reading.hidden.anything:
        answer.withhold(where, "what the gate should ask stands in input.json, and that is withheld")
        return
    steps = enumerate(plan.steps) if plan is not None else ()
    number, step = next((found for found in steps if found[1].id == opened.gate), (-1, None))
    if plan is None or step is None:
        answer.cannot(where, "what the gate should ask stands in input.json, which has no such step or cannot be read")
        return
    args, hidden = _arguments(step), reading.hidden
    panel = _panel_of(plan, step, args)
    if number in hidden.arguments:
        answer.withhold(where, "the arguments of the gate in input.json are withheld")
    else:
        _checklist(where, args.get("checklist"), plan, request, hidden.files, answer)
    if number in hidden.arguments or (panel is not None and hidden.any_of(*SEED)):
        answer.withhold(where, "what gives the panel of the gate in input.json is withheld")
    elif request.panel != panel:
        expected, got = (msgspec.json.encode(one).decode() for one in (panel, request.panel))
        answer.fail(where, "the panel is not the one that the plan gives", expected, got)
    _value(reading, gate, answer)


def _needs(where: str, request: GateRequest, answer: Answer) -> None:
    rules = request.rules
    if not request.needs or (rules.then == "escalate" and not rules.escalate):
        answer.fail(where, "the gate asks for nobody", "a need of at least one person")
    if rules.then != "escalate" and rules.escalate:
        answer.fail(where, "the gate names people to escalate to, and its rules never do")
    for needs in (request.needs, rules.escalate):
        if twice := _twice(needs):
            answer.fail(where, "a role is asked for twice, so that one person meets both", got=ascii(twice)[1:-1])


def _twice(needs: list[Need]) -> str:
    seen: set[str] = set()
    for need in needs:
        if need.role in seen:
            return need.role
        seen.add(need.role)
    return ""


def _checklist(
    where: str, path: Any, plan: InputRecord, request: GateRequest, hidden: Collection[int], answer: Answer
) -> None:
    files = ((number, one) for number, one in enumerate(plan.files) if one.path == path)
    number, file = next(files, (-1, None))
    if number in hidden or (file is None and hidden):
        answer.withhold(where, "the checklist of the gate in input.json is withheld")
        return
    if file is None:
        answer.fail(where, "the plan has no checklist for this gate", got=ascii(path)[:80])
        return
    if file.encoding != "utf-8":
        answer.cannot(where, "the package has only the digest of the checklist that the gate asks", got=file.path)
        return
    try:
        planned = read_any_checklist(file.content, where=file.path)
    except AwoError as error:
        answer.fail(where, f"the checklist of the plan is none: {error.what}", got=error.where)
        return
    if planned == request.checklist:
        return
    if len(planned) != len(request.checklist):
        expected, got = (f"{len(items)} questions" for items in (planned, request.checklist))
    else:
        pairs = zip(planned, request.checklist, strict=True)
        expected, got = next(
            (msgspec.json.encode(one).decode(), msgspec.json.encode(other).decode())
            for one, other in pairs
            if one != other
        )
    answer.fail(where, f"the gate asks something else than {ascii(file.path)[1:-1]} in {INPUT}", expected, got)


def _panel_of(plan: InputRecord, step: StepRecord, args: dict[str, Any]) -> Panel | None:
    if not args.get("blind"):
        return None
    named = args.get("of") or ()
    of = [str(name) for name in named] if isinstance(named, list) else []
    return Panel(seed=panel_seed(plan.seed, step.id), of=of, path=file_path(step.id, PANEL_FILE) if of else "")


def _value(reading: Reading, gate: JudgedGate, answer: Answer) -> None:
    """The value of a gate that was approved names its decisions; steps behind it may have used that."""
    went_on = gate.seen.went_on
    if went_on is None:
        return
    path = went_on.value.path
    data = reading.kept.get(path)
    if reading.withheld.is_away(path):
        answer.withhold(path)
        return
    if data is None or reading.digests.get(path) != went_on.value.sha256:
        answer.cannot(path, "the value of the gate is not here as it was recorded")
        return
    expected = {
        "verdict": "approved",
        "decisions": [event.decision.path for event in gate.seen.decisions if event.seq < went_on.seq],
    }
    try:
        got = parse(data, dict[str, Any], where=path)
    except EvidenceError as error:
        answer.fail(path, error.what, got=error.got)
        return
    if key := doubled_key(data):
        answer.fail(path, "a key stands twice in one object", got=key)
    elif got != expected:
        shown = msgspec.json.encode(expected).decode()
        answer.fail(path, "the value of the gate is not what was decided there", shown, data.decode(errors="replace"))
    if went_on.files:
        answer.fail(path, "a gate leaves no files when it is approved", got=went_on.files[0].path)


def _arguments(step: StepRecord) -> dict[str, Any]:
    try:
        return msgspec.json.decode(step.args, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError):
        return {}
