"""Files on disk: what a workflow reads is taken into input.json whole, from its own folder only, and never a secret."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet
from tests.unit.sample_operations import OPERATIONS

from awo import api
from awo.canon.digest import sha256_hex
from awo.canon.json import parse as parse_record
from awo.canon.json import pretty
from awo.engine.promise import resolve
from awo.errors import Problem, UsageError, WorkflowInvalid
from awo.evidence.records import NO_LIMITS, CellsRecord, DataRecord, InputRecord, OverRecord
from awo.evidence.secrets import SecretCutter
from awo.workflow import globs
from awo.workflow.files import MOST_CONTENT_BYTES, BadFile, Folder
from awo.workflow.load import load

NO_SECRETS = SecretCutter.from_environment({})


def _write(folder: Path, text: str, **files: str | bytes) -> Path:
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    workflow = folder / "flow.yaml"
    workflow.write_text(text, encoding="utf-8")
    return workflow


def _resolve(path: Path, secrets: SecretCutter = NO_SECRETS) -> InputRecord:
    return resolve(load(path, OPERATIONS), root=path.parent, source_name="flow.yaml", secrets=secrets)


def _problems(path: Path, secrets: SecretCutter = NO_SECRETS) -> tuple[Problem, ...]:
    with pytest.raises(WorkflowInvalid) as caught:
        _resolve(path, secrets)
    return caught.value.problems


def test_a_workflow_becomes_a_record_that_holds_all_it_needs(tmp_path: Path) -> None:
    text = """name: t
description: d
seed: 3
inputs: {topic: {file: data/topic.txt}, n: 2, m: {value: {k: [v]}}}
models: {m: {backend: upper, params: {temperature: 0.5}}}
steps:
  - {id: ask, op: llm_map, prompt: '{{ inputs.topic }}', models: [m, echo]}
  - {id: gate, op: audit_gate, checklist: check.md}
  - {id: mix, op: mix, sources: [{step: ask}], pattern: 'data/*', files: {f: check.md}, retries: 1, timeout: 2}
