"""What a gate asked and showed when it opened, held against the plan and the journal by the judge."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.test_verify_checks import failed_ids, judged, unchecked_ids
from tests.vectors.builder import Package, step
from tests.vectors.gated import PANEL
from tests.vectors.record import sha256
from tests.vectors.stories import CHECKLIST, GATE, GREET, approved, at_gate, save, saving

from awo.evidence import events as ev
from awo.evidence import layout
from awo.evidence.gates import ChecklistItem, Need
from awo.evidence.records import InputFile
from awo.verify.report import Report


def said(report: Report) -> str:
    """What the first finding of the first check that failed says."""
    return report.results("failed")[0].findings[0].what


def file(path: str, text: str, *, is_carried: bool = True) -> InputFile:
    encoding: Any = "utf-8" if is_carried else "absent"
    content = text if is_carried else ""
    return InputFile(path=path, sha256=sha256(text.encode()), size_bytes=len(text), encoding=encoding, content=content)


def gate_of(*files: InputFile, **args: Any) -> Report:
    """A run that was approved at a gate of the usual question, whose plan has these arguments and files."""
    plan: dict[str, Any] = {"files": list(files)} if files else {}
    package = Package([step(GREET, "llm_map"), step(GATE, "audit_gate", GREET, **args), saving(GREET, GATE)], **plan)
    package.start(GREET)
    package.ask(GREET, "good day")
    package.finish(GREET, package.answer_of(GREET))
    package.open_gate(GATE)
    package.decide(GATE)
    package.close_gate(GATE, "approved")
    save(package)
    return judged(package.freeze().files)


@pytest.mark.parametrize(
    "text",
    [
        "- [ ] {#polite} The greeting is polite (optional)\n",
        "- [ ] {#polite} The greeting is rude\n",
        "- [ ] {#polite} The greeting is polite\n- [ ] And short\n",
        "no question\n",
        "- [ ] \x1b[2J\n",
    ],
)
def test_a_gate_that_asks_something_else_than_its_plan_is_found(text: str) -> None:
    assert failed_ids(gate_of(file("c.md", text), checklist="c.md")) == ["EP-4.11"]


@pytest.mark.parametrize("text", ["items: " + "[" * 20_000, '{"items":' + "[" * 5000 + "]" * 5000 + "}"])
def test_a_hostile_checklist_is_a_finding(text: str) -> None:
    assert "the checklist of the plan is none" in said(gate_of(file("c.yaml", text), checklist="c.yaml"))


def test_a_checklist_that_the_package_does_not_carry_cannot_be_compared() -> None:
    report = gate_of(file("c.md", "- [ ] Is it large?\n", is_carried=False), checklist="c.md")
    assert (failed_ids(report), unchecked_ids(report)) == ([], ["EP-4.11"])


@pytest.mark.parametrize("path", ["nowhere.md", ["c.md"], {"a": 1}, None])
def test_a_gate_without_a_checklist_in_its_plan_is_found(path: Any) -> None:
    assert "no checklist" in said(gate_of(checklist=path))


def test_a_gate_that_should_have_been_blind_is_found() -> None:
    assert "the panel is not the one" in said(gate_of(checklist=CHECKLIST, blind=True))


def test_a_panel_of_other_steps_than_planned_is_found() -> None:
    package = Package(
        [step(GREET, "llm_map"), step(GATE, "audit_gate", GREET, checklist=CHECKLIST, blind=True, of=[GREET])]
    )
    package.start(GREET)
    package.ask(GREET, "good day")
    package.finish(GREET, package.answer_of(GREET))
    package.open_gate(GATE, panel=PANEL["panel"])
    package.open_vote(package.vote(GATE))
    package.close_gate(GATE, "approved")
    package.end("approved")
    assert "the panel is not the one" in said(judged(package.freeze().files))


@pytest.mark.parametrize(
    ("asks", "says"),
    [
        ({"needs": [Need(role="reviewer", count=1), Need(role="reviewer", count=1)]}, "asked for twice"),
        ({"escalate": [Need(role="lead", count=1)]}, "never do"),
        ({"then": "escalate", "deadline_s": 60}, "asks for nobody"),
    ],
)
def test_needs_that_mean_less_than_they_say_are_found(asks: dict[str, Any], says: str) -> None:
    report = judged(approved(None, asks).freeze().files)
    assert failed_ids(report) == ["EP-4.11"]
    assert says in said(report)


@pytest.mark.parametrize(
    "value",
    [
        b"[" * 100_000,
        b"\xff",
        b"[]",
        b'{"verdict":"rejected","decisions":["audit/decisions/0001-review.json"]}',
        b'{"verdict":"rejected","verdict":"approved","decisions":["audit/decisions/0001-review.json"]}',
    ],
)
def test_the_value_of_a_gate_is_what_was_decided(value: bytes) -> None:
    package = at_gate()
    package.decide(GATE)
    package.close_gate(GATE, "approved", goes_on=False)
    ref = package.put(layout.value_path(GATE), value)
    package.event(ev.StepFinished, step=GATE, attempt=1, value=ref, files=[])
    save(package)
    report = judged(package.freeze().files)
    assert [id_ for id_ in failed_ids(report) if id_ != "EP-2.11"] == ["EP-4.11"]  # what is not JSON is not cut either
    assert report.results("failed")[-1].findings[0].where == layout.value_path(GATE)


@pytest.mark.parametrize("hidden", [layout.INPUT, layout.value_path(GREET), layout.gate_report_path(GATE)])
def test_an_output_that_a_gate_did_not_show_is_named(hidden: str) -> None:
    report = judged(approved(None, {"hidden": hidden}).freeze().files)
    assert failed_ids(report) == ["EP-4.4"]
    assert report.results("failed")[0].findings[0].expected == hidden


def test_a_checklist_of_typed_questions_is_the_one_of_the_plan() -> None:
    item = ChecklistItem(id="polite", text="How polite?", kind="number", required=True, lowest="0", highest="10")
    report = judged(approved(None, {"checklist": [item]}, answers=[("polite", "7")]).freeze().files)
    assert failed_ids(report) == []
