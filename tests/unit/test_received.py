"""What others made is read as it stands: each answer a line, or counted with its reason; hostile bytes hurt nobody."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from io import BytesIO
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit import foreign_results as made

from awo.derive.received import zipped
from awo.derive.received.foreign_json import DEEPEST, parsed
from awo.derive.received.seam import NotUnderstood, Original
from awo.derive.received.step import looked_through
from awo.errors import CannotCheck, StepFailed
from awo.evidence.received import Form, ReceivedLine, ReceivedValue

SCALARS = st.none() | st.booleans() | st.integers(-999, 999) | st.text()
ANY = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)
OTHER = st.none() | st.integers() | st.text() | st.lists(st.none() | st.text())


def received(
    form: Form, files: bytes | dict[str, bytes], name: str = "file"
) -> tuple[ReceivedValue, list[ReceivedLine]]:
    given = files if isinstance(files, dict) else {name: files}
    originals = [Original(path, len(data), partial(BytesIO, data)) for path, data in sorted(given.items())]
    value, lines = looked_through(form, originals, [], "received.jsonl")
    read = [msgspec.json.decode(line, type=ReceivedLine) for line in lines]
    assert msgspec.convert(msgspec.to_builtins(value), ReceivedValue) == value
    assert [line.id for line in read] == [str(number) for number in range(1, len(lines) + 1)]
    return value, read


# --- Inspect ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [made.STORED, made.DEFLATED, made.ZSTANDARD])
def test_each_sample_of_an_archive_is_a_line_however_it_is_compressed(method: int) -> None:
    value, lines = received("inspect", made.eval_log([made.sample("a"), made.sample("a", 2), made.sample(3)], method))
    assert [(line.sample, line.repeat, line.where) for line in lines] == [
        ("a", 1, "samples/a_epoch_1.json"),
        ("a", 2, "samples/a_epoch_2.json"),
        ("3", 1, "samples/3_epoch_1.json"),
    ]
    first = lines[0]
    assert (first.model, first.prompt, first.answer, first.target) == ("mock/one", "What is 1+1?", "It is 2.", ["2"])
    assert (first.scores, first.explanations) == ({"match": "C"}, {"match": "It is 2."})
    assert (first.latency_ms, first.stop_reason, first.at) == (250, "stop", "2026-11-01T10:00:01+00:00")
    assert (first.usage.prompt_tokens, first.usage.cached_tokens, first.usage.reasoning_tokens) == (5, 2, -1)
    assert (value.answers, value.not_understood, value.claimed.announced) == (3, 0, 3)
    assert (value.claimed.software, value.claimed.version, value.claimed.title) == ("Inspect", "0.3.285", "sums")
    assert value.other_parts == {"_journal": 1, "header.json": 1}
    assert [(one.name, one.value) for one in value.results] == [("match: accuracy", 1.0)]


def test_the_older_log_says_the_same_as_the_archive() -> None:
    samples = [made.sample("a"), made.sample("b", score=None)]
    _, of_document = received("inspect", made.json_log(samples))
    _, of_archive = received("inspect", made.eval_log(samples))
    assert [line.where for line in of_document] == ["samples[0]", "samples[1]"]
    plain = [msgspec.structs.replace(line, where="") for line in of_document]
    assert plain == [msgspec.structs.replace(line, where="") for line in of_archive]


def test_chats_attachments_scores_of_several_values_and_errors_are_read() -> None:
    one = made.sample(
        "x",
        input=[
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "attachment://f1"}, {"type": "image", "image": "…"}]},
        ],
        target=["red", "blue"],
        attachments={"f1": "Name a colour."},
        scores={"two": {"value": {"a": 1, "b": float("nan")}}, "list": {"value": [1, 2]}, "none": {"value": None}},
        error={"message": "it broke", "traceback": "…"},
    )
    value, (line,) = received("inspect", made.json_log([one]))
    assert line.prompt == "[system]\nBe brief.\n\n[user]\nName a colour.\n[image]"
    assert line.target == ["red", "blue"]
    assert line.scores == {"two/a": 1.0, "two/b": "NaN", "list": "[1,2]", "none": None}
    assert (line.error, value.errors) == ("it broke", 1)
    assert [(one.name, one.numbers, one.mean, one.words) for one in value.scores] == [
        ("list", 0, None, {"[1,2]": 1}),
        ("none", 0, None, {}),
        ("two/a", 1, 1.0, {}),
        ("two/b", 0, None, {"NaN": 1}),
    ]


def test_a_log_that_was_never_finished_is_received_and_says_so() -> None:
    start = ("_journal/start.json", json.dumps(made.log()).encode())
    one = ("samples/a_epoch_1.json", json.dumps(made.sample()).encode())
    value, lines = received("inspect", made.zipped([start, one]))
    assert len(lines) == 1
    assert "never finished" in value.claimed.status


def test_what_is_no_sample_is_counted_with_its_reason_and_loses_no_other() -> None:
    bad = [
        ("samples/torn.json", b'{"id": 1, "inp'),
        ("samples/list.json", b"[]"),
        ("samples/twice.json", b'{"id": 1, "id": 2, "input": ""}'),
        ("samples/deep.json", b"[" * 200 + b"]" * 200),
        ("samples/latin.json", b'{"id": "\xe9"}'),
        ("samples/same.json", b"{}"),
        ("samples/same.json", json.dumps(made.sample("same")).encode()),
        ("../../etc/passwd", b"x"),
        ("samples/../../evil.json", json.dumps(made.sample("evil")).encode()),
    ]
    value, lines = received("inspect", made.eval_log([made.sample("a"), made.sample("b")], more=bad))
    assert [line.sample for line in lines] == ["a", "b", "same", "evil"]
    assert value.not_understood == 6 == sum(value.reasons.values()) == len(value.left_out)
    assert value.reasons["a key stands twice in one object"] == 1
    assert value.reasons["another member of this name comes later, and counts"] == 1
    assert value.other_parts[".."] == 1


def test_a_bomb_is_left_out_and_a_lie_about_a_length_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipped, "RATIO_FREE_BYTES", 1000)
    zeros = ("samples/bomb.json", b'"' + b" " * 2_000_000 + b'"')
    value, lines = received("inspect", made.eval_log([made.sample()], more=[zeros]))
    assert (len(lines), value.reasons) == (1, {"it unpacks to far more than it is, as a bomb does": 1})
    for method in (made.STORED, made.DEFLATED, made.ZSTANDARD):
        members = [("header.json", json.dumps(made.log()).encode()), ("samples/a.json", b'"' + b"x" * 90 + b'"')]
        for lie in (10, 1000):
            value, _ = received("inspect", made.zipped(members, method, {"samples/a.json": lie}))
            assert list(value.reasons) == ["damaged: length or checksum are others than the archive says"], (
                method,
                lie,
            )


def test_an_archive_gives_no_more_than_the_limit_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipped, "LARGEST_TOTAL_BYTES", 3000)
    value, lines = received("inspect", made.eval_log([made.sample(number) for number in range(9)]))
    assert len(lines) < 9
    assert value.reasons == {"larger than is read": 9 - len(lines)}


def test_a_missing_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    archive = made.eval_log([made.sample()], made.ZSTANDARD)

    def missing() -> Any:
        raise CannotCheck("nothing here can unpack that", hint="pip install 'awo[inspect]'")

    monkeypatch.setattr(zipped, "_zstandard", missing)
    with pytest.raises(CannotCheck, match=r"pip install 'awo\[inspect\]'"):
        received("inspect", archive)


# --- promptfoo ----------------------------------------------------------------------------------------------------


def test_each_result_of_promptfoo_is_a_line() -> None:
    lost = made.result(testIdx=1, response=None, error="rate limit", failureReason=2, success=False, score=0)
    failed = made.result(testIdx=2, error="Expected output to contain", failureReason=1, success=False, score=0.0)
    value, lines = received("promptfoo", made.promptfoo([made.result(), lost, failed, {"more": 1}, 7]))
    first = lines[0]
    assert (first.where, first.sample, first.model) == ("results.results[0]", "test 0, prompt 0", "openai:gpt-4o-mini")
    assert (first.prompt, first.answer, first.target) == ("Name a colour.", "blue", ["blue"])
    assert first.scores == {"pass": True, "score": 1.0, "short": 0.5}
    assert (first.cost_usd, first.latency_ms, first.usage.prompt_tokens) == ("1e-7", 420, 12)
    assert [line.error for line in lines] == ["", "rate limit", ""]
    assert (value.errors, value.not_understood, value.claimed.version) == (1, 2, "0.118.0")
    assert value.claimed.announced == 5


@pytest.mark.parametrize("version", [2, 3])
def test_both_summaries_and_results_alone_are_read(version: int) -> None:
    whole = made.promptfoo([made.result()], version)
    alone = json.dumps(json.loads(whole)["results"]).encode()
    assert received("promptfoo", whole)[1][0].answer == received("promptfoo", alone)[1][0].answer == "blue"


def test_the_mean_of_claimed_scores_is_right_also_where_their_sum_is_larger_than_any_number() -> None:
    for scores, mean in (([1e308, 1e308, 1e308], 1e308), ([1e308, 1e308, -1e308, -1e308, 0.5], 0.1)):
        value, _ = received("promptfoo", made.promptfoo([made.result(score=score) for score in scores]))
        assert [one.mean for one in value.scores if one.name == "score"] == [mean]


# --- AWO 1.x ------------------------------------------------------------------------------------------------------


def test_each_answer_of_a_run_of_awo_1x_is_a_line() -> None:
    value, lines = received("awo-1x", made.awo_1x())
    assert [(line.sample, line.model, line.prompt, line.answer) for line in lines] == [
        ("fanout_1", "echo", "Say hello.", "Hi"),
        ("fanout_1", "upper", "Say hello.", "HI"),
        ("map", "", "p", "one"),
    ]
    assert (value.claimed.title, value.claimed.created, value.claimed.status) == ("hello", "2025-10-02T08:32:50Z", "ok")
    assert value.reasons == {"a step that failed: no backend": 1}
    assert [(one.name, one.value) for one in value.results] == [("consensus_1: agreement_ratio", 1.0)]
    assert value.other_parts == {"consensus_vote": 1, "index.json": 1, "report.md": 1, "workflow_frozen.json": 1}


def test_the_folder_as_it_is_described_is_read_too() -> None:
    files = {
        "input.json": b'{"name": "n", "steps": [{"id": "ask", "prompt": "Why?"}]}',
        "outputs/ask.json": b'[{"model": "echo", "text": "Why?"}]',
        "outputs/more.jsonl": b'{"output": "a"}\n\n{"output": {"text": "b"}}\n{"output": {"words": "c"}}\n',
        "metadata.json": b'{"version": "1.1.0"}',
    }
    value, lines = received("awo-1x", files)
    assert [(line.where, line.prompt, line.answer) for line in lines] == [
        ("outputs/ask.json", "Why?", "Why?"),
        ("outputs/more.jsonl:1", "", "a"),
        ("outputs/more.jsonl:3", "", "b"),
    ]
    assert (value.claimed.version, value.not_understood) == ("1.1.0", 1)


# --- what is of no known form -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "data", "code"),
    [
        ("inspect", b"", "received_form"),
        ("inspect", b"PK\3\4 no archive", "received_form"),
        ("inspect", made.zipped([("other.txt", b"x")]), "received_form"),
        ("inspect", b'{"version": 2}', "received_form"),
        ("inspect", json.dumps(made.log(version=3)).encode(), "received_version"),
        ("inspect", json.dumps(made.log(version="2\x1b[31m")).encode(), "received_version"),
        ("promptfoo", b"[]", "received_form"),
        ("promptfoo", b'{"results": [1' + b"0" * 5000 + b"]}", "received_form"),
        ("promptfoo", made.promptfoo([], 4), "received_version"),
        ("promptfoo", made.promptfoo([], True), "received_version"),
        ("awo-1x", b"{}", "received_form"),
    ],
)
def test_what_is_not_of_the_form_is_one_clear_error(form: Form, data: bytes, code: str) -> None:
    with pytest.raises(StepFailed) as caught:
        received(form, data)
    assert caught.value.code == code
    assert caught.value.expected
    assert caught.value.is_final


# --- JSON of strangers --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"[NaN, Infinity, -Infinity]", ["NaN", "Infinity", "-Infinity"]),
        (b"[1e999, -1e999, 1.5]", ["1e999", "-1e999", 1.5]),
        (b"[9007199254740991, 9007199254740992]", [9007199254740991, "9007199254740992"]),
        (b'["\\ud800", "\\ud83d\\ude00"]', ["\ufffd", "\U0001f600"]),
        (b'\xef\xbb\xbf{"a": "]]]\\"["}', {"a": ']]]"['}),
        (b'["\\\\", "[[[["]', ["\\", "[[[["]),
    ],
)
def test_numbers_and_texts_that_json_cannot_have_become_text(data: bytes, value: Any) -> None:
    assert parsed(data) == value


@pytest.mark.parametrize(
    "data",
    [
        b"[" * (2 * DEEPEST + 1) + b"]" * (2 * DEEPEST + 1),
        b'{"a":' * 100_000,
        b'{"a": 1, "a": 1}',
        b'{"\\ud800": 1, "\\ud801": 2}',
        b"1" * 5000,
        b"\xff",
        b"",
    ],
)
def test_json_with_two_meanings_or_none_is_refused(data: bytes) -> None:
    with pytest.raises(NotUnderstood):
        parsed(data)


@given(ANY)
def test_usual_json_is_read_as_it_is(value: Any) -> None:
    assert parsed(json.dumps(value).encode()) == json.loads(json.dumps(value))


READERS: list[tuple[Form, Callable[[], bytes]]] = [
    ("inspect", lambda: made.eval_log([made.sample()])),
    ("inspect", lambda: made.json_log([made.sample()])),
    ("promptfoo", lambda: made.promptfoo([made.result()])),
]


@pytest.mark.parametrize(("form", "build"), READERS)
@given(st.data())
def test_a_changed_byte_is_read_or_refused_and_never_a_crash(
    form: Form, build: Callable[[], bytes], data: st.DataObject
) -> None:
    good = bytearray(build())
    place = data.draw(st.integers(0, len(good) - 1))
    good[place] = data.draw(st.integers(0, 255))
    try:
        value, lines = received(form, bytes(good))
    except (StepFailed, CannotCheck):
        return
    assert value.answers == len(lines)


@given(st.dictionaries(st.sampled_from(list(made.sample())), OTHER))
def test_a_sample_whose_fields_are_of_other_kinds_is_a_line_or_left_out(more: dict[str, Any]) -> None:
    value, lines = received("inspect", made.json_log([made.sample(**more)]))
    assert len(lines) + value.not_understood == 1


@given(st.dictionaries(st.sampled_from(list(made.result())), OTHER))
def test_a_result_whose_fields_are_of_other_kinds_is_a_line_or_left_out(more: dict[str, Any]) -> None:
    value, lines = received("promptfoo", made.promptfoo([made.result(**more)]))
    assert len(lines) + value.not_understood == 1
