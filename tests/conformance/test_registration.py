"""Claims are in input.json before the first call, numbered by attempt; what leads nowhere is told before a run."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import pytest

from awo import api
from awo.derive.verdicts import digest_of
from awo.engine.promise import resolve
from awo.engine.registration import EARLIER_NAMED, registered_again, registered_before
from awo.errors import Problem, WorkflowInvalid
from awo.evidence.records import InputRecord
from awo.evidence.secrets import SecretCutter
from awo.workflow.load import load

NO_SECRETS = SecretCutter.from_environment({})
ASK = "  - {id: ask, op: llm_map, prompt: hi}\n"
CLAIM = "{id: c, statement: s, falsification_tests: [{name: t, must_pass: steps.ask.text == 'hi'}]}"


def written(folder: Path, steps: str, **files: str) -> Path:
    for name, content in files.items():
        (folder / name.replace("_dot_", ".")).write_text(content, encoding="utf-8")
    path = folder / "flow.yaml"
    path.write_text(f"name: t\ninputs: {{least: 0.5}}\nsteps:\n{ASK}{steps}", encoding="utf-8")
    return path


def plan_of(path: Path, earlier: Mapping[str, Sequence[str]] | None = None) -> InputRecord:
    def look(ids: Collection[str]) -> Mapping[str, Sequence[str]]:
        return {id_: (earlier or {}).get(id_, ()) for id_ in ids}

    workflow = load(path, api.operations())
    return resolve(workflow, root=path.parent, source_name="flow.yaml", secrets=NO_SECRETS, earlier=look)


def problems(path: Path) -> tuple[Problem, ...]:
    with pytest.raises(WorkflowInvalid) as caught:
        plan_of(path)
    return caught.value.problems


def test_every_claim_with_an_id_is_registered_with_its_digest_and_its_attempt(tmp_path: Path) -> None:
    steps = (
        f"  - {{id: inline, op: claims, claim: {CLAIM}}}\n"
        "  - {id: files, op: claims, claims_glob: 'c*.json', needs: [ask]}\n"
        "  - {id: old, op: scope_validate, claim: {id: o, statement: 3}}\n"
        "  - {id: none, op: scope_validate, claim: {statement: s}}\n"
    )
    content = {"id": "f", "statement": "of a file", "falsification_tests": [{"name": "t", "fail_if": "1 > 2"}]}
    path = written(tmp_path, steps, c1_dot_json=json.dumps(content))
    found = plan_of(path, {"f": ["run_a", "run_b"]}).claims
    assert [(one.id, one.step, one.statement, one.attempt) for one in found] == [
        ("c", "inline", "s", 1),
        ("f", "files", "of a file", 3),
        ("o", "old", "", 1),
    ]
    assert found[1].sha256 == digest_of(content)
    assert found[1].earlier == ["run_a", "run_b"]


def test_a_workflow_without_claims_looks_at_no_earlier_run(tmp_path: Path) -> None:
    def look(ids: Collection[str]) -> Mapping[str, Sequence[str]]:
        raise AssertionError("nobody should look")

    path = written(tmp_path, "")
    workflow = load(path, api.operations())
    record = resolve(workflow, root=tmp_path, source_name="flow.yaml", secrets=NO_SECRETS, earlier=look)
    assert record.claims == []


def test_only_the_latest_hundred_attempts_are_named_and_all_are_counted(tmp_path: Path) -> None:
    path = written(tmp_path, f"  - {{id: v, op: claims, claim: {CLAIM}}}\n")
    before = [f"run_{number}" for number in range(250)]
    (claim,) = plan_of(path, {"c": before}).claims
    assert (claim.attempt, claim.earlier) == (251, before[-EARLIER_NAMED:])


def test_runs_are_looked_at_oldest_first_and_broken_ones_count_for_nothing(tmp_path: Path) -> None:
    ids = ["run_2026-01-02T00-00-00Z-10", "run_2026-01-02T00-00-00Z-9", "run_2026-01-01T00-00-00Z"]
    texts = {
        ids[0]: '{"claims": [{"id": "c"}]}',
        ids[1]: '{"steps": [{"huge": 1}], "claims": [{"id": "d", "step": "v"}, {"id": "c"}]}',
        ids[2]: '{"claims": [{"id": "c"}], "seed": 3}',
        "run_2026-01-03T00-00-00Z": '{"claims": [{"id":',
        "run_2026-01-04T00-00-00Z": '{"name": "no claims"}',
        "not-a-run": '{"claims": [{"id": "c"}]}',
    }
    for name, text in texts.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "input.json").write_text(text)
    assert registered_before(tmp_path)({"c", "x"}) == {"c": [ids[2], ids[1], ids[0]], "x": []}


def test_a_run_that_is_done_again_is_one_attempt_further(tmp_path: Path) -> None:
    plan = plan_of(written(tmp_path, f"  - {{id: v, op: claims, claim: {CLAIM}}}\n"))
    (again,) = registered_again(plan, lambda ids: {"c": ["run_a", "run_b"]}).claims
    assert (again.attempt, again.earlier, again.sha256) == (3, ["run_a", "run_b"], plan.claims[0].sha256)


def test_a_step_of_claims_needs_all_that_its_claims_rest_on_but_what_stands_before_a_gate(tmp_path: Path) -> None:
    steps = (
        "  - {id: vote, op: consensus_vote, inputs_from: ask}\n"
        "  - {id: other, op: llm_map, prompt: x}\n"
        "  - {id: gate, op: audit_gate, checklist: check.md}\n"
        "  - {id: v, op: claims, metrics: {share: steps.vote.agreement_ratio}, claim: {id: c, statement: s, "
        "predictions: [{name: p, function: share, tolerance: {min: 0.5}}]}}\n"
    )
    plan = plan_of(written(tmp_path, steps, check_dot_md="- [ ] ok?\n"))
    assert plan.steps[-1].needs == ("ask", "vote", "gate")


# --- what is told before a run --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "what", "hint"),
    [
        ("{fail_if: steps.asc.text == ''}", "there is no step called 'asc'", "did you mean 'ask'?"),
        ("{fail_if: inputs.leest > 1}", "there is no input called 'leest'", "did you mean 'least'?"),
        ("{fail_if: metrics.lenght > 1}", "there is no metric called 'lenght'", "did you mean 'length'?"),
        ("{fail_if: lenght > 1}", "the expression names 'lenght', which is not there", ""),
        ("{fail_if: length > 1}", "the expression names 'length', which is not there", "metrics.length?"),
        ("{must_pass: they all agree}", "this condition is not CEL", "prose belongs in `procedure`"),
        ("{must_pass: 1.5}", "", ""),
    ],
)
def test_a_test_that_leads_nowhere_is_a_fault_with_its_place(tmp_path: Path, claims: str, what: str, hint: str) -> None:
    test = claims.replace("{", "{name: t, ", 1)
    steps = (
        "  - {id: v, op: claims, metrics: {length: size(steps.ask.text)}, "
        f'claim: {{"id": c, "statement": s, "falsification_tests": [{test}]}}}}\n'
    )
    (problem,) = problems(written(tmp_path, steps))
    assert problem.line == 5
    assert what in problem.what
    assert hint in problem.hint


@pytest.mark.parametrize(
    ("metrics", "what"),
    [
        ("{m: steps.asc.x}", "there is no step called 'asc'"),
        ("{m: metrics.n, n: '1'}", "the expression names 'metrics.n', which is not there"),
        ("{m: steps.ask.text == ''}", "this must be a number"),
        ("{a-b: '1'}", "a metric may not be called 'a-b'"),
    ],
)
def test_a_metric_that_leads_nowhere_is_a_fault(tmp_path: Path, metrics: str, what: str) -> None:
    (problem,) = problems(written(tmp_path, f"  - {{id: v, op: claims, metrics: {metrics}, claim: {CLAIM}}}\n"))
    assert what in problem.what


@pytest.mark.parametrize(
    ("content", "what", "hint"),
    [
        ("{", "cannot be read", ""),
        ("[]", "there are no claims to check", ""),
        ("{id: c, statement: s}", "nothing could prove the claim 'c' false", ""),
        ("{id: c, statement: s, predictions: [{name: p, function: accurcy, tolerance: {min: 1}}]}", "'accurcy'", "acc"),
        ("{id: c, statement: s, falsification_tests: [{name: t, fail_if: steps.asc.x}]}", "no step called 'asc'", ""),
        (
            "{id: c, statement: s, falsification_tests: [{name: t, fail_if: steps.ask.x}]}",
            "does not wait for 'ask', which a claim in a file names (claim 'c' in c.yaml)",
            "write `needs: [ask]`",
        ),
    ],
)
def test_a_claim_in_a_file_that_leads_nowhere_is_a_fault(tmp_path: Path, content: str, what: str, hint: str) -> None:
    steps = "  - {id: v, op: claims, metrics: {accuracy: '1'}, claims_glob: c.yaml}\n"
    (problem,) = problems(written(tmp_path, steps, c_dot_yaml=content))
    assert what in problem.what
    assert hint in problem.hint
    assert problem.line == 5


def test_a_file_of_claims_that_is_not_there_is_told_once(tmp_path: Path) -> None:
    (problem,) = problems(written(tmp_path, "  - {id: v, op: claims, claims_glob: 'none/*'}\n"))
    assert problem.what == "no file matches 'none/*'"
