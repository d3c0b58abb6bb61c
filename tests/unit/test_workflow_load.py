"""A workflow file becomes a checked workflow, or every one of its problems at once, each with its place."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.unit.sample_operations import OPERATIONS, AskArgs, MixArgs, Source

from awo.errors import Problem, WorkflowInvalid
from awo.workflow.definition import (
    DataInput,
    FanOut,
    FileInput,
    Limits,
    Model,
    Over,
    Price,
    Retries,
    ValueInput,
    Workflow,
)
from awo.workflow.load import MOST_GATES, parse


def _load(text: str, file: str = "w.yaml") -> Workflow:
    return parse(text.encode(), file, OPERATIONS)


def _problems(text: str, file: str = "w.yaml") -> tuple[Problem, ...]:
    with pytest.raises(WorkflowInvalid) as caught:
        _load(text, file)
    return caught.value.problems


def _only(text: str) -> Problem:
    (problem,) = _problems(text)
    return problem


def _steps(*lines: str) -> str:
    return "name: t\ninputs: {a: 1}\nsteps:\n" + "".join(f"  - {line}\n" for line in lines)


# --- what is read ---------------------------------------------------------------------------------------


def test_everything_that_a_file_says_is_in_the_workflow() -> None:
    workflow = _load(
        """
name: All of it
description: says everything
version: 3
seed: 7
inputs:
  plain: text
  list: [1, 2]
  mapping: {value: {file: not-a-file}}
  file: {file: data/x.txt}
models:
  local: {backend: llama, model: x.gguf, params: {temperature: 0.5}, seed: 9, on_unknown: fail}
  loud: {backend: upper}
default_model: loud
steps:
  - id: ask
    op: llm_map
    prompt: "{{ inputs.plain }}"
    models: [local, echo]
  - id: mix
    op: mix
    needs: ask
    when: steps.ask.count > 1
    retries: {max: 2, delay_s: 0.5}
    timeout: 30
    args: {sources: [{step: ask, weight: 2}], count: 3}
"""
    )
    assert (workflow.name, workflow.description, workflow.version, workflow.seed) == (
        "All of it",
        "says everything",
        "3",
        7,
    )
    assert workflow.inputs == {
        "plain": ValueInput("text"),
        "list": ValueInput([1, 2]),
        "mapping": ValueInput({"file": "not-a-file"}),
        "file": FileInput("data/x.txt"),
    }
    assert workflow.models == {
        "local": Model("llama", "x.gguf", {"temperature": 0.5}, 9, "fail"),
        "loud": Model("upper", "upper", {}, 7),
        "echo": Model("echo", "echo", {}, 7),
    }
    assert workflow.default_model == "loud"
    ask, mix = workflow.steps
    assert (ask.id, ask.op, ask.needs, ask.when, ask.retries, ask.timeout_s) == (
        "ask",
        "llm_map",
        (),
        "",
        Retries(0, 0.0),
        0.0,
    )
    assert ask.args == AskArgs(prompt="{{ inputs.plain }}", models=("local", "echo"))
    assert (mix.needs, mix.when, mix.retries, mix.timeout_s) == (("ask",), "steps.ask.count > 1", Retries(2, 0.5), 30.0)
    assert mix.args == MixArgs(sources=[Source("ask", 2.0)], count=3)


@pytest.mark.parametrize(
    ("models", "default"),
    [
        ("", "echo"),
        ("models: {m: {backend: upper}}\n", "m"),
        ("models: {m: {backend: upper}, n: {backend: echo}}\n", "m"),
        ("models: {m: {backend: upper}}\ndefault_model: reverse\n", "reverse"),
    ],
)
def test_the_default_model_is_named_or_the_first_or_echo(models: str, default: str) -> None:
    workflow = _load(f"name: t\n{models}steps: [{{op: llm_map, prompt: x, models: [upper]}}]\n")
    assert workflow.default_model == default
    assert {default, "upper"} <= set(workflow.models)


def test_a_model_says_its_price_limits_and_policy() -> None:
    workflow = _load(
        """
