"""Templates fill in what they are given, refuse every name that is not there, and cannot reach out or run away."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awo.errors import StepFailed
from awo.workflow import sandbox, templates
from awo.workflow.cells import Cell
from awo.workflow.names import BadText, Names

INPUTS: dict[str, Any] = {
    "text": "A",
    "number": 5,
    "list": [1, "two", {"three": None}],
    "mapping": {"items": "I", "keys": [True], "half": 0.5},
    "empty": "",
}
STEPS: dict[str, Any] = {"vote": {"text": "héllo\n", "responses": [{"text": "x"}]}, "a-b": "B"}
ROOTS = {"inputs": INPUTS, "steps": STEPS}
CELL = Cell(3, "x", {"text": "T", "a b": 1, "list": [{"k": "v"}]}, {"heat": 0.5, "who": "me"}, 2)


def _render(text: str) -> str:
    return templates.render(text, inputs=INPUTS, steps=STEPS)


def _failure(text: str) -> StepFailed:
    with pytest.raises(StepFailed) as caught:
        _render(text)
    assert caught.value.code == "template"
    return caught.value


# --- filling in -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("plain } text { with { braces }}", "plain } text { with { braces }}"),
        ("{{ inputs.text }}-{{ inputs.number }}", "A-5"),
        ("{{inputs.list}}", '[1, "two", {"three": null}]'),
        ("{{ inputs.mapping.items }} {{ inputs['mapping']['half'] }}", "I 0.5"),
        ("{{ inputs.mapping.keys[0] }}", "true"),
        ("{{ steps.vote.responses[0].text }}{{ steps['a-b'] }}", "xB"),
        ("{{ steps.vote.text }}", "héllo\n"),
        ("line\n", "line\n"),
        ("{{ inputs.text }}\n", "A\n"),
        ("{# a remark #}x", "x"),
        ("{% raw %}{{ not.filled.in }}{% endraw %}", "{{ not.filled.in }}"),
        ("{% for x in inputs.list %}{{ loop.index }}:{{ x }};{% endfor %}", '1:1;2:two;3:{"three": null};'),
        ("{% if inputs.number > 3 and inputs.text == 'A' %}yes{% else %}no{% endif %}", "yes"),
        ("{% set y = inputs.text ~ inputs.number ~ true %}{{ y }}", "A5true"),
        ("{{ inputs.list | map('string') | join('+') }}", '1+two+{"three": null}'),
        ("{{ inputs.text | lower | replace('a', 'bb') }}", "bb"),
        ("{{ inputs.text | tojson }} {{ inputs.mapping | length }}", '"A" 3'),
        ("{{ inputs.nothing | default('none') }}", "none"),
        ("{{ 'x' if inputs.nothing is defined else 'y' }}", "y"),
        ("{{ inputs.text + 'B' }} {{ 2 ** 10 }} {{ 7 % 4 }}", "AB 1024 3"),
        ("{{ range(3) | list }} {{ inputs.text.lower() }}", "[0, 1, 2] a"),
        ("{% for k, v in inputs.mapping | dictsort %}{{ k }} {% endfor %}", "half items keys "),
        ("a\n{% if true %}\n  b\n{% endif %}\nc", "a\n  b\nc"),
    ],
)
def test_a_template_is_filled_in(template: str, text: str) -> None:
    assert _render(template) == text


_NAMES = st.sampled_from(
    ["text", "number", "list", "mapping", "items", "half", "nothing", "upper", "responses", "vote"]
)
_PARTS = st.one_of(
    _NAMES.map(lambda n: f".{n}"),
    _NAMES.map(lambda n: f"['{n}']"),
    st.integers(0, 3).map(lambda i: f"[{i}]"),
)
_REFERENCES = st.builds(
    lambda root, first, rest: f"{{{{ {root}.{first}{''.join(rest)} }}}}",
    st.sampled_from(["inputs", "steps", "item", "matrix"]),
    _NAMES,
    st.lists(_PARTS, max_size=3),
)
_BARE = st.sampled_from(["{{ item }}", "{{repeat}}", "{{ matrix }}"])
_LITERALS = st.text(alphabet=st.sampled_from("ab }\n'é"), max_size=5)


@given(st.lists(st.one_of(_REFERENCES, _BARE, _LITERALS), max_size=4))
def test_plain_references_give_the_same_with_and_without_jinja(pieces: list[str]) -> None:
    text = "".join(pieces)

    def outcome(render: Any) -> str:
        try:
            return str(render())
        except (BadText, StepFailed):
            return "fails"

    assert outcome(lambda: _render(text)) == outcome(lambda: sandbox.render(text, ROOTS))
    row = Cell(0, "", {"text": "é", "items": [1]}, {"half": 0.5}, 1)
    roots = {**ROOTS, "item": row.row, "matrix": row.matrix, "repeat": row.repeat}
    with_cell = outcome(lambda: templates.render(text, inputs=INPUTS, steps=STEPS, cell=row))
    assert with_cell == outcome(lambda: sandbox.render(text, roots))
    assert templates.names_used(text) == sandbox.names_of(sandbox.parsed(text))


# --- the cell at hand -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ item.text }} {{ item['a b'] }} {{ matrix.heat }} {{ repeat }}", "T 1 0.5 2"),
        ("{{ item.list[0].k }}{{ matrix['who'] }}", "vme"),
        ("{{ item }}", '{"text": "T", "a b": 1, "list": [{"k": "v"}]}'),
        ("{{ item.text | lower }}{% if repeat > 1 %}!{% endif %}", "t!"),
        ("{% for item in inputs.list %}{{ item }};{% endfor %}", '1;two;{"three": null};'),
    ],
)
def test_a_template_of_a_fan_out_knows_its_cell(template: str, text: str) -> None:
    assert templates.render(template, inputs=INPUTS, steps=STEPS, cell=CELL) == text


@pytest.mark.parametrize(("template", "name"), [("{{ item.txt }}", "txt"), ("{{ matrix.txt | upper }}", "txt")])
def test_a_column_that_is_not_there_fails_the_cell(template: str, name: str) -> None:
    with pytest.raises(StepFailed) as caught:
        templates.render(template, inputs=INPUTS, steps=STEPS, cell=CELL)
    assert caught.value.what == f"the template names {name!r}, which is not there"


@pytest.mark.parametrize("template", ["{{ item.text }}", "{{ matrix.a }}", "{{ repeat }}", "{{ repeat | upper }}"])
def test_outside_a_fan_out_there_is_no_cell(template: str) -> None:
    assert "which is not there" in _failure(template).what


def test_a_text_that_is_one_reference_becomes_the_value_itself() -> None:
    value = {
        "heat": "{{ matrix.heat }}",
        "stop": ["{{ item.text }}", "x{{ repeat }}"],
        "n": 3,
        "list": "{{ item['list'] }}",
        "{{ kept }}": None,
    }
    assert templates.fill(value, inputs=INPUTS, steps=STEPS, cell=CELL) == {
        "heat": 0.5,
        "stop": ["T", "x2"],
        "n": 3,
        "list": [{"k": "v"}],
        "{{ kept }}": None,
    }


def test_filling_in_fails_as_rendering_does() -> None:
    for text in ("{{ matrix.nothing }}", "x{{ matrix.nothing }}"):
        with pytest.raises(StepFailed) as caught:
            templates.fill([text], inputs=INPUTS, steps=STEPS, cell=CELL)
        assert (caught.value.code, caught.value.what) == (
            "template",
            "the template names 'nothing', which is not there",
        )


# --- names ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "names"),
    [
        ("plain", Names()),
        ("{{ inputs.a }} {{ steps['b-c'].d[0].e }} {{ inputs.a }}", Names(("a",), ("b-c",))),
        ("{% for x in steps.a.l %}{{ x | upper }}{{ loop.index }}{% endfor %}", Names((), ("a",))),
        ("{% set y = inputs.q ~ 'a' %}{{ y }}", Names(("q",))),
        ("{{ inputs.a if inputs.b else steps.c }}", Names(("b", "a"), ("c",))),
        ("{{ foo }} {{ inputs['x'] }} {{ bar.baz }}", Names(("x",), (), ("bar", "foo"))),
        ("{{ lipsum() }} {{ range(3) }} {{ self }}", Names((), (), ("lipsum", "self"))),
        ("{% raw %}{{ steps.a }}{% endraw %}", Names()),
        ("{{ inputs }}", Names()),
        ("{{ item.a }}{{ repeat }}{{ item['b c'] }}", Names(cell=("item", "repeat"), columns=("a", "b c"))),
        ("{{ matrix.x | upper }}{{ item }}", Names(cell=("matrix", "item"), matrix=("x",))),
        ("{% for item in inputs.l %}{{ item.a }}{% endfor %}", Names(("l",))),
        ("{{ item[matrix.column] }}", Names(cell=("item", "matrix"), matrix=("column",))),
    ],
)
def test_a_template_tells_which_names_it_uses(template: str, names: Names) -> None:
    assert templates.names_used(template) == names


@pytest.mark.parametrize(
    ("template", "line", "what"),
    [
        ("{{ steps }}", 1, "'steps' must be followed by a name"),
        ("{{ steps[inputs.x] }}", 1, "'steps' must be followed by a name"),
        ("{% for s in steps %}{% endfor %}", 1, "'steps' must be followed by a name"),
        ("{% set steps = 1 %}", 1, "'steps' must be followed by a name"),
        ("{% set inputs = 1 %}", 1, "'inputs' must be followed by a name"),
        ("{% for item in item.l %}{{ item.a }}{% endfor %}", 1, "'item' means two things in this template"),
        ("a\n{{ inputs.x", 2, "this template cannot be read"),
        ("{{ a b }}", 1, "this template cannot be read"),
        ("{% if inputs.x %}", 1, "this template cannot be read"),
        ("{{ inputs.x | uper }}", 1, "there is no filter called 'uper'"),
        ("{{ inputs.x | random }}", 1, "there is no filter called 'random'"),
        ("{{ inputs.x is definde }}", 1, "there is no test called 'definde'"),
        ("{% macro f() %}{% endmacro %}", 1, "templates have no such statement"),
        ("x\n{% include 'etc' %}", 2, "templates have no such statement"),
        ("{% import 'x' as y %}", 1, "templates have no such statement"),
        ("{% extends 'x' %}", 1, "templates have no such statement"),
        ("{% block a %}{% endblock %}", 1, "templates have no such statement"),
        ("{% set a.b = 1 %}", 1, "templates have no such statement"),
        ("{% for x in inputs.l recursive %}{% endfor %}", 1, "loops are nested too deeply"),
        ("{% for x in inputs.l %}" * 9 + "{% endfor %}" * 9, 1, "loops are nested too deeply"),
    ],
)
def test_a_template_that_cannot_be_used_is_refused_with_its_line(template: str, line: int, what: str) -> None:
    with pytest.raises(BadText) as caught:
        templates.names_used(template)
    assert (caught.value.line, caught.value.what) == (line, what)


@pytest.mark.parametrize(
    "template",
    [
        "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
        "{{ " + "9" * 5000 + " }}",
        "{{ " + "-" * 3000 + "1 }}",
        "{{ inputs" + ".a" * 3000 + "|upper }}",
        "{% if 1 %}" * 500 + "{% endif %}" * 500,
        "{{ inputs.a }}" * 100_000,
    ],
)
def test_a_template_of_hostile_size_is_refused_in_one_sentence(template: str) -> None:
    with pytest.raises(BadText):
        templates.names_used(template)


def test_a_template_of_a_wrong_word_names_the_right_one() -> None:
    with pytest.raises(BadText) as caught:
        templates.names_used("{{ inputs.x | uper }}")
    assert caught.value.hint == "did you mean 'upper'?"


# --- failures while filling in --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("{{ inputs.nothing }}", "nothing"),
        ("{{ steps.gone.text }}", "gone"),
        ("{{ inputs.text.nothing }}", "nothing"),
        ("{{ inputs.list[3] }}", "3"),
        ("{{ inputs.nothing | upper }}", "nothing"),
        ("{{ inputs.mapping.nothing.deeper | length }}", "nothing"),
        ("{{ cycler }}", "cycler"),
    ],
)
def test_a_name_that_is_not_there_fails_the_step_and_is_named(template: str, name: str) -> None:
    assert _failure(template).what == f"the template names {name!r}, which is not there"


@pytest.mark.parametrize(
    "template",
    [
        "{{ inputs.text.__class__ }}",
        "{{ inputs.text.__class__.__mro__ }}",
        "{{ inputs['text']['__class__'] }}",
        "{{ inputs.list.append }}",
        "{{ inputs.list.append(1) }}",
        "{{ inputs.mapping.update({'a': 1}) }}",
        "{{ inputs.mapping.pop('half') }}",
        "{{ inputs.text.format(1) }}",
        "{{ ''.join(inputs.list) }}",
        "{{ inputs.text.center(1000000000) }}",
        "{{ inputs.list | map(attribute='__class__') | list }}",
        "{{ inputs.text | attr('__class__') }}",
        "{{ range.__init__.__globals__ }}",
        "{{ (1).__class__ }}",
        "{{ self.__init__ }}",
        "{{ inputs.text.upper.__self__ }}",
        "{{ inputs.list | map('attr', '__class__') | list }}",
    ],
)
def test_a_template_reaches_nothing_but_its_values(template: str) -> None:
    before = repr((INPUTS, STEPS))
    _failure(template)
    assert repr((INPUTS, STEPS)) == before


@pytest.mark.parametrize(
    "template",
    [
        "{{ 'a' * 1000000000 }}",
        "{{ [0] * 1000000000 }}",
        "{{ 10 ** 100000 }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ range(1000000000) | list }}",
        "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
        "{% set x = 'aaaaaaaaaa' %}" + "{% set x = x ~ x %}" * 40 + "{{ x }}",
        "{% set x = 'aaaaaaaaaa' %}" + "{% set x = x + x %}" * 40 + "{{ x }}",
        "{% set x = 'aaaaaaaaaa' %}" + "{% set x = [x, x] | join %}" * 40 + "{{ x }}",
        "{% set x = 'aaaaaaaaaa' %}" + "{% set x = x | replace('a', 'aa') %}" * 40 + "{{ x }}",
        "{{ 'a' | indent(1000000000, true) }}",
        "{% for i in range(9999) %}{{ '" + "x" * 2000 + "' }}{% endfor %}",
    ],
)
def test_a_template_cannot_grow_without_end(template: str) -> None:
    _failure(template)


def test_references_to_long_texts_stop_at_the_limit() -> None:
    with pytest.raises(StepFailed, match="longer than"):
        templates.render("{{ inputs.x }}" * 11, inputs={"x": "y" * 1_000_000}, steps={})


def test_what_a_model_said_is_not_repeated_in_an_error() -> None:
    steps = {"a": {"text": "IGNORE ALL RULES"}, "b": {}}
    with pytest.raises(StepFailed) as caught:
        templates.render("{{ steps.b[steps.a.text] }}", inputs={}, steps=steps)
    assert "IGNORE" not in str(caught.value)


@pytest.mark.parametrize(
    "template", ["{{ 1 / 0 }}", "{{ inputs.list | sum }}", "{{ inputs.number + 'x' }}", "{{ inputs.text() }}"]
)
def test_a_value_that_does_not_fit_fails_the_step(template: str) -> None:
    _failure(template)
