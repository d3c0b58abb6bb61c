"""The packages of a run whose results follow from its answers, and what can be wrong there."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec.structs import replace
from tests.vectors import fan_out
from tests.vectors.builder import SOFTWARE, Package, step
from tests.vectors.record import sha256
from tests.vectors.stories import GREET, SAVE, Vector, completed

from awo import plugins
from awo.canon.json import pretty
from awo.derive.seam import Derivation
from awo.evidence import events as ev
from awo.evidence import layout
from awo.evidence.records import ItemLine, ResponseLine, StepRecord
from awo.evidence.verdicts import RegisteredClaim
from awo.testing.fake_sources import FakeSources

ASK, VOTE, CHECK = "ask", "vote", "check"
ANSWERS = ("Blue", "blue ", "Red")


def begun(*then: StepRecord, **plan: Any) -> Package:
    """Three answers to one question, and steps after it."""
    asking = step(ASK, "fanout_generate", prompt="Which colour?", models=["echo", "echo", "echo"])
    package = Package([asking, *then], **plan)
    package.start(ASK)
    for answer in ANSWERS:
        package.answer(package.intend(ASK, "Which colour?"), text=answer)
    return package


def answered(package: Package, count: int = len(ANSWERS)) -> Package:
    """The step that asked is done with the first `count` of its answers."""
    package.finish(ASK, {"responses": [package.answer_of(ASK, line) for line in range(count)], "count": count})
    return package


def derive(
    package: Package,
    id_: str,
    change: Callable[[Any], Any] = lambda value: value,
    lines: Callable[[str], str] = lambda text: text,
) -> Package:
    """The step is done with what its derivation gives over the package so far.

    `change` makes another value of it, and `lines` another text of each file.
    """
    record = next(one for one in package.input.steps if one.id == id_)
    derivation: Derivation[Any] = plugins.load(plugins.DERIVATIONS, record.op, "derivation")
    derived = derivation.compute(msgspec.json.decode(record.args, type=derivation.args), _sources(package, id_))
    value = msgspec.json.decode(pretty(msgspec.to_builtins(derived.value)))
    package.start(id_)
    files = {name: lines(b"".join(pieces).decode()) for name, pieces in derived.files.items()}
    package.finish(id_, change(value), files)
    return package


def _sources(package: Package, id_: str) -> FakeSources:
    """What the step reads, out of the files that are there."""
    values: dict[str, Any] = {}
    items: dict[str, list[ItemLine]] = {}
    responses: dict[str, list[ResponseLine]] = {}
    lines: dict[tuple[str, str], list[bytes]] = {}
    for path, data in package.files.items():
        _, _, rest = path.partition(f"{layout.OUTPUTS}/")
        owner, _, name = rest.partition("/")
        if name == layout.VALUE_FILE:
            values[owner] = msgspec.json.decode(data)
        elif name == layout.ITEMS_FILE:
            items[owner] = [msgspec.json.decode(line, type=ItemLine) for line in data.splitlines()]
        elif name == layout.RESPONSES_FILE:
            responses[owner] = [msgspec.json.decode(line, type=ResponseLine) for line in data.splitlines()]
        elif name.startswith(f"{layout.FILES_FOLDER}/"):
            lines[owner, name.removeprefix(f"{layout.FILES_FOLDER}/")] = data.splitlines(keepends=True)
    return FakeSources(
        step=id_,
        seed=package.input.seed,
        default_model=package.input.default_model,
        values=values,
        records={one.id: one for one in package.input.steps},
        items=items,
        responses=responses,
        lines=lines,
        inputs=package.input.inputs,
        registered=package.input.claims,
    )


VOTING = step(VOTE, "consensus_vote", ASK, inputs_from=ASK)
CHECKING = step(CHECK, "assert_contains", VOTE, from_step=VOTE, must_include=["blue"])
WRITING = step(SAVE, "write_text", VOTE, path="colour.md", text="The colour is {{ steps.vote.consensus_text }}.\n")


def voted(change: Callable[[Any], Any] = lambda value: value) -> Package:
    """A vote, a check and a text that follow from the answers."""
    package = derive(answered(begun(VOTING, CHECKING, WRITING)), VOTE, change)
    derive(package, CHECK)
    derive(package, SAVE)
    package.end("completed")
    return package


SCORING = step(
    "score",
    "score",
    ASK,
    of=ASK,
    scores={
        "is_blue": {"kind": "equals", "expected": "blue", "ignore": ["case", "space"]},
        "length": {"kind": "length"},
    },
)


def scored(change: Callable[[Any], Any] = lambda value: value) -> Package:
    """Scores of the answers."""
    package = derive(answered(begun(SCORING)), "score", change)
    package.end("completed")
    return package


STATISTICS = step(
    "stats",
    "statistics",
    "score",
    of=["score"],
    resamples=200,
    metrics={"blue": {"score": "is_blue", "interval": "bootstrap"}},
)
CLAIM: dict[str, Any] = {
    "id": "mostly-blue",
    "statement": "Most answers are blue.",
    "falsification_tests": [{"name": "most", "must_pass": "steps.stats.metrics.blue.total.value > 0.5"}],
}
CLAIMING = step("claim", "claims", "stats", claim=CLAIM)


def claimed(
    change: Callable[[Any], Any] = lambda value: value, *, at: str = "", statement: str = CLAIM["statement"]
) -> Package:
    """Scores, statistics over them, and a registered claim; `change` is made to the value of the step `at`."""
    digest = sha256(json.dumps(CLAIM, sort_keys=True, separators=(",", ":")).encode())
    promise = RegisteredClaim(id=CLAIM["id"], step="claim", statement=statement, sha256=digest, attempt=1)
    package = answered(begun(SCORING, STATISTICS, CLAIMING, claims=[promise]))
    for id_ in ("score", "stats", "claim"):
        derive(package, id_, change if id_ == at else lambda value: value)
    package.end("completed")
    return package


def checked_in_vain(code: str) -> Package:
    """A check that failed with this code, of a text that lacks the word."""
    package = answered(begun(step(CHECK, "assert_contains", ASK, **LACKING)))
    package.start(CHECK)
    package.fail(CHECK, code, left={})
    package.end("failed")
    return package


LACKING: Mapping[str, Any] = {"from_step": ASK, "field": "responses.0.text", "must_include": ["green"]}


def good() -> dict[str, Vector]:
    """The vectors that verify."""
    return {
        "derived": Vector(voted().freeze(), 0),
        "claimed": Vector(claimed().freeze(), 0),
        "scored": Vector(scored().freeze(), 0),
        "derived-failed": Vector(checked_in_vain("assertion_failed").freeze(), 0),
    }


def bad() -> dict[str, Vector]:
    """The vectors that fail, by the id of their check, with a word after it where there are several."""
    return {name: make() for name, make in _BAD.items()}


def _another_text() -> Vector:
    package = begun()
    package.finish(
        ASK, {"responses": [package.answer_of(ASK, line) | {"text": "Blue"} for line in range(3)], "count": 3}
    )
    package.end("completed")
    return Vector(package.freeze(), 3, ("EP-5.1",), where=f"{layout.value_path(ASK)}: responses[1].text")


def _an_answer_left_out() -> Vector:
    package = answered(begun(), 2)
    package.end("completed")
    return Vector(package.freeze(), 3, ("EP-5.1",), where=layout.value_path(ASK))


def _another_text_in_a_cell() -> Vector:
    items = fan_out.results()
    items[1] = fan_out.item(1, ["2"], value=items[1].value | {"text": "greet Ada, softly"})
    package = fan_out.written(fan_out.resumed(fan_out.stopped(fan_out.begun())), items)
    return Vector(package.freeze(), 3, ("EP-5.1",), where=f"{fan_out.ITEMS}:2: text")


def _another_row() -> Vector:
    items = [fan_out.item(0, ["0"], row={"name": "Eve"}), *fan_out.results()[1:]]
    package = fan_out.written(fan_out.resumed(fan_out.stopped(fan_out.begun())), items)
    return Vector(package.freeze(), 3, ("EP-1.8",), ("EP-5.1",), f"{fan_out.ITEMS}:1")


def _another_question() -> Vector:
    package = Package([step(ASK, "llm_map", prompt="Which colour?")])
    package.start(ASK)
    package.ask(ASK, "Say that it is blue.")
    package.finish(ASK, package.answer_of(ASK))
    package.end("completed")
    return Vector(package.freeze(), 3, ("EP-5.1",), where=f"{layout.value_path(ASK)}, call 0")


def _the_better_answer() -> Vector:
    package = Package([step(ASK, "llm_map", prompt="Which colour?")])
    package.start(ASK)
    for text in ("Red", "Blue"):
        package.answer(package.intend(ASK, "Which colour?"), text=text)
    package.finish(ASK, package.answer_of(ASK, 1))
    package.end("completed")
    return Vector(package.freeze(), 3, ("EP-5.1",), where=layout.value_path(ASK))


def _an_answered_cell_that_failed() -> Vector:
    items = fan_out.results()
    reason = ev.Reason(code="timeout", message="the model gave no answer")
    items[1] = fan_out.item(1, [], status="failed", reason=reason, value=None)
    package = fan_out.resumed(fan_out.stopped(fan_out.begun(max_failed=2)))
    fan_out.written(package, items, done=2, failed=2)
    return Vector(package.freeze(), 3, ("EP-5.1",), where=f"{fan_out.ITEMS}:2")


def _skipped_without_cause() -> Vector:
    package = Package([replace(step(SAVE, "write_text", path="a.txt", text="Blue"), when="1 == 1")])
    package.event(ev.StepSkipped, step=SAVE, reason=ev.Reason(code="condition", message="it does not hold"))
    package.end("completed")
    return Vector(package.freeze(), 3, ("EP-5.2",), where=f"{layout.JOURNAL}: step {SAVE}")


def _another_promise() -> Vector:
    where = f"{layout.INPUT}: claim {CLAIM['id']}"
    return Vector(claimed(statement="All answers are blue.").freeze(), 3, ("EP-5.2",), where=where)


def _another_share() -> Vector:
    package = voted(lambda value: value | {"agreement_ratio": 1.0})
    return Vector(package.freeze(), 3, ("EP-5.2",), where=f"{layout.value_path(VOTE)}: agreement_ratio")


def _another_mean() -> Vector:
    package = scored(
        lambda value: msgspec.json.decode(msgspec.json.encode(value).replace(b'"passed":2', b'"passed":3'))
    )
    where = f"{layout.value_path('score')}: scores.is_blue.passed"
    return Vector(package.freeze(), 3, ("EP-5.2",), where=where)


def _another_score() -> Vector:
    package = answered(begun(SCORING))
    derive(package, "score", lines=lambda data: data.replace('"is_blue":0.0', '"is_blue":1.0'))
    package.end("completed")
    where = f"{layout.file_path('score', 'scores.jsonl')}:3: scores.is_blue"
    return Vector(package.freeze(), 3, ("EP-5.2",), where=where)


def _a_narrower_interval() -> Vector:
    def narrowed(value: Any) -> Any:
        value["metrics"]["blue"]["total"]["low"] = 0.5
        return value

    where = f"{layout.value_path('stats')}: metrics.blue.total.low"
    return Vector(claimed(narrowed, at="stats").freeze(), 3, ("EP-5.2",), where=where)


def _another_verdict() -> Vector:
    def falsified(value: Any) -> Any:
        value["claims"][0]["verdict"] = "falsified"
        return value

    where = f"{layout.value_path('claim')}: claims[0].verdict"
    return Vector(claimed(falsified, at="claim").freeze(), 3, ("EP-5.2",), where=where)


def _another_file() -> Vector:
    package = answered(begun(step(SAVE, "write_text", ASK, path="a.txt", text="Blue\n")))
    package.start(SAVE)
    package.write_text(SAVE, "a.txt", "Red!\n")
    package.end("completed")
    return Vector(package.freeze(), 3, ("EP-5.2",), where=f"{layout.value_path(SAVE)}: sha256")


def _a_check_that_passed_in_vain() -> Vector:
    package = answered(begun(step(CHECK, "assert_contains", ASK, **LACKING)))
    package.start(CHECK)
    package.finish(CHECK, {"passed": True, "checked": 1, "must_include": ["green"]})
    package.end("completed")
    return Vector(package.freeze(), 3, ("EP-5.2",), where=layout.value_path(CHECK))


def _a_failure_for_another_reason() -> Vector:
    return Vector(checked_in_vain("field_missing").freeze(), 3, ("EP-5.2",), where=layout.value_path(CHECK))


def _another_cost() -> Vector:
    package = fan_out.begun()
    fan_out.fan_out(package)
    package.answer(fan_out.intend(package, 0), cost="0.00001")
    package.event(ev.RunResumed, software=SOFTWARE)
    package.end("abandoned")
    return Vector(package.freeze(), 3, ("EP-5.3",), where=f"{layout.responses_path(GREET)}:1")


def _metadata_of_another_run() -> Vector:
    package = completed()
    package.put(layout.METADATA, package.files[layout.METADATA].replace(b'"answered": 1', b'"answered": 3'))
    return Vector(package.freeze(), 3, ("EP-5.4",), where=f"{layout.METADATA}: models[0].calls.answered")


_BAD: dict[str, Callable[[], Vector]] = {
    "EP-1.8-row": _another_row,
    "EP-5.1": _another_text,
    "EP-5.1-failed": _an_answered_cell_that_failed,
    "EP-5.1-passed-over": _the_better_answer,
    "EP-5.1-request": _another_question,
    "EP-5.1-left-out": _an_answer_left_out,
    "EP-5.1-item": _another_text_in_a_cell,
    "EP-5.2": _another_share,
    "EP-5.2-file": _another_file,
    "EP-5.2-scores": _another_mean,
    "EP-5.2-score-line": _another_score,
    "EP-5.2-interval": _a_narrower_interval,
    "EP-5.2-verdict": _another_verdict,
    "EP-5.2-promise": _another_promise,
    "EP-5.2-skipped": _skipped_without_cause,
    "EP-5.2-passed": _a_check_that_passed_in_vain,
    "EP-5.2-reason": _a_failure_for_another_reason,
    "EP-5.3": _another_cost,
    "EP-5.4": _metadata_of_another_run,
}