name: t
models:
  dear:
    backend: openai
    model: gpt-5
    on_unknown: retry
    price: {input: 1.25, output: "10.00"}
    limits: {in_flight: 4, requests_per_minute: 60, tokens_per_minute: 1000, tries: 2, timeout_s: 30}
  given: {backend: ollama, model: qwen3, price: free}
  short: anthropic/claude-sonnet-5
default_model: gemini/gemini-3-flash
steps:
  - {op: llm_map, prompt: x, models: [dear, openrouter/meta-llama/llama-4]}
"""
    )
    assert workflow.models == {
        "dear": Model("openai", "gpt-5", {}, 0, "retry", Price("1.25", "10"), Limits(4, 60, 1000, 2, 30.0)),
        "given": Model("ollama", "qwen3", {}, 0, price=Price("0", "0")),
        "short": Model("anthropic", "claude-sonnet-5", {}, 0),
        "gemini/gemini-3-flash": Model("gemini", "gemini-3-flash", {}, 0),
        "openrouter/meta-llama/llama-4": Model("openrouter", "meta-llama/llama-4", {}, 0),
    }
    assert workflow.models["openrouter/meta-llama/llama-4"].place == ("steps", 0, "models", 1)
    assert workflow.models["gemini/gemini-3-flash"].place == ("default_model",)


def test_every_kind_of_reference_makes_a_need() -> None:
    workflow = _load(
        _steps(
            *(f"{{id: s{number}, op: llm_map, prompt: x}}" for number in range(7)),
            "{id: end, op: mix, needs: [s0], when: 'steps.s1.x == 1', sources: [{step: s2}],"
            " text: ['{{ steps.s3.text }}', 'x'], stop_if: 'has(steps.s4.x)', outputs: ['{{ steps.s5.name }}.txt']}",
        )
    )
    assert workflow.steps[-1].needs == ("s0", "s1", "s2", "s3", "s4", "s5")


def test_a_step_may_need_a_later_one() -> None:
    workflow = _load(_steps("{id: a, op: llm_map, prompt: '{{ steps.b.text }}'}", "{id: b, op: llm_map, prompt: x}"))
    assert [step.needs for step in workflow.steps] == [("b",), ()]


def test_a_gate_is_a_barrier_in_the_order_of_the_file() -> None:
    workflow = _load(
        _steps(
            "{id: a, op: llm_map, prompt: x}",
            "{id: gate, op: audit_gate, checklist: c.md}",
            "{id: b, op: llm_map, prompt: x}",
        )
    )
    assert [step.needs for step in workflow.steps] == [(), ("a",), ("gate",)]


# --- fan-out ----------------------------------------------------------------------------------------------


def test_a_step_says_how_it_fans_out() -> None:
    workflow = _load(
        """
name: t
inputs:
  reviews: {data: data/reviews.csv, id: number, limit: 10}
  other: {data: data/x, format: jsonl}
models: {m: openai/gpt-5-mini}
budget: 2.50
cache: true
steps:
  - {id: a, op: llm_map, prompt: "{{ item.text }} {{ matrix.t }}", over: reviews, matrix: {t: [0, 0.5]}, repeats: 3}
  - {id: b, op: llm_map, prompt: "{{ item.value.text }}", over: {step: a}, max_failed: 2}
  - {id: c, op: llm_map, prompt: x, over: {data: other}, max_failed: 5%}
  - {id: d, op: llm_map, prompt: "{{ repeat }}", repeats: 2}
  - {id: e, op: llm_map, prompt: x}