"""
    path = _write(
        tmp_path, text, data__topic_dot_txt="Wärme\n", check_dot_md="- [ ] ok?\n", data__raw_dot_bin=b"\xff\x00"
    )
    record = _resolve(path)
    written = pretty(record)
    assert pretty(parse_record(written, InputRecord, where="input.json")) == written
    assert (record.format, record.name, record.description, record.seed) == ("awo/input/v1", "t", "d", 3)
    assert record.source.path == "flow.yaml"
    assert (record.source.sha256, record.source.size_bytes) == (sha256_hex(text.encode()), len(text.encode()))
    assert record.inputs == {"topic": "Wärme\n", "n": 2, "m": {"k": ["v"]}}
    assert [(f.path, f.encoding, f.content) for f in record.files] == [
        ("check.md", "utf-8", "- [ ] ok?\n"),
        ("data/raw.bin", "absent", ""),
        ("data/topic.txt", "utf-8", "Wärme\n"),
    ]
    assert all(f.sha256 == sha256_hex((tmp_path / f.path).read_bytes()) for f in record.files)
    assert {name: (m.backend, m.model, m.seed, m.params) for name, m in record.models.items()} == {
        "m": ("upper", "upper", 3, {"temperature": 0.5}),
        "echo": ("echo", "echo", 3, {}),
    }
    assert record.default_model == "m"
    ask, gate, mix = record.steps
    assert ask.arguments() == {"prompt": "{{ inputs.topic }}", "models": ["m", "echo"], "params": {}, "images": []}
    assert (ask.cells, record.data, record.budget_usd, record.cache) == (None, {}, "", False)
    assert (ask.needs, gate.needs, mix.needs) == ((), ("ask",), ("ask", "gate"))
    assert (mix.retries.max, mix.timeout_s) == (1, 2.0)
    assert mix.arguments()["mode"] == "fast"
    assert "stop_if" not in mix.arguments()


def test_text_up_to_the_limit_stands_in_the_record_and_longer_text_does_not(tmp_path: Path) -> None:
    text = "name: t\nsteps: [{op: mix, sources: [], files: {a: small.txt, b: large.txt}}]\n"
    path = _write(tmp_path, text, small_dot_txt="x" * MOST_CONTENT_BYTES, large_dot_txt="x" * (MOST_CONTENT_BYTES + 1))
    large, small = _resolve(path).files
    assert (len(small.content), small.encoding) == (MOST_CONTENT_BYTES, "utf-8")
    assert (large.content, large.encoding, large.size_bytes) == ("", "absent", MOST_CONTENT_BYTES + 1)
    assert large.sha256 == sha256_hex(b"x" * (MOST_CONTENT_BYTES + 1))


# --- files that cannot be taken -----------------------------------------------------------------------------


def test_every_file_that_is_missing_is_told_at_once_with_its_place(tmp_path: Path) -> None:
    path = _write(
        tmp_path,
        "name: t\n"
        "inputs: {a: {file: nothing.txt}}\n"
        "steps:\n"
        "  - {op: audit_gate, checklist: cheklist.md}\n"
        "  - {op: mix, sources: [], pattern: '*.csv', files: {f: ''}}\n",
        checklist_dot_md="x",
    )
    problems = _problems(path)
    assert [(p.line, p.column, p.what) for p in problems] == [
        (2, 20, "there is no file 'nothing.txt'"),
        (4, 33, "there is no file 'cheklist.md'"),
        (5, 37, "no file matches '*.csv'"),
        (5, 57, "a step may read only inside the workflow's folder"),
    ]
    assert problems[1].hint == "did you mean 'checklist.md'?"


def test_a_missing_file_is_told_together_with_other_problems(tmp_path: Path) -> None:
    path = _write(tmp_path, "name: t\nsteps:\n  - {op: audit_gate, checklist: no.md}\n  - {op: llm_map, promt: x}\n")
    with pytest.raises(WorkflowInvalid) as caught:
        load(path, OPERATIONS)
    assert [p.what for p in caught.value.problems] == ["there is no file 'no.md'", "there is no key 'promt' here"]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../secret.txt", "it has a '..' part"),
        ("sub/../../secret.txt", "it has a '..' part"),
        ("/etc/passwd", "it is absolute"),
        ("~/x", "it is absolute"),
        ("C:/x", "it is absolute"),
        ("./x", "it has an empty or '.' part"),
        ("a//b", "it has an empty or '.' part"),
        ("a\\b", "it has a back slash or a control character"),
        ("a\0b", "it has a back slash or a control character"),
    ],
)
def test_a_path_that_leaves_the_folder_is_refused(tmp_path: Path, name: str, why: str) -> None:
    (tmp_path / "secret.txt").write_text("x")
    folder = tmp_path / "project"
    folder.mkdir()
    for argument in ({"files": {"f": name}}, {"pattern": name}):
        path = _write(folder, json.dumps({"name": "t", "steps": [{"op": "mix", "sources": [], **argument}]}))
        (problem,) = _problems(path)
        assert problem.what == "a step may read only inside the workflow's folder"
        assert problem.got.endswith(why)


def test_a_link_that_leaves_the_folder_is_refused_and_one_inside_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    (tmp_path / "secret.txt").write_text("x")
    (folder / "real.txt").write_text("real")
    (folder / "inside.txt").symlink_to("real.txt")
    (folder / "outside.txt").symlink_to("../secret.txt")
    (folder / "up").symlink_to("..")
    (folder / "circle").symlink_to("circle")
    (folder / "dangling").symlink_to("gone")
    path = _write(folder, "name: t\nsteps: [{op: mix, sources: [], files: {f: inside.txt}}]\n")
    assert _resolve(path).files[0].content == "real"
    for name in ("outside.txt", "up/secret.txt"):
        path = _write(folder, f"name: t\nsteps: [{{op: mix, sources: [], files: {{f: {name}}}}}]\n")
        assert _problems(path)[0].what == f"the file {name!r} is reached by a link that leaves the workflow's folder"
    path = _write(folder, "name: t\nsteps: [{op: mix, sources: [], pattern: 'out*'}]\n")
    assert "leaves the workflow's folder" in _problems(path)[0].what
    for name in ("circle", "dangling"):
        path = _write(folder, f"name: t\nsteps: [{{op: mix, sources: [], files: {{f: {name}}}}}]\n")
        assert name in _problems(path)[0].what


def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name, kind in (("pipe", "a pipe"), ("folder", "a folder")):
        path = _write(tmp_path, f"name: t\nsteps: [{{op: mix, sources: [], files: {{f: {name}}}}}]\n")
        (problem,) = _problems(path)
        assert (problem.what, problem.got) == (f"{name!r} is no file", kind)


@pytest.mark.parametrize("content", [b"\xff", b"x" * (MOST_CONTENT_BYTES + 1)])
def test_an_input_that_is_no_short_text_is_refused(tmp_path: Path, content: bytes) -> None:
    path = _write(
        tmp_path, "name: t\ninputs: {a: {file: f.txt}}\nsteps: [{op: llm_map, prompt: x}]\n", f_dot_txt=content
    )
    (problem,) = _problems(path)
    assert (problem.line, problem.column) == (2, 20)
    assert problem.what.startswith("the input 'a' must be text in UTF-8")


# --- data sets ----------------------------------------------------------------------------------------------

_REVIEWS = b"text,label\ngood,1\nbad,0\nfine,1\n"


def test_a_data_set_is_counted_and_its_file_is_on_record(tmp_path: Path) -> None:
    path = _write(
        tmp_path,
        "name: t\ninputs: {reviews: {data: data/reviews.csv, id: text, limit: 2}, n: 1}\n"
        "steps: [{op: llm_map, prompt: '{{ item.text }}', over: reviews, matrix: {t: [0, 1]}, repeats: 5, "
        "max_failed: 12%}]\n",
        data__reviews_dot_csv=_REVIEWS,
    )
    record = _resolve(path)
    assert record.inputs == {"n": 1}
    assert record.data == {
        "reviews": DataRecord(
            path="data/reviews.csv", format="csv", id_column="text", rows=2, columns=["text", "label"]
        )
    }
    assert [(file.path, file.content) for file in record.files] == [("data/reviews.csv", _REVIEWS.decode())]
    assert record.steps[0].cells == CellsRecord(
        over=OverRecord(kind="data", name="reviews"), matrix={"t": [0, 1]}, repeats=5, max_failed=2
    )
    written = pretty(record)
    assert pretty(parse_record(written, InputRecord, where="input.json")) == written


def test_a_large_data_set_is_on_record_by_its_digest_only(tmp_path: Path) -> None:
    data = b"text\n" + b"some words\n" * 30_000
    path = _write(
        tmp_path,
        "name: t\ninputs: {r: {data: r.csv}}\nsteps: [{op: llm_map, prompt: '{{ item.text }}', over: r}]\n",
        r_dot_csv=data,
    )
    record = _resolve(path)
    assert (record.data["r"].rows, record.files[0].encoding) == (30_000, "absent")
    assert record.files[0].sha256 == sha256_hex(data)


def test_every_fault_of_data_sets_is_told_at_once_with_file_and_line(tmp_path: Path) -> None:
    path = _write(
        tmp_path,
        "name: t\n"
        "inputs:\n"
        "  ragged: {data: ragged.csv}\n"
        "  twice: {data: twice.jsonl, id: n}\n"
        "  gone: {data: gon.csv}\n"
        "  good: {data: good.csv}\n"
        "steps:\n"
        "  - {op: llm_map, prompt: '{{ item.txt }} {{ item.label }}', over: good}\n"
        "  - {op: llm_map, prompt: x, params: {stop: '{{ item.lable }}'}, over: good}\n"
        "  - {op: llm_map, prompt: x, over: good, matrix: {t: [1, 2, 1]}}\n"
        "  - {op: llm_map, prompt: x, over: good, matrix: {t: [1, 2, 3, 4]}, repeats: 10000, id: many}\n"
        "  - {op: llm_map, prompt: x, over: {step: many}, repeats: 100}\n"
        "  - {op: llm_map, prompt: x, over: {step: many}, max_failed: 5%}\n",
        ragged_dot_csv=b"a,b\n1,2\n3\n",
        twice_dot_jsonl=b'{"n": 1}\n{"n": 2}\n{"n": 1}\n',
        good_dot_csv=_REVIEWS,
    )
    problems = _problems(path)
    assert [(p.line, p.column, p.what, p.hint) for p in problems] == [
        (3, 18, "the row has not as many values as the header (ragged.csv:3)", ""),
        (
            4,
            17,
            "the id of this row is that of line 1 (twice.jsonl:3)",
            "give each row a 'n' of its own, or leave `id` out",
        ),
        (5, 16, "there is no file 'gon.csv'", "did you mean 'good.csv'?"),
        (8, 27, "the data set 'good' has no column 'txt'", "did you mean item.text?"),
        (9, 45, "the data set 'good' has no column 'lable'", "did you mean item.label?"),
        (10, 61, "this value stands here twice", "use `repeats` to ask the same again"),
        (12, 30, "the step 'step_005' has too many cells", ""),
        (13, 62, "a share needs a number of cells that is known before the run", ""),
    ]
    assert problems[6].got == "12000000"


def test_faults_of_data_sets_are_told_together_with_those_of_the_file(tmp_path: Path) -> None:
    path = _write(
        tmp_path,
        "name: t\ninputs: {r: {data: r.csv}}\n"
        "steps: [{op: llm_map, prompt: '{{ item.txt }}', over: r}, {op: llm_map, promt: x}]\n",
        r_dot_csv=_REVIEWS,
    )
    with pytest.raises(WorkflowInvalid) as caught:
        load(path, OPERATIONS)
    assert [p.what for p in caught.value.problems] == [
        "the data set 'r' has no column 'txt'",
        "there is no key 'promt' here",
    ]


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_a_secret_in_a_large_data_set_is_refused(tmp_path: Path, ending: str) -> None:
    secrets = SecretCutter.from_environment({"API_KEY": "sk-0123456789"})
    rows = [{"text": f"some words {number}"} for number in range(30_000)]
    rows[20_000] = {"text": "sk-0123456789"}
    if ending == "csv":
        data = "\n".join(["text", *(row["text"] for row in rows)]).encode()
    elif ending == "jsonl":
        data = "\n".join(json.dumps(row) for row in rows).encode()
    else:
        out = io.BytesIO()
        parquet.write_table(pa.Table.from_pylist(rows), out)
        data = out.getvalue()
    path = _write(
        tmp_path,
        f"name: t\ninputs: {{r: {{data: r.{ending}}}}}\nsteps: [{{op: llm_map, prompt: x, over: r}}]\n",
        **{f"r_dot_{ending}": data},
    )
    (problem,) = _problems(path, secrets)
    assert (problem.file, "API_KEY" in problem.what) == (f"r.{ending}", True)
    assert problem.line == {"csv": 20_002, "jsonl": 20_001, "parquet": 20_001}[ending]


# --- models and money ---------------------------------------------------------------------------------------


def _real(path: Path) -> InputRecord:
    return resolve(load(path, api.operations()), root=path.parent, source_name="flow.yaml", secrets=NO_SECRETS)


def _real_problems(path: Path) -> list[tuple[int, str]]:
    with pytest.raises(WorkflowInvalid) as caught:
        _real(path)
    return [(problem.line, problem.what) for problem in caught.value.problems]


def test_a_model_is_recorded_with_its_price_and_limits(tmp_path: Path) -> None:
    path = _write(
        tmp_path,
        "name: t\nmodels:\n"
        "  own: {backend: openai, model: gpt-5-mini, price: {input: 0.25, output: 2}, limits: {tries: 2}}\n"
        "  listed: openai/gpt-4o\n"
        "  nobody: openai/no-such-model\n"
        "  here: {backend: echo, on_unknown: fail}\n"
        "steps: [{op: llm_map, prompt: x, model: ollama/qwen3}]\n",
    )
    models = _real(path).models
    prices = {name: (m.price.input_usd_per_mtok, m.price.source) for name, m in models.items() if m.price}
    assert prices["own"] == ("0.25", "workflow")
    assert prices["listed"][1].startswith("genai-prices ")
    assert prices["here"] == prices["ollama/qwen3"] == ("0", "free")
    assert "nobody" not in prices
    assert models["own"].limits == msgspec.structs.replace(NO_LIMITS, tries=2)
    assert models["listed"].limits == NO_LIMITS
    assert (models["own"].on_unknown, models["here"].on_unknown) == ("", "fail")


def test_under_a_budget_every_price_and_bound_must_be_known(tmp_path: Path) -> None:
    path = _write(
        tmp_path,
        "name: t\n"
        "budget: 5\n"
        "models:\n"
        "  nobody: openai/no-such-model\n"
        "steps:\n"
        "  - {op: llm_map, prompt: x, model: anthropic/no-such-model}\n",
    )
    assert _real_problems(path) == [
        (4, "nobody says what the model 'nobody' costs, and the workflow has a budget"),
        (6, "nobody says what the model 'anthropic/no-such-model' costs, and the workflow has a budget"),
    ]
    path = _write(
        tmp_path,
        "name: t\n"
        "budget: 5\n"
        "models:\n"
        "  bound: {backend: openai, model: a, price: {input: 1, output: 1}, params: {max_tokens: 9}}\n"
        "  open: {backend: openai, model: a, price: {input: 1, output: 1}}\n"
        "  given: {backend: openai, model: a, price: free}\n"
        "default_model: open\n"
        "steps:\n"
        "  - {op: fanout_generate, prompt: x, models: [bound, given, echo]}\n"
        "  - {op: llm_map, prompt: x}\n"
        "  - {op: llm_map, prompt: x, params: {max_tokens: 5}}\n"
        "  - {op: fanout_generate, prompt: x, models: [bound, open]}\n"
        "  - {op: llm_map, prompt: x, params: {max_tokens: '{{ matrix.n }}'}, matrix: {n: [1, 2]}}\n"
        "  - {op: llm_map, prompt: x, params: {max_tokens: '{{ matrix.n }}'}, matrix: {n: [1, x]}}\n",
    )
    what = "the answer of 'open' has no bound, and the workflow has a budget"
    assert _real_problems(path) == [(10, what), (12, what), (14, what)]


def test_a_budget_is_on_record_in_its_one_spelling(tmp_path: Path) -> None:
    path = _write(tmp_path, "name: t\nbudget: '2.50'\ncache: true\nsteps: [{op: llm_map, prompt: x}]\n")
    assert (_real(path).budget_usd, _real(path).cache) == ("2.5", True)


# --- schemas and images -------------------------------------------------------------------------------------


def test_a_file_that_is_to_be_a_schema_is_checked(tmp_path: Path) -> None:
    path = _write(
        tmp_path,
        "name: t\nsteps:\n"
        "  - {op: llm_map, prompt: x, schema: good.json}\n"
        "  - {op: llm_map, prompt: x, schema: bad.json}\n"
        "  - {op: llm_map, prompt: x, schema: broken.json}\n"
        "  - {op: llm_map, prompt: x, schema: god.json}\n"
        "  - {op: llm_map, prompt: x, schema: {type: txt}}\n",
        good_dot_json='{"type": "object"}',
        bad_dot_json='{"type": "txt"}',
        broken_dot_json="{",
    )
    with pytest.raises(WorkflowInvalid) as caught:
        load(path, api.operations())
    assert [(p.line, p.what) for p in caught.value.problems] == [
        (6, "there is no file 'god.json'"),
        (7, "`schema` is no JSON Schema: ['type'] is not as JSON Schema has it"),
    ]
    text = path.read_text(encoding="utf-8").replace("god.json", "good.json").replace("{type: txt}", "{type: string}")
    path.write_text(text, encoding="utf-8")
    assert _real_problems(path) == [
        (4, "the file 'bad.json' is no JSON Schema"),
        (5, "the file 'broken.json' is no JSON Schema"),
    ]


def test_images_are_declared_by_path_or_by_pattern(tmp_path: Path) -> None:
    path = _write(
        tmp_path,
        "name: t\ninputs: {r: {data: r.csv}}\nsteps:\n"
        "  - {op: llm_map, prompt: x, over: r, images: [a.png, '{{ item.file }}'], image_files: 'img/*.png'}\n",
        r_dot_csv=b"file\nimg/b.png\n",
        a_dot_png=b"\x89PNG a",
        img__b_dot_png=b"\x89PNG b",
    )
    assert [file.path for file in _real(path).files] == ["a.png", "img/b.png", "r.csv"]
    path.write_text(path.read_text(encoding="utf-8").replace("a.png", "b.png"), encoding="utf-8")
    assert _real_problems(path) == [(4, "there is no file 'b.png'")]


# --- the workflow file itself -------------------------------------------------------------------------------


def test_a_workflow_that_is_not_there_or_is_no_file_is_wrong_use(tmp_path: Path) -> None:
    for path in (tmp_path / "no.yaml", tmp_path):
        with pytest.raises(UsageError):
            load(path, OPERATIONS)


def test_problems_name_the_file_as_it_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(tmp_path, "name: [")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WorkflowInvalid) as caught:
        load(Path("flow.yaml"), OPERATIONS)
    assert caught.value.problems[0].file == "flow.yaml"


# --- secrets ------------------------------------------------------------------------------------------------


def test_a_secret_in_the_workflow_or_in_a_file_is_refused_by_name_and_never_shown(tmp_path: Path) -> None:
    secrets = SecretCutter.from_environment({"API_KEY": "sk-0123456789", "OTHER_TOKEN": "unused-secret"})
    path = _write(
        tmp_path,
        "name: t\nsteps:\n  - {op: mix, sources: [], files: {f: f.txt},\n     label: x, text: 'sk-0123456789'}\n",
        f_dot_txt="first\nsecond c2stMDEyMzQ1Njc4OQ==\n",
    )
    problems = _problems(path, secrets)
    assert [(Path(p.file).name, p.line) for p in problems] == [("flow.yaml", 4), ("f.txt", 2)]
    assert all("API_KEY" in p.what for p in problems)
    assert "sk-0123456789" not in str(WorkflowInvalid(problems))
    assert _resolve(path, NO_SECRETS).name == "t"


@pytest.mark.parametrize(
    "text",
    [
        'inputs: {a: "sk-\\x30123456789"}\nsteps: [{op: llm_map, prompt: x}]',
        'steps: [{op: llm_map, prompt: "sk-\\u003012345\\\n    6789"}]',
        'models: {m: {backend: echo, params: {"sk-\\x30123456789": 1}}}\nsteps: [{op: llm_map, prompt: x}]',
    ],
)
def test_a_secret_that_only_the_value_spells_is_refused(tmp_path: Path, text: str) -> None:
    secrets = SecretCutter.from_environment({"API_KEY": "sk-0123456789"})
    (problem,) = _problems(_write(tmp_path, f"name: t\n{text}\n"), secrets)
    assert (problem.line, "API_KEY" in problem.what) == (0, True)


# --- patterns -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("*.json", "a.json", True),
        ("*.json", "sub/a.json", False),
        ("claims/*.json", "claims/a.json", True),
        ("claims/*.json", "claims/sub/a.json", False),
        ("**/*.json", "a.json", True),
        ("**/*.json", "x/y/a.json", True),
        ("x/**", "x/y/z", True),
        ("x/**", "x", False),
        ("a?c", "abc", True),
        ("[ab].x", "b.x", True),
        ("[!ab].x", "b.x", False),
        ("[a-c]", "b", True),
        ("[x", "[x", True),
        ("*", ".hidden", False),
        (".*", ".hidden", True),
        ("**", ".git/config", False),
        ("a.json", "aXjson", False),
    ],
)
def test_a_pattern_means_these_files(pattern: str, path: str, fits: bool) -> None:
    assert globs.matches(pattern, path) is fits


_PATHS = ["a.x", "b.x", ".h", "d/a.x", "d/e/a.y", "d/e/.h", "d/f/b.x", ".g/a.x"]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tree")
    for name in _PATHS:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")
    return root


@given(st.lists(st.sampled_from(["*", "**", "d", "*.x", "[ab].?", ".*", "a.x", "e"]), min_size=1, max_size=4))
@settings(max_examples=150)
def test_what_is_found_on_disk_is_what_the_pattern_means(tree: Path, parts: list[str]) -> None:
    pattern = "/".join(parts)
    try:
        found = Folder(tree).matching(pattern)
    except BadFile:
        found = []
    assert found == sorted(path for path in _PATHS if globs.matches(pattern, path))
