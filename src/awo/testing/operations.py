"""The suite for operations: what every `Operation` must do, as functions that raise `AssertionError`.

With pytest, and one `Case` of your own:

    CASE = Case(OPERATION, works=[Example({"name": "x"})], refused=[{"name": 3}], fails=[...])

    @pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
    def test_my_operation(check):
        check(CASE)
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

import msgspec

from awo.canon.json import pretty
from awo.errors import StepFailed
from awo.ops.seam import Ask, OpensGate, Operation
from awo.testing.fake_desk import FakeDesk
from awo.workflow.words import Args

CODE_PATTERN = r"[a-z][a-z0-9_]*"
PURITIES = ("derived", "effect", "gate")


@dataclass(frozen=True, slots=True)
class Example:
    """Arguments as a workflow writes them, and the desk at which the operation works; a new desk each time."""

    args: Mapping[str, Any]
    desk: Callable[[], FakeDesk] = FakeDesk


@dataclass(frozen=True, slots=True)
class Failure:
    """An example at which the operation must raise `StepFailed` with this code."""

    code: str
    example: Example


@dataclass(frozen=True, slots=True)
class Case:
    """An operation and what it is tried with. `refused` has arguments that must not be accepted."""

    operation: Operation[Any]
    works: Sequence[Example]
    refused: Sequence[Mapping[str, Any]]
    fails: Sequence[Failure]


Check = Callable[[Case], None]


def it_says_what_it_is(case: Case) -> None:
    """A name for workflow files, one sentence of summary, a known purity, arguments that are `Args`."""
    operation = case.operation
    assert re.fullmatch(CODE_PATTERN, operation.name), f"the name {operation.name!r} is not like write_text"
    assert operation.summary.endswith("."), "the summary is one sentence with a full stop"
    assert "\n" not in operation.summary, "the summary is one line"
    assert operation.purity in PURITIES, f"the purity {operation.purity!r} is none of {PURITIES}"
    assert issubclass(operation.args, Args), "the arguments are a subclass of awo.workflow.words.Args"
    assert case.works, "the case has no example that works"


def every_argument_is_described(case: Case) -> None:
    """The published schema has a description for each argument: editors show it."""
    schema = msgspec.json.schema(case.operation.args)["$defs"][case.operation.args.__name__]
    for name, shape in schema["properties"].items():
        assert shape.get("description"), f"the argument {name!r} has no description"


def unknown_arguments_are_refused(case: Case) -> None:
    """A misspelt argument is an error, never ignored."""
    for example in case.works:
        assert _is_refused(case, {**example.args, "no_such_argument": 1}), "an unknown argument was accepted"


def bad_arguments_are_refused(case: Case) -> None:
    """Each of `refused` is not accepted, and no example of `works` is refused."""
    for args in case.refused:
        assert _is_refused(case, args), f"these arguments were accepted: {args}"
    for example in case.works:
        assert not _is_refused(case, example.args), f"these arguments were refused: {example.args}"


def the_value_is_plain_json(case: Case) -> None:
    """What comes out reads back from its JSON as the same value; a gate gives `OpensGate` instead."""
    for example in case.works:
        value = _perform(case, example)
        if case.operation.purity == "gate":
            assert isinstance(value, OpensGate), f"a gate gives OpensGate, not {type(value).__name__}"
        else:
            again = msgspec.json.decode(pretty(value))
            assert _is_same(again, value), "the value is not plain JSON: it reads back as another"


def a_derived_value_follows_from_its_arguments(case: Case) -> None:
    """A derived operation gives the same value and the same files twice, waits for nothing, and asks no model;
    while it works it opens no file, no connection and no process, and reads neither the clock nor chance.

    What it would do beside the loop (a heavy derivation) is done at once. As far as a test can see: native code
    is not watched, nor is a clock read through `datetime`.
    """
    if case.operation.purity != "derived":
        return
    for example in case.works:
        with example.desk() as desk:
            first, kept = _run(case, example, desk), dict(desk.kept)  # also loads what is imported late
        with example.desk() as desk, _watched():
            second = _to_its_end(case.operation.perform(_args(case, example), desk))
        assert _is_same(first, second), "two runs gave different values"
        assert kept == desk.kept, "two runs kept different files"
        assert not desk.asked, "a derived operation asked a model"


def a_derived_failure_follows_from_its_arguments(case: Case) -> None:
    """A derived operation that fails does so again with the same code and the same words."""
    if case.operation.purity != "derived":
        return
    for failure in case.fails:
        first, second = _failure_at(case, failure.example), _failure_at(case, failure.example)
        assert first is not None, f"expected the failure {failure.code}, and it worked"
        assert second is not None, "it failed the first time, and not the second"
        assert (first.code, first.what) == (second.code, second.what), "two runs failed for different reasons"


def what_is_asked_can_be_said_before(case: Case) -> None:
    """An operation with `requests` asks just those, in their order, and they follow from its arguments alone.

    One that says `asks_at_most` asks each model no more often, and nothing longer.
    """
    requests = case.operation.requests
    if requests is None:
        return
    for example in case.works:
        with example.desk() as desk:
            said = requests(_args(case, example), desk)
            assert not desk.asked, "the operation asked a model to say what it will ask"
            _run(case, example, desk)
        asked = [ask for asks in desk.asked for ask in asks]
        if case.operation.asks_at_most:
            assert _is_within(asked, said), "it asked more than it had said"
        else:
            assert asked == said, "it asked what it had not said"


def a_failure_has_its_code(case: Case) -> None:
    """Bad input raises `StepFailed` with the promised code and a sentence without its full stop."""
    for failure in case.fails:
        error = _failure_at(case, failure.example)
        assert error is not None, f"expected the failure {failure.code}, and it worked"
        assert re.fullmatch(CODE_PATTERN, error.code), f"the code {error.code!r} is not like output_missing"
        assert error.code == failure.code, f"failed with {error.code}, expected {failure.code}: {error}"
        assert error.what, "the error says nothing"
        assert not error.what.endswith("."), "the sentence ends with a full stop"


CHECKS: tuple[Check, ...] = (
    it_says_what_it_is,
    every_argument_is_described,
    unknown_arguments_are_refused,
    bad_arguments_are_refused,
    the_value_is_plain_json,
    a_derived_value_follows_from_its_arguments,
    a_derived_failure_follows_from_its_arguments,
    what_is_asked_can_be_said_before,
    a_failure_has_its_code,
)


def _args(case: Case, example: Example) -> Args:
    args: Args = msgspec.convert(dict(example.args), case.operation.args)
    return args


def _is_refused(case: Case, args: Mapping[str, Any]) -> bool:
    try:
        msgspec.convert(dict(args), case.operation.args)
    except msgspec.ValidationError:
        return True
    return False


def _perform(case: Case, example: Example) -> Any:
    with example.desk() as desk:
        return _run(case, example, desk)


def _run(case: Case, example: Example, desk: FakeDesk) -> Any:
    async def work() -> Any:
        return await case.operation.perform(_args(case, example), desk)

    return asyncio.run(work())


def _failure_at(case: Case, example: Example) -> StepFailed | None:
    try:
        _perform(case, example)
    except StepFailed as error:
        return error
    return None


def _is_within(asked: Sequence[Ask], said: Sequence[Ask]) -> bool:
    """Whether each request has one of `said` to the same model, with the same parameters, at least as long."""
    left = sorted(said, key=_length_bytes)
    for ask in sorted(asked, key=_length_bytes, reverse=True):
        fits = [one for one in left if one.model == ask.model and one.params == ask.params]
        if not fits or _length_bytes(fits[-1]) < _length_bytes(ask):
            return False
        left.remove(fits[-1])
    return True


def _length_bytes(ask: Ask) -> int:
    return sum(len(message.content.encode()) for message in ask.messages)


def _is_same(one: Any, other: Any) -> bool:
    """Equal, and of the same types all the way down: 1, 1.0 and true are three values."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_is_same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_is_same, one, other))
    return bool(one == other)