"""
    )
    assert workflow.inputs == {
        "reviews": DataInput("data/reviews.csv", "csv", "number", 10),
        "other": DataInput("data/x", "jsonl", "", 0),
    }
    assert (workflow.budget_usd, workflow.cache) == ("2.5", True)
    assert [step.fan_out for step in workflow.steps] == [
        FanOut(Over("data", "reviews", ("over",)), {"t": [0, 0.5]}, 3, 0),
        FanOut(Over("step", "a", ("over", "step")), {}, 1, 2),
        FanOut(Over("data", "other", ("over", "data")), {}, 1, "5%"),
        FanOut(None, {}, 2, 0),
        None,
    ]
    assert workflow.steps[1].needs == ("a",)


def test_a_model_may_come_from_the_matrix() -> None:
    workflow = _load(
        "name: t\nmodels: {m: {backend: upper}}\nsteps:\n"
        "  - {op: llm_map, prompt: x, models: ['{{ matrix.who }}'], matrix: {who: [m, reverse, ollama/qwen3]}}\n"
    )
    assert list(workflow.models) == ["m", "reverse", "ollama/qwen3"]


_FAN_OUT = (
    "name: t\ninputs: {rows: {data: r.csv}, a: 1}\nsteps:\n"
    "  - {id: first, op: llm_map, prompt: x, repeats: 2}\n  - {id: once, op: llm_map, prompt: x}\n  - "
)


@pytest.mark.parametrize(
    ("step", "column", "what", "hint"),
    [
        ("{op: mix, sources: [], over: rows}", 28, "mix is done once in a run: 'over' has no meaning here", ""),
        (
            "{op: audit_gate, checklist: c.md, repeats: 2}",
            39,
            "audit_gate is done once in a run: 'repeats' has no meaning here",
            "",
        ),
        (
            "{op: llm_map, prompt: x, max_failed: 1}",
            30,
            "'max_failed' has no meaning in a step that is done once",
            "say what the step goes over: `over`, `matrix` or `repeats`",
        ),
        ("{op: llm_map, prompt: x, over: row}", 36, "there is no data set called 'row'", "did you mean 'rows'?"),
        ("{op: llm_map, prompt: x, over: a}", 36, "the input 'a' is no data set", "write the input as {data: PATH}"),
        (
            "{op: llm_map, prompt: x, over: first}",
            36,
            "there is no data set called 'first'",
            "did you mean {step: first}?",
        ),
        ("{op: llm_map, prompt: x, over: {step: frst}}", 43, "there is no step called 'frst'", "did you mean 'first'?"),
        (
            "{op: llm_map, prompt: x, over: {step: once}}",
            43,
            "the step 'once' is done once: it has no cells to go over",
            "",
        ),
        ("{op: llm_map, prompt: x, over: {}}", 36, "give exactly one of `data` and `step`", ""),
        ("{op: llm_map, prompt: x, over: {dat: rows}}", 37, "there is no key 'dat' here", "did you mean 'data'?"),
        ("{op: llm_map, prompt: x, over: 1}", 36, "'over' has the wrong type", ""),
        ("{op: llm_map, prompt: x, matrix: {}}", 38, "'matrix' is not as it should be", ""),
        ("{op: llm_map, prompt: x, matrix: {t: []}}", 42, "'t' is not as it should be", ""),
        ("{op: llm_map, prompt: x, matrix: {t: 1}}", 42, "'t' has the wrong type", ""),
        ("{op: llm_map, prompt: x, matrix: {a-b: [1]}}", 39, "this is no usable name", ""),
        ("{op: llm_map, prompt: x, repeats: 0}", 39, "'repeats' is not as it should be", ""),
        ("{op: llm_map, prompt: x, repeats: 10001}", 39, "'repeats' is not as it should be", ""),
        ("{op: llm_map, prompt: x, repeats: 2, max_failed: -1}", 54, "'max_failed' is not as it should be", ""),
        ("{op: llm_map, prompt: x, repeats: 2, max_failed: 101%}", 54, "'max_failed' is not as it should be", ""),
        (
            "{op: llm_map, prompt: '{{ item.x }}'}",
            27,
            "the template names 'item', and the step goes over nothing that has it",
            "say what the step goes over: `over: NAME` of a data set",
        ),
        (
            "{op: llm_map, prompt: '{{ item.x }}', repeats: 2}",
            27,
            "the template names 'item', and the step goes over nothing that has it",
            "say what the step goes over: `over: NAME` of a data set",
        ),
        (
            "{op: llm_map, prompt: '{{ repeat }}'}",
            27,
            "the template names 'repeat', and the step goes over nothing that has it",
            "say `repeats: N` in the step",
        ),
        (
            "{op: llm_map, prompt: '{{ matrix.heet }}', matrix: {heat: [1]}}",
            27,
            "the matrix of this step has no 'heet'",
            "did you mean 'heat'?",
        ),
        (
            "{op: llm_map, prompt: '{{ item.valu }}', over: {step: first}}",
            27,
            "a cell of 'first' has no column 'valu'",
            "did you mean item.value?",
        ),
        (
            "{op: llm_map, prompt: '{{ inputs.rows }}', over: rows}",
            27,
            "the input 'rows' is a data set",
            "say `over: rows`, and name item.COLUMN",
        ),
        (
            "{op: llm_map, prompt: x, over: rows, when: item.x == 1}",
            48,
            "the condition names 'item.x', which is not there",
            "a condition is asked once for the whole step",
        ),
        (
            "{op: llm_map, prompt: x, params: {heat: '{{ matrix.t }}'}}",
            45,
            "the template names 'matrix', and the step goes over nothing that has it",
            "say `matrix: {NAME: [value, …]}` in the step",
        ),
        (
            "{op: llm_map, prompt: x, models: ['{{ matrix.who }}'], matrix: {who: [ecko]}}",
            75,
            "there is no model called 'ecko'",
            "did you mean 'echo'?",
        ),
        (
            "{op: llm_map, prompt: x, models: ['{{ matrix.who }}x'], matrix: {who: [echo]}}",
            39,
            "a model cannot be worked out by this template",
            "",
        ),
        (
            "{op: llm_map, prompt: x, models: ['{{ matrix.who }}'], matrix: {who: [1]}}",
            75,
            "this is no model's name",
            "",
        ),
    ],
)
def test_a_problem_of_a_step_that_fans_out(step: str, column: int, what: str, hint: str) -> None:
    problem = _only(_FAN_OUT + step)
    assert (problem.line, problem.column) == (6, column)
    assert (problem.what, problem.hint) == (what, hint)


# --- one problem each -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "column", "what", "hint"),
    [
        ("nam: t\nsteps: [{op: llm_map, prompt: x}]", 1, 1, "there is no key 'nam' here", "did you mean 'name'?"),
        ("name: 1\nsteps: [{op: llm_map, prompt: x}]", 1, 7, "'name' has the wrong type", ""),
        ("name: ''\nsteps: [{op: llm_map, prompt: x}]", 1, 7, "'name' is not as it should be", ""),
        ("name: t", 1, 1, "the key 'steps' is missing", ""),
        ("name: t\nsteps: []", 2, 8, "'steps' is not as it should be", ""),
        ("name: t\nsteps: {}", 2, 8, "'steps' has the wrong type", ""),
        ("name: t\nsteps: [x]", 2, 9, "item 1 of 'steps' has the wrong type", ""),
        ("name: t\nseed: -1\nsteps: [{op: llm_map, prompt: x}]", 2, 7, "'seed' is not as it should be", ""),
        ("name: t\nseed: 1.0\nsteps: [{op: llm_map, prompt: x}]", 2, 7, "'seed' has the wrong type", ""),
        ("name: t\ninputs: {a-b: 1}\nsteps: [{op: llm_map, prompt: x}]", 2, 10, "this is no usable name", ""),
        (
            "name: t\ninputs: {a: {fil: x}}\nsteps: [{op: llm_map, prompt: x}]",
            2,
            13,
            "the input 'a' is not as it should be",
            "write a mapping as {value: {…}}",
        ),
        (
            "name: t\nmodels: {m: {backend: lama}}\nsteps: [{op: llm_map, prompt: x}]",
            2,
            23,
            "there is no model backend called 'lama'",
            "did you mean 'llama'?",
        ),
        (
            "name: t\nmodels: {echo: {backend: upper}}\nsteps: [{op: llm_map, prompt: x}]",
            2,
            26,
            "the model name 'echo' stands for the backend 'echo'",
            "give the model another name",
        ),
        (
            "name: t\nmodels: {m: {backend: echo, on_unknown: retri}}\nsteps: [{op: llm_map, prompt: x}]",
            2,
            41,
            "'on_unknown' is none of the known words",
            "did you mean 'retry'?",
        ),
        (
            "name: t\ndefault_model: ecko\nsteps: [{op: llm_map, prompt: x}]",
            2,
            16,
            "there is no model called 'ecko'",
            "did you mean 'echo'?",
        ),
        (
            "name: t\nmodels: {m: opnai/gpt}\nsteps: [{op: llm_map, prompt: x}]",
            2,
            13,
            "the model 'm' is not as it should be",
            "did you mean 'openai'?",
        ),
        (
            "name: t\nmodels: {echo: openai/gpt}\nsteps: [{op: llm_map, prompt: x}]",
            2,
            16,
            "the model name 'echo' stands for the backend 'echo'",
            "give the model another name",
        ),
        (
            "name: t\ndefault_model: opnai/gpt\nsteps: [{op: llm_map, prompt: x}]",
            2,
            16,
            "there is no model called 'opnai/gpt'",
            "did you mean 'openai'?",
        ),
        (
            "name: t\nmodels: {m: {backend: openai, params: {api-key: x}}}\nsteps: [{op: llm_map, prompt: x}]",
            2,
            40,
            "the parameter 'api-key' would put a key or an address into the run's record",
            "keys and addresses come from the environment, or a key file that it names: remove it here",
        ),
        (
            "name: t\nmodels: {m: {backend: openai, price: {input: 1}}}\nsteps: [{op: llm_map, prompt: x}]",
            2,
            38,
            "the key 'output' is missing",
            "",
        ),
        (
            "name: t\nmodels: {m: {backend: echo, price: {input: 1e-13, output: 1}}}\nsteps: [{op: either, one: x}]",
            2,
            44,
            "this is no amount of money",
            "",
        ),
        (
            "name: t\nmodels: {m: {backend: openai, limits: {tries: 0}}}\nsteps: [{op: llm_map, prompt: x}]",
            2,
            47,
            "'tries' is not as it should be",
            "",
        ),
        (
            "name: t\nmodels: {m: {backend: openai, limits: {in_flght: 9}}}\nsteps: [{op: llm_map, prompt: x}]",
            2,
            40,
            "there is no key 'in_flght' here",
            "did you mean 'in_flight'?",
        ),
        ("name: t\nbudget: 0\nsteps: [{op: llm_map, prompt: x}]", 2, 9, "the budget is nothing", ""),
        ("name: t\nbudget: '0.00'\nsteps: [{op: llm_map, prompt: x}]", 2, 9, "the budget is nothing", ""),
        ("name: t\nbudget: -1\nsteps: [{op: llm_map, prompt: x}]", 2, 9, "'budget' is not as it should be", ""),
        ("name: t\nbudget: $5\nsteps: [{op: llm_map, prompt: x}]", 2, 9, "'budget' is not as it should be", ""),
        ("name: t\nbudget: true\nsteps: [{op: llm_map, prompt: x}]", 2, 9, "'budget' has the wrong type", ""),
        ("name: t\nbudget: 1.0e-13\nsteps: [{op: llm_map, prompt: x}]", 2, 9, "this is no amount of money", ""),
        ("name: t\ncache: 1\nsteps: [{op: llm_map, prompt: x}]", 2, 8, "'cache' has the wrong type", ""),
        (
            "name: t\ninputs: {a: {data: x.tsv}}\nsteps: [{op: llm_map, prompt: x}]",
            2,
            20,
            "the format of the data set is not known",
            "or say `format: csv`",
        ),
        (
            "name: t\ninputs: {a: {data: x.csv, limt: 2}}\nsteps: [{op: llm_map, prompt: x}]",
            2,
            27,
            "there is no key 'limt' here",
            "did you mean 'limit'?",
        ),
        (
            "name: t\ninputs: {a: {data: x.csv, limit: 0}}\nsteps: [{op: llm_map, prompt: x}]",
            2,
            34,
            "'limit' is not as it should be",
            "",
        ),
    ],
)
def test_a_problem_at_the_top_of_the_file(text: str, line: int, column: int, what: str, hint: str) -> None:
    problem = _only(text)
    assert (problem.file, problem.line, problem.column) == ("w.yaml", line, column)
    assert (problem.what, problem.hint) == (what, hint)


@pytest.mark.parametrize(
    ("step", "column", "what", "hint"),
    [
        ("{op: llm_mapp, prompt: x}", 10, "there is no operation called 'llm_mapp'", "did you mean 'llm_map'?"),
        ("{id: a, prompt: x}", 5, "the key 'op' is missing", ""),
        ("{op: 1, prompt: x}", 10, "'op' has the wrong type", ""),
        ("{op: llm_map}", 5, "the key 'prompt' is missing", ""),
        ("{op: llm_map, promt: x}", 19, "there is no key 'promt' here", "did you mean 'prompt'?"),
        ("{op: llm_map, prompt: x, retrys: 1}", 30, "there is no key 'retrys' here", "did you mean 'retries'?"),
        ("{op: llm_map, args: {prompt: x, param: {}}}", 37, "there is no key 'param' here", "did you mean 'params'?"),
        ("{op: llm_map, prompt: 1}", 27, "'prompt' has the wrong type", ""),
        ("{op: llm_map, prompt: x, models: []}", 38, "'models' is not as it should be", ""),
        ("{op: llm_map, prompt: x, models: [echo, 1]}", 45, "item 2 of 'models' has the wrong type", ""),
        ("{op: llm_map, prompt: x, models: [ecko]}", 39, "there is no model called 'ecko'", "did you mean 'echo'?"),
        (
            "{op: llm_map, prompt: x, models: [opnai/gpt]}",
            39,
            "there is no model called 'opnai/gpt'",
            "did you mean 'openai'?",
        ),
        (
            "{op: llm_map, prompt: x, models: ['openai/a b']}",
            39,
            "'openai/a b' cannot be a model's name",
            "give the model an entry in `models`, with a name of letters, digits or '_.:/-'",
        ),
        (
            "{op: llm_map, prompt: x, params: {base_url: x}}",
            39,
            "the parameter 'base_url' would put a key or an address into the run's record",
            "keys and addresses come from the environment, or a key file that it names: remove it here",
        ),
        (
            "{op: llm_map, prompt: x, params: {extra_body: {Authorization: x}}}",
            52,
            "the parameter 'Authorization' would put a key or an address into the run's record",
            "keys and addresses come from the environment, or a key file that it names: remove it here",
        ),
        ("{op: llm_map, prompt: x, images: ['{{ inputs.b }}']}", 39, "there is no input called 'b'", ""),
        ("{op: llm_map, prompt: x, args: 1}", 36, "'args' has the wrong type", ""),
        ("{op: llm_map, prompt: x, id: a b}", 34, "'id' is not as it should be", ""),
        ('{op: llm_map, prompt: x, id: "a\\n"}', 34, "'id' is not as it should be", ""),
        ("{op: llm_map, prompt: x, id: 1}", 34, "'id' has the wrong type", ""),
        ("{op: llm_map, prompt: x, needs: 1}", 37, "'needs' has the wrong type", ""),
        (
            "{op: llm_map, prompt: x, needs: [step_001x]}",
            38,
            "there is no step called 'step_001x'",
            "",
        ),
        ("{op: llm_map, prompt: x, when: true}", 36, "'when' has the wrong type", ""),
        ("{op: llm_map, prompt: x, when: }", 36, "'when' has the wrong type", ""),
        ("{op: llm_map, prompt: x, when: inputs.a >}", 36, "this condition is not CEL", ""),
        ("{op: llm_map, prompt: x, when: inputs.b > 1}", 36, "there is no input called 'b'", ""),
        (
            "{op: llm_map, prompt: x, when: a > 1}",
            36,
            "the condition names 'a', which is not there",
            "did you mean inputs.a?",
        ),
        ("{op: llm_map, prompt: x, timeout: 0}", 39, "'timeout' is not as it should be", ""),
        ("{op: llm_map, prompt: x, timeout: '1'}", 39, "'timeout' has the wrong type", ""),
        ("{op: llm_map, prompt: x, retries: 101}", 39, "'retries' is not as it should be", ""),
        ("{op: llm_map, prompt: x, retries: true}", 39, "'retries' has the wrong type", ""),
        ("{op: llm_map, prompt: x, retries: {delay_s: 1}}", 39, "the key 'max' is missing", ""),
        (
            "{op: llm_map, prompt: x, retries: {max: 1, delay: 1}}",
            48,
            "there is no key 'delay' here",
            "did you mean 'delay_s'?",
        ),
        ("{op: llm_map, prompt: '{{ inputs.b }}'}", 27, "there is no input called 'b'", ""),
        (
            "{op: llm_map, prompt: '{{ a }}'}",
            27,
            "the template names 'a', which is not there",
            "did you mean inputs.a?",
        ),
        (
            "{op: llm_map, prompt: '{{ step.a }}'}",
            27,
            "the template names 'step', which is not there",
            "did you mean 'steps'?",
        ),
        (
            "{op: llm_map, prompt: '{{ steps.step_01 }}'}",
            27,
            "there is no step called 'step_01'",
            "",
        ),
        (
            "{op: llm_map, prompt: '{{ steps.step_001 }}'}",
            5,
            "a step waits for itself",
            "remove one of these references",
        ),
        ("{op: mix, sources: [{step: b}]}", 32, "there is no step called 'b'", ""),
        ("{op: mix, sources: [{step: 1}]}", 32, "'step' has the wrong type", ""),
        ("{op: mix, sources: [{}]}", 25, "the key 'step' is missing", ""),
        ("{op: mix, sources: [{step: b, weigt: 1}]}", 35, "there is no key 'weigt' here", "did you mean 'weight'?"),
        ("{op: mix, sources: [], mode: fsat}", 34, "'mode' is none of the known words", "did you mean 'fast'?"),
        ("{op: mix, sources: [], count: 10}", 35, "'count' is not as it should be", ""),
        ("{op: mix, sources: [], count: 1.0}", 35, "'count' has the wrong type", ""),
        ("{op: mix, sources: [], label: A}", 35, "'label' is not as it should be", ""),
        ("{op: mix, sources: [], flag: 1}", 34, "'flag' has the wrong type", ""),
        ("{op: mix, sources: [], flag: no}", 34, "'flag' has the wrong type", ""),
        ("{op: mix, sources: [], text: 1}", 34, "'text' has the wrong type", ""),
        ("{op: mix, sources: [], text: [x, 1]}", 38, "item 2 of 'text' has the wrong type", ""),
        ("{op: mix, sources: [], outputs: [../x]}", 38, "a step may not write a file of this name", ""),
        ("{op: mix, sources: [], outputs: [/x]}", 38, "a step may not write a file of this name", ""),
        ("{op: mix, sources: [], outputs: ['a/{{ b }}']}", 38, "the template names 'b', which is not there", ""),
        ("{op: either, one: a, other: b}", 5, "give exactly one of `one` and `other`", ""),
        ("{op: either}", 5, "give exactly one of `one` and `other`", ""),
    ],
)
def test_a_problem_of_a_step(step: str, column: int, what: str, hint: str) -> None:
    problem = _only(_steps(step))
    assert (problem.line, problem.column) == (4, column)
    assert (problem.what, problem.hint) == (what, hint)


@pytest.mark.parametrize(
    ("step", "expected", "got"),
    [
        ("{op: llm_map, prompt: 1}", "text", "the number 1"),
        ("{op: mix, sources: {}}", "a list of a mapping of keys to values", "an empty mapping"),
        ("{op: mix, sources: [], count: 10}", "a whole number, at least 1, at most 9", "the number 10"),
        ("{op: mix, sources: [], mode: x}", "one of fast, slow", "the text 'x'"),
        ("{op: mix, sources: [], text: true}", "text or a list of text or nothing (null)", "true"),
        ("{op: mix, sources: [], label: A}", "text, Small letters", "the text 'A'"),
        ("{op: mix, sources: [], flag: null}", "true or false", "nothing (null)"),
        ("{op: llm_map, prompt: []}", "text", "an empty list"),
        ("{op: llm_map, prompt: x, id: '" + "é" * 70 + "'}", "", "the text '" + "é" * 57 + "'…"),
    ],
)
def test_a_problem_says_what_was_expected_and_what_is_there(step: str, expected: str, got: str) -> None:
    problem = _only(_steps(step))
    assert problem.got == got
    assert problem.expected == expected or not expected


def test_a_second_step_of_the_same_id_is_refused_case_aside() -> None:
    text = _steps(
        "{id: a, op: llm_map, prompt: x}",
        "{id: a, op: llm_map, prompt: x}",
        "{id: A, op: llm_map, prompt: x}",
    )
    assert [(p.line, p.column, p.what) for p in _problems(text)] == [
        (5, 10, "the step id 'a' stands here twice"),
        (6, 10, "the step ids 'a' and 'A' differ by upper and lower case only"),
    ]


def test_a_circle_is_named_from_step_to_step() -> None:
    problem = _only(
        _steps(
            "{id: a, op: llm_map, prompt: x}",
            "{id: b, op: llm_map, prompt: '{{ steps.c.text }}'}",
            "{id: c, op: llm_map, prompt: x, needs: [d]}",
            "{id: d, op: llm_map, prompt: x, when: steps.b.x == 1}",
        )
    )
    assert (problem.line, problem.column, problem.what) == (5, 5, "steps wait for each other")
    assert problem.got == "b needs c needs d needs b"


def test_too_many_gates_are_refused() -> None:
    gates = (f"{{id: g{number}, op: audit_gate, checklist: c.md}}" for number in range(MOST_GATES + 1))
    assert _only(_steps(*gates)).what == "there are too many gates"


# --- many problems --------------------------------------------------------------------------------------

_BAD: dict[str, Any] = {
    "nam": "t",
    "inputs": {"a": {"fil": "x"}},
    "models": {"m": {"backend": "lama", "sed": 1}},
    "steps": [
        {"id": "a", "op": "llm_map", "promt": "x"},
        {"id": "b", "op": "mix", "sources": [{"step": "aa"}], "count": "many", "timeout": 0},
        {"id": "B", "op": "llm_map", "prompt": "{{ inputs.c }} {{ steps.d.text }}", "when": "1 +"},
        {"id": "e", "op": "llm_map", "prompt": "x", "needs": "f", "retries": -1},
        {"id": "f", "op": "llm_map", "prompt": "{{ steps.e.text }}"},
    ],
}
_FAULTS = [
    "there is no key 'nam' here",
    "the input 'a' is not as it should be",
    "there is no model backend called 'lama'",
    "there is no key 'sed' here",
    "there is no key 'promt' here",
    "'count' has the wrong type",
    "'timeout' is not as it should be",
    "the step ids 'b' and 'B' differ by upper and lower case only",
    "there is no step called 'd'",
    "there is no input called 'c'",
    "this condition is not CEL",
    "steps wait for each other",
    "'retries' is not as it should be",
]


@pytest.mark.parametrize("file", ["w.json", "w.yaml"])
def test_every_problem_is_told_at_once_in_the_order_of_the_file(file: str) -> None:
    text = json.dumps(_BAD, indent=1)
    problems = _problems(text, file)
    assert [p.what for p in problems] == _FAULTS
    assert [(p.line, p.column) for p in problems] == sorted((p.line, p.column) for p in problems)
    lines = text.splitlines()
    shown = {p.what: lines[p.line - 1][p.column - 1 :] for p in problems}
    assert shown["there is no key 'nam' here"].startswith('"nam": "t"')
    assert shown["there is no key 'promt' here"].startswith('"promt": "x"')
    assert shown["'count' has the wrong type"].startswith('"many"')
    assert shown["there is no step called 'd'"].startswith('"{{ inputs.c }}')
    assert shown["'retries' is not as it should be"].startswith("-1")


def test_the_error_prints_every_problem_with_its_place() -> None:
    with pytest.raises(WorkflowInvalid) as caught:
        _load(json.dumps(_BAD), "dir/w.json")
    printed = str(caught.value)
    assert printed.count("dir/w.json:1:") == len(_FAULTS)
    assert caught.value.exit_code == 8


def test_nothing_is_hidden_by_a_step_that_is_no_mapping() -> None:
    assert [p.what for p in _problems("name: t\nsteps: [1, {op: llm_map, promt: x}]")] == [
        "item 1 of 'steps' has the wrong type",
        "there is no key 'promt' here",
    ]


def test_a_yaml_alias_is_reported_where_it_stands() -> None:
    problem = _only("name: t\nsteps:\n  - &a {id: a, op: llm_map, prompt: x, timeout: 1}\n  - *a\n")
    assert (problem.line, problem.column, problem.what) == (4, 5, "the step id 'a' stands here twice")
