"""What a revision may take over: a step is touched by whatever may reach it, and by nothing that only sets its pace."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from msgspec.structs import replace
from tests.unit.a_run import RUN_ID, Told, plan, ref, step
from tests.unit.shapes import strategy_for

from awo.derive.plan_changes import MOST_CHANGES, plan_changes
from awo.derive.report import report
from awo.derive.untouched import done_again, says_more_than_pace, untouched
from awo.evidence import events as ev
from awo.evidence.earlier import EarlierDecision, EarlierRun
from awo.evidence.plan_changes import PlanChange
from awo.evidence.records import (
    CellsRecord,
    DataRecord,
    InputFile,
    InputRecord,
    LimitsRecord,
    ModelRecord,
    OverRecord,
    RetryRecord,
)

BEFORE = "run_2026-11-22T06-09-00Z"
STEPS = [
    step("draft", "llm_map", prompt="About {{ inputs.topic }}", model="small"),
    step("other", "llm_map", prompt="Nothing is named here."),
    step("score", "score", needs=["draft"], of="draft"),
    step("look", "audit_gate", needs=["score"], checklist="look.md"),
    step("tell", "llm_map", needs=["look", "draft"], prompt="{{ steps.draft.text }}", model="large"),
    step("send", "command", needs=["look"], argv=["send", "now"], inputs=["letter.txt"]),
]
ALL = {"draft", "other", "score", "tell", "send"}


def model(name: str, **changes: Any) -> ModelRecord:
    return replace(ModelRecord(backend="echo", model=name, params={}, seed=0, on_unknown=""), **changes)


def file(path: str, content: str) -> InputFile:
    named = ref(path, content.encode())
    return InputFile(path=path, sha256=named.sha256, size_bytes=named.size_bytes, encoding="utf-8", content=content)


def then(**changes: Any) -> InputRecord:
    record = plan(
        STEPS,
        inputs={"topic": "seas", "unused": 1},
        models={"small": model("s"), "large": model("l")},
        files=[file("letter.txt", "Dear all"), file("look.md", "- [ ] Read?")],
        default_model="small",
    )
    return replace(record, **changes)


def kept(now: InputRecord, before: InputRecord | None = None, *, from_step: str = "") -> set[str]:
    """What nothing has touched when `now` revises a run of `before`."""
    changes = plan_changes(now, before or then())
    return set(untouched(replace(now, changes=changes, revises=BEFORE, revised_from=from_step)))


def with_step(number: int, **changes: Any) -> InputRecord:
    steps = list(STEPS)
    steps[number] = replace(steps[number], **changes)
    return then(steps=steps)


def test_a_plan_that_says_the_same_touches_nothing_and_gates_are_never_taken_over() -> None:
    assert kept(then()) == ALL


def test_a_run_that_revises_none_takes_nothing_over() -> None:
    assert untouched(then()) == frozenset()


def test_a_changed_prompt_touches_its_step_and_those_that_need_it_but_not_through_a_gate() -> None:
    changed = step("draft", "llm_map", prompt="Something else", model="small")
    assert kept(then(steps=[changed, *STEPS[1:]])) == {"other", "send"}


def test_what_only_sets_the_pace_touches_nothing() -> None:
    slow = LimitsRecord(in_flight=1, requests_per_minute=2, tokens_per_minute=0, tries=9, timeout_s=9.0)
    now = with_step(0, retries=RetryRecord(max=3, delay_s=1.0), timeout_s=60.0)
    now = replace(now, models={"small": model("s", limits=slow), "large": model("l")}, budget_usd="5", cache=True)
    changes = plan_changes(now, then())
    assert {one.kind for one in changes} == {"setting"}
    assert {one.name for one in changes} == {"budget_usd", "cache", "pace of step draft", "pace of model small"}
    assert not any(map(says_more_than_pace, changes))
    assert kept(now) == ALL


def test_a_changed_model_touches_the_steps_that_name_it_and_those_that_leave_it_to_the_workflow() -> None:
    assert kept(then(models={"small": model("s", seed=1), "large": model("l")})) == {"send"}
    assert kept(then(models={"small": model("s"), "large": model("l", params={"temperature": 1})})) == ALL - {"tell"}
    assert kept(then(default_model="large")) == ALL - {"other"}


def test_a_changed_input_touches_the_steps_whose_texts_name_it() -> None:
    assert kept(then(inputs={"topic": "hills", "unused": 1})) == {"other", "send"}
    assert kept(then(inputs={"topic": "seas", "unused": 2})) == ALL


@pytest.mark.parametrize(
    "text",
    [
        "{% for name in inputs %}{{ inputs[name] }}{% endfor %}",
        "{{ inputs.items() }}",
        "{{ inputs['\\x75nused'] }}",
        "{{ inputs.topic }}{{ inputs }}",
        "{{ inputs . unused }}",
    ],
)
def test_a_text_that_names_inputs_in_a_way_of_its_own_may_name_any(text: str) -> None:
    steps = [step("draft", "llm_map", prompt=text, model="small"), *STEPS[1:]]
    before = then(steps=steps)
    assert "draft" not in kept(replace(before, inputs={"topic": "seas", "unused": 2}), before)


def test_a_changed_file_touches_the_steps_that_read_it_by_name_pattern_or_template() -> None:
    files = [file("letter.txt", "Dear you"), file("look.md", "- [ ] Read?")]
    assert kept(then(files=files)) == ALL - {"send"}
    for args in ({"claims_glob": "*.txt"}, {"images": ["{{ item.picture }}"]}, {"schema": "letter.txt"}):
        steps = [step("reads", "llm_map", prompt="?", model="large", **args)]
        assert kept(then(steps=steps, files=files), then(steps=steps)) == set()


def test_a_changed_data_set_touches_the_steps_that_go_over_it() -> None:
    over = CellsRecord(over=OverRecord(kind="data", name="rows"), matrix={}, repeats=1, max_failed=0)
    steps = [replace(STEPS[1], cells=over), STEPS[0]]
    data = {"rows": DataRecord(path="letter.txt", format="csv", id_column="", rows=2, columns=["a"])}
    before = then(steps=steps, data=data)
    assert kept(before, before) == {"other", "draft"}
    assert kept(replace(before, files=[file("letter.txt", "a\n3\n")]), before) == {"draft"}
    fewer = {"rows": DataRecord(path="letter.txt", format="csv", id_column="", rows=1, columns=["a"])}
    assert kept(replace(before, data=fewer), before) == {"draft"}


def test_what_people_decided_is_asked_anew_and_so_is_a_step_that_names_it() -> None:
    steps = [*STEPS[:4], step("tell", "llm_map", needs=["look"], prompt="{{ steps.look.verdict }}", model="large")]
    assert kept(then(steps=steps), then(steps=steps)) == {"draft", "other", "score"}


def test_a_program_that_is_given_what_people_decided_is_run_again() -> None:
    send = step("send", "command", needs=["look"], argv=["send"], from_steps=["look"])
    steps = [*STEPS[:5], send]
    assert kept(then(steps=steps), then(steps=steps)) == ALL - {"send"}


def test_the_order_of_inputs_touches_only_what_may_go_through_them_all() -> None:
    through = step("through", "command", argv=["echo", "{% for name in inputs %}{{ name }}{% endfor %}"])
    now = then(steps=[*STEPS, through], inputs={"unused": 1, "topic": "seas"})
    assert kept(now, then(steps=[*STEPS, through])) == ALL


def test_a_gate_that_is_added_touches_nothing() -> None:
    second = step("again", "audit_gate", needs=["score", "look"], checklist="look.md")
    behind = [replace(one, needs=("again", *one.needs)) for one in STEPS[4:]]
    assert kept(then(steps=[*STEPS[:4], second, *behind])) == ALL


def test_what_is_done_again_is_the_named_step_and_all_behind_it() -> None:
    assert done_again(then(revised_from="score", revises=BEFORE)) == {"score", "look", "tell", "send"}
    assert done_again(then(revises=BEFORE)) == frozenset()


def test_another_checklist_touches_no_step_behind_the_gate() -> None:
    gate = step("look", "audit_gate", needs=["score"], checklist="other.md")
    assert kept(then(steps=[*STEPS[:3], gate, *STEPS[4:]])) == ALL


def test_from_a_step_all_that_comes_after_it_is_done_again_behind_gates_too() -> None:
    assert kept(then(), from_step="score") == {"draft", "other"}
    assert kept(then(), from_step="look") == {"draft", "other", "score"}


def test_another_seed_touches_everything_and_so_do_more_changes_than_are_told() -> None:
    assert kept(then(seed=8)) == set()
    many = [PlanChange(kind="claim", name=str(number), how="added", what="") for number in range(MOST_CHANGES)]
    assert untouched(then(changes=many, revises=BEFORE)) == frozenset()


@given(strategy_for(InputRecord))
def test_what_a_hostile_plan_says_is_worked_through_to_an_end(record: InputRecord) -> None:
    found = untouched(replace(record, revises=BEFORE))
    assert found <= {one.id for one in record.steps}


# --- the report -----------------------------------------------------------------------------------------------

NO = EarlierRun(
    run_id=BEFORE,
    outcome="rejected",
    checkpoint=ev.Checkpoint(size=9, root="a" * 64),
    seal_sha256="b" * 64,
    decisions=[EarlierDecision(gate="look", verdict="revise", signer="bob@example.org", sha256="c" * 64)],
    reason="Too long | <b>x</b>",
    required_changes=["Say less.\n# Verified"],
)


def told(**changes: Any) -> str:
    story = Told(STEPS, earlier=[NO], **changes)
    story.start()
    value = ref("outputs/send/output.json", b"{}")
    story.values[value.path] = {}
    story.say(ev.StepReused, step="send", run_id=BEFORE, value=value, files=[])
    return report(story.facts(), story)


def test_the_report_tells_the_chain_the_reasons_and_what_was_taken_over() -> None:
    changes = [PlanChange(kind="step", name="draft", how="changed", what="args.prompt: differs")]
    text = told(revises=BEFORE, revised_from="draft", changes=changes)
    chapter = text.partition("## Attempts\n")[2].partition("\n## ")[0]
    assert "This is attempt 2." in chapter
    assert f"`{BEFORE}`" in chapter
    assert f"`{RUN_ID}`" in chapter
    assert "**sent back**" in chapter
    assert "sent it back" in chapter
    assert "here it is void" in chapter
    assert "step `draft` changed" in chapter
    assert f"copied from `{BEFORE}`, not done again" in chapter
    assert "<b>" not in chapter
    assert "\n# Verified" not in chapter


def test_a_run_that_follows_no_other_has_no_such_chapter() -> None:
    story = Told(STEPS)
    story.start()
    assert "## Attempts" not in report(story.facts(), story)
