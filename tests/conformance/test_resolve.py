"""Files on disk: what a workflow reads is taken into input.json whole, from its own folder only, and never a secret."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.sample_operations import OPERATIONS

from awo.canon.digest import sha256_hex
from awo.canon.json import parse as parse_record
from awo.canon.json import pretty
from awo.engine.promise import resolve
from awo.errors import Problem, UsageError, WorkflowInvalid
from awo.evidence.records import InputRecord
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
    assert ask.arguments() == {"prompt": "{{ inputs.topic }}", "models": ["m", "echo"], "params": {}}
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