def _to_its_end(coroutine: Any) -> Any:
    """Runs a coroutine that never waits, without a loop."""
    assert isinstance(coroutine, Coroutine)
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    coroutine.close()
    raise AssertionError("a derived operation waited for something")


# --- watching ---------------------------------------------------------------------------------------

_TOUCHES = re.compile(r"open|os\.|shutil\.|socket\.|subprocess\.|tempfile\.|urllib\.|http\.")
_touched: list[str] | None = None
_is_hooked = False


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if _touched is not None and _TOUCHES.match(event):
        _touched.append(f"{event} {args[:1]}")


async def _at_once(work: Callable[..., Any], *args: Any) -> Any:
    return work(*args)


@contextmanager
def _watched() -> Iterator[None]:
    """Fails when the block touches files, connections, processes, the clock or chance."""
    global _touched, _is_hooked  # noqa: PLW0603 - an audit hook can never be taken off again
    if not _is_hooked:
        sys.addaudithook(_hook)
        _is_hooked = True
    refuse = mock.Mock(side_effect=AssertionError("a derived operation read the clock or chance"))
    names = ("time.time", "time.time_ns", "random.random", "random._urandom", "os.urandom", "uuid.uuid4")
    patches: list[Any] = [mock.patch(name, refuse) for name in names]
    patches.append(mock.patch("asyncio.to_thread", _at_once))  # a heavy derivation need not wait for a thread here
    for patch in patches:
        patch.start()
    _touched = []
    try:
        yield
        touched = _touched
    finally:
        _touched = None
        for patch in patches:
            patch.stop()
    assert not touched, f"a derived operation touched {', '.join(touched)}"
