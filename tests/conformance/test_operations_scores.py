"""The operations that score keep the contract of `awo.testing.operations`; a function's process keeps its bounds."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import py3langid  # type: ignore[import-untyped]
import pytest
import wordllama  # type: ignore[import-untyped]
from tests.unit.scored_answers import scores_of, sources

from awo import plugins
from awo.derive.scores import similarity
from awo.errors import CannotCheck, StepFailed
from awo.evidence.scores import SCORES_FILE, ScoreLine, ScoresValue
from awo.testing.fake_desk import FakeDesk
from awo.testing.operations import CHECKS, Case, Check, Example, Failure

VALUES: dict[str, Any] = {
    "ask": {
        "responses": [
            {"model": "echo", "text": "Hello 5", "call": "0"},
            {"model": "upper", "text": "HELLO 5", "call": "1"},
        ],
        "count": 2,
    },
    "none": {"responses": [], "count": 0},
    "kept": {"path": "a.txt", "bytes": 3},
}
FILES = {
    "good.py": 'def score(item, text):\n    print(\'{"scores":{"score":1},"why":{},"error":""}\')\n'
    "    return {'has': 'H' in text, 'size': len(text), 'kind': text[:1]}\n",
    "plain.py": "def score(item, text):\n    return text.startswith('Hello')\n",
    "raises.py": "def score(item, text):\n    raise ValueError(text) if text.isupper() else KeyError(text)\n",
    "half.py": "def score(item, text):\n    return 1 / 0 if text.isupper() else float('nan')\n",
    "ends.py": "import os\ndef score(item, text):\n    os._exit(0)\n",
    "leaves.py": "import os\ndef score(item, text):\n    os._exit(9)\n",
    "broken.py": "def score(:\n",
    "slow.py": "import time\ndef score(item, text):\n    time.sleep(60)\n",
    "mixed.py": "def score(item, text):\n    return 'x' if text.isupper() else 1\n",
    "name.py": "def score(item, text):\n    return {'../x': 1}\n",
    "environment.py": "import os\ndef score(item, text):\n    return 'TOKEN' in os.environ\n",
}
IS_JSON = {"a": {"kind": "is_json"}}


def desk() -> FakeDesk:
    return FakeDesk(values=VALUES, files=FILES, secrets={"TOKEN": "hunter22"})


def example(**args: Any) -> Example:
    return Example(args, desk)


def fails(code: str, **args: Any) -> Failure:
    return Failure(code, example(**args))


CASES: dict[str, dict[str, Any]] = {
    "score": {
        "works": [
            example(of="ask", scores={"hi": {"kind": "contains", "expected": "hello", "ignore": ["case"]}}),
            example(of="none", scores=IS_JSON),
            example(
                of="ask",
                scores={
                    "near": {"kind": "levenshtein", "expected": "Hello"},
                    "rouge": {"kind": "rouge", "expected": "hello 5"},
                    "bleu": {"kind": "bleu", "expected": ["hello 5"]},
                    "chrf": {"kind": "chrf", "expected": ["hello 5"]},
                    "meaning": {"kind": "similarity", "expected": "Hello"},
                    "language": {"kind": "language"},
                },
                groups={"all": "x"},
            ),
        ],
        "refused": [
            {"of": "ask"},
            {"of": "ask", "scores": {}},
            {"of": "ask", "scores": {"a-b": {"kind": "is_json"}}},
            {"of": "ask", "scores": {"a": {"kind": "is_jsn"}}},
            {"of": "ask", "scores": {"a": {"expected": "x"}}},
            {"of": "ask", "scores": {"a": {"kind": "is_json", "expected": "x"}}},
            {"of": "ask", "scores": IS_JSON, "groups": {"model": "x"}},
            {"of": "ask", "scores": {"a": {"kind": "regex", "pattern": "(?=x)"}}},
            {"of": "ask", "scores": {"a": {"kind": "number_in_range"}}},
            {"of": "ask", "scores": {"a": {"kind": "choice", "choices": ["A", "a"]}}},
            {"of": "ask", "scores": {"a": {"kind": "choice", "choices": ["!"]}}},
            {"of": "ask", "scores": {"a": {"kind": "json_schema", "schema": {"type": "txt"}}}},
            {"of": "ask", "scores": {"a": {"kind": "tokens", "value": "x"}}},
            {"of": "ask", "scores": {"a": {"kind": "ratings"}}},
            {"of": "ask", "scores": {"a": {"kind": "levenshtein", "expected": "x", "threshold": 2}}},
        ],
        "fails": [
            fails("no_value", of="nobody", scores=IS_JSON),
            fails("template", of="ask", scores={"a": {"kind": "equals", "expected": "{{ item.row.nothing }}"}}),
            fails("missing_input", of="ask", scores={"a": {"kind": "json_schema", "schema": "none.json"}}),
            fails("schema", of="ask", scores={"a": {"kind": "json_schema", "schema": "good.py"}}),
            fails("language", of="ask", scores={"a": {"kind": "language", "among": ["zz"]}}),
            fails("scores", of="ask", scores={"a": {"kind": "from_step", "step": "ask", "score": "x"}}),
            fails("scores", of="ask", scores={"a": {"kind": "from_step", "step": "ask"}}),
            fails("no_answers", of="kept", scores=IS_JSON),
        ],
    },
    "assert": {
        "works": [
            example(of="ask", scores={"hi": {"kind": "contains", "expected": "hello", "ignore": ["case"]}}),
            example(of="ask", scores={"hi": {"kind": "starts_with", "expected": "Hello"}}, min_pass_rate=0.5),
        ],
        "refused": [
            {"of": "ask"},
            {"of": "ask", "scores": IS_JSON, "min_pass_rate": 2},
            {"of": "ask", "scores": {"a": {"kind": "length"}}},
            {"of": "ask", "scores": {"a": {"kind": "label"}}},
        ],
        "fails": [
            fails("assertion_failed", of="ask", scores={"hi": {"kind": "starts_with", "expected": "Hello"}}),
            fails("nothing_to_score", of="none", scores=IS_JSON),
        ],
    },
    "python_score": {
        "works": [example(of="ask", file="good.py"), example(of="none", file="plain.py", types={"score": "test"})],
        "refused": [
            {"of": "ask"},
            {"of": "ask", "file": "good.py", "function": "a.b"},
            {"of": "ask", "file": "good.py", "types": {"a": "ratings"}},
            {"of": "ask", "file": "good.py", "max_errors": -1},
        ],
        "fails": [
            fails("missing_input", of="ask", file="none.py"),
            fails("function_missing", of="ask", file="broken.py"),
            fails("function_missing", of="ask", file="good.py", function="other"),
            fails("function_failed", of="ask", file="raises.py", max_errors=1),
            fails("function_ended", of="ask", file="ends.py"),
            fails("function_ended", of="ask", file="leaves.py"),
            fails("function_result", of="ask", file="mixed.py"),
            fails("function_result", of="ask", file="name.py"),
            fails("time_limit", of="ask", file="slow.py", time_limit_s=0.5),
        ],
    },
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_every_operation_that_scores_keeps_the_contract(check: Check, name: str) -> None:
    operation = plugins.load(plugins.OPERATIONS, name, "operation")
    assert operation.name == name
    check(Case(operation, **CASES[name]))


def scored_by(file: str, **more: Any) -> tuple[ScoresValue, list[ScoreLine], FakeDesk]:
    operation = plugins.load(plugins.OPERATIONS, "python_score", "operation")
    args = msgspec.convert({"of": "ask", "file": file, **more}, operation.args)
    with desk() as at:

        async def work() -> Mapping[str, Any]:
            value: Mapping[str, Any] = await operation.perform(args, at)
            return value

        value = msgspec.convert(asyncio.run(work()), ScoresValue)
        lines = [msgspec.json.decode(line, type=ScoreLine) for line in at.kept[SCORES_FILE].splitlines()]
    return value, lines, at


def test_a_function_gives_scores_by_name_and_its_file_is_named_by_its_digest() -> None:
    value, lines, at = scored_by("good.py")
    assert [line.scores for line in lines] == [{"has": 1.0, "size": 7.0}, {"has": 1.0, "size": 7.0}]
    assert [line.labels for line in lines] == [{"kind": "H"}, {"kind": "H"}]
    assert {name: summary.type for name, summary in value.scores.items()} == {
        "has": "test",
        "size": "measure",
        "kind": "label",
    }
    digest = at.file_ref("good.py").sha256
    assert {summary.kind for summary in value.scores.values()} == {f"python:score@{digest[:16]}"}


def test_what_a_function_prints_is_kept_and_is_no_result() -> None:
    _, lines, at = scored_by("good.py")
    assert at.kept["stderr.txt"].count(b'{"scores":{"score":1}') == 2
    assert all("score" not in line.scores for line in lines)


def test_an_answer_for_which_the_function_raised_has_no_score_and_its_words_are_not_repeated() -> None:
    value, lines, _ = scored_by("half.py", max_errors=1)
    assert [line.why["score"] for line in lines] == [
        "the number is not finite",
        "the function raised ZeroDivisionError",
    ]
    assert (value.scores["score"].missing, value.scores["score"].mean) == (2, None)


def test_a_function_does_not_see_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "hunter22")
    _, lines, _ = scored_by("environment.py")
    assert [line.scores["score"] for line in lines] == [0.0, 0.0]


def test_scores_are_kept_when_the_function_raised_too_often() -> None:
    operation = plugins.load(plugins.OPERATIONS, "python_score", "operation")
    args = msgspec.convert({"of": "ask", "file": "raises.py"}, operation.args)
    with desk() as at:
        with pytest.raises(StepFailed) as error:
            asyncio.run(operation.perform(args, at))
        assert len(at.kept[SCORES_FILE].splitlines()) == 2
    assert error.value.got == "KeyError, ValueError"


# --- kinds whose model comes with a package -------------------------------------------------------------


def test_similarity_is_the_cosine_of_wordllama_and_makes_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("similarity reached for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    similarity._opened.cache_clear()
    handlers = list(logging.getLogger().handlers)
    spec = {"kind": "similarity", "expected": "a kitten"}
    value, lines = scores_of({"s": spec}, sources(["a cat", "a kitten", "", "x" * 30_000, None]))
    assert logging.getLogger().handlers == handlers
    known = similarity._opened().model.similarity("a cat", "a kitten")
    assert [line.scores["s"] for line in lines] == [pytest.approx(known, abs=1e-6), 1.0, 0.0, None, None]
    assert lines[2].why["s"] == "the answer is empty"
    digest = hashlib.sha256((Path(wordllama.__file__).parent / "weights" / "l2_supercat_256.safetensors").read_bytes())
    assert value.scores["s"].kind == f"similarity:l2_supercat_256@{digest.hexdigest()[:16]}"


def test_the_language_is_that_of_py3langid() -> None:
    texts = [
        "This is a sentence in English.",
        "Das ist ein deutscher Satz.",
        "12 !",
        "\x00\u202e" + "der Satz " * 9999,
        None,
    ]
    _, lines = scores_of({"s": {"kind": "language", "expected": "en"}, "l": {"kind": "language"}}, sources(texts))
    assert [line.scores["s"] for line in lines] == [1.0, 0.0, 0.0, 0.0, None]
    assert [line.labels["l"] for line in lines] == ["en", "de", None, "de", None]
    assert lines[1].labels["l"] == py3langid.classify(texts[1])[0]
    assert lines[2].why == {"s": "there are no letters in it", "l": "there are no letters in it"}
    _, lines = scores_of({"s": {"kind": "language", "among": ["fr", "en"]}}, sources(texts[:2]))
    assert lines[0].labels["s"] == "en"
    assert lines[1].labels["s"] in ("fr", "en")


def test_missing_models_are_told_with_their_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    similarity._opened.cache_clear()
    monkeypatch.setitem(sys.modules, "wordllama", None)
    with pytest.raises(CannotCheck) as error:
        scores_of({"s": {"kind": "similarity", "expected": "x"}}, sources(["a"]))
    assert error.value.hint == "pip install 'awo[embeddings]'"
