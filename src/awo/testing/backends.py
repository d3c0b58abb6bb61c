"""The suite for model backends: what every `Backend` must do, as functions that raise `AssertionError`.

With pytest, and one `Case` of your own:

    CASE = Case(factory=open_mine, model="small", params={"max_tokens": 8}, root=Path("."))

    @pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
    def test_my_backend(check):
        check(CASE)
"""

from __future__ import annotations

import asyncio
import os
import sysconfig
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

from awo.canon.json import LARGEST_INTEGER, canonical
from awo.inference.seam import Backend, ModelFailed, Reply, Request, StopReason, Turn

PATIENCE_S = 120.0

Factory = Callable[[str, Mapping[str, Any], int, Path], Backend]


@dataclass(frozen=True, slots=True)
class Case:
    """A backend and what it is tried with.

    `is_deterministic`: it promises the same text for the same seed. `secret` is a credential that it
    uses, '' for none.
    """

    factory: Factory
    model: str
    root: Path
    params: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 7
    prompt: str = "Name one colour."
    other_prompt: str = "Count to three."
    is_deterministic: bool = True
    secret: str = ""

    def made(self) -> Backend:
        """A new backend, not yet open."""
        return self.factory(self.model, self.params, self.seed, self.root)

    def request(self, prompt: str) -> Request:
        """One question with the case's parameters and seed."""
        return Request(turns=(Turn("user", prompt),), params=self.params, seed=self.seed)


Check = Callable[[Case], None]


def what_is_asked_rightly_passes_the_check(case: Case) -> None:
    """`check` has nothing to say of a model that opens, and loads nothing."""
    case.factory(case.model, case.params, case.seed, case.root).check()


def the_facts_can_be_recorded(case: Case) -> None:
    """`open` gives text, whole numbers below 2^53 and booleans under ASCII names, `asked` among them."""
    facts, _ = asyncio.run(_session(case))
    for name, value in facts.items():
        assert isinstance(value, (str, int, bool)), f"the fact {name!r} is {type(value).__name__}"
        assert not isinstance(value, int) or abs(value) <= LARGEST_INTEGER, f"the fact {name!r} is too large"
    canonical(facts)
    assert facts.get("asked"), "the facts do not say what was asked for"
    assert facts.get("answered", "?"), "who answers may be left out, but not be empty"


def the_same_facts_each_time(case: Case) -> None:
    """Two openings on one machine give the same facts: no times, no random names."""
    first, _ = asyncio.run(_session(case))
    second, _ = asyncio.run(_session(case))
    assert first == second, (
        f"facts differ: {sorted(k for k in first.keys() | second.keys() if first.get(k) != second.get(k))}"
    )


def no_folder_of_this_machine_is_told(case: Case) -> None:
    """Neither facts nor answers name the workflow's folder, the home, the packages' or the working folder."""
    facts, (reply,) = asyncio.run(_session(case, case.prompt))
    told = "\n".join(str(value) for value in (*facts.values(), reply.model_answered, reply.stop_reason))
    folders = (case.root, Path.home(), Path.cwd(), Path(tempfile.gettempdir()), Path(sysconfig.get_paths()["purelib"]))
    for folder in folders:
        for spelling in {str(folder), str(folder.resolve())}:
            is_telling = len(spelling) > 1  # the root folder's name is in every text with a slash
            assert not (is_telling and spelling + os.sep in told), f"the record would name the folder {spelling}"


def an_answer_is_whole(case: Case) -> None:
    """Text that is UTF-8, a name for who answered, why it stopped, and tokens counted or -1."""
    _, (reply,) = asyncio.run(_session(case, case.prompt))
    reply.text.encode()
    assert reply.text, "the answer is empty"
    assert reply.model_answered, "nobody says who answered"
    assert reply.stop_reason in get_args(StopReason), f"{reply.stop_reason!r} is no reason to stop"
    for count in (reply.prompt_tokens, reply.completion_tokens, reply.cached_tokens, reply.reasoning_tokens):
        assert -1 <= count <= LARGEST_INTEGER, f"{count} is no count of tokens"
    canonical([reply.text, reply.model_answered, reply.stop_reason_given, reply.request_id, reply.fingerprint])


def what_crossed_the_wire_is_given(case: Case) -> None:
    """A backend that asks another process gives the exchange: where it went, both bodies, and the status."""
    _, (reply,) = asyncio.run(_session(case, case.prompt))
    backend, exchange = case.made(), reply.exchange
    if exchange is None:
        assert not backend.is_remote, "a request left this process, and nobody can see what crossed the wire"
        return
    assert exchange.method, "the exchange has no method"
    assert exchange.url.startswith(backend.endpoint), f"{exchange.url} is not at {backend.endpoint}"
    assert exchange.request_body, "the exchange has no request"
    assert exchange.response_body, "the exchange has no response"
    assert exchange.elapsed_ms >= 0, "the exchange took less than no time"
    assert not exchange.error, "an answer came, and the exchange speaks of an error"


def no_secret_is_told(case: Case) -> None:
    """The credential is in no fact, no exchange, no answer, and nothing that Python shows of the backend."""
    if not case.secret:
        return
    facts, (reply,) = asyncio.run(_session(case, case.prompt))
    backend = case.made()
    told = f"{facts!r}\n{reply!r}\n{backend!r}\n{backend.endpoint}"
    assert case.secret not in told, "the record would hold the credential"


def the_same_seed_gives_the_same_answer(case: Case) -> None:
    """Asked again, after another question, and by another backend that was asked in another order.

    What crossed the wire, and the id that the request got there, may differ.
    """
    if not case.is_deterministic:
        return
    _, one = asyncio.run(_session(case, case.prompt, case.prompt, case.other_prompt, case.prompt))
    _, other = asyncio.run(_session(case, case.other_prompt, case.prompt))
    first, again, _, after_another, _, elsewhere = (replace(r, exchange=None, request_id="") for r in one + other)
    for how, reply in (("asked again", again), ("after another", after_another), ("in another order", elsewhere)):
        assert reply == first, f"{how}, the answer is {reply.text!r} and was {first.text!r}"


def a_request_without_a_question_fails(case: Case) -> None:
    """No turn of a user: `ModelFailed`, and not worth another attempt."""

    error = asyncio.run(_failure_without_turns(case))
    assert error is not None, "a request without a turn was answered"
    assert not error.is_transient, "a bad request was called transient"


def closing_is_safe(case: Case) -> None:
    """`close` may be called before `open` and twice after it, and the backend can be opened again."""

    async def close_often() -> None:
        backend = case.made()
        await backend.close()
        for _ in range(2):
            await backend.open()
            await backend.close()
            await backend.close()

    asyncio.run(close_often())


def it_says_how_it_may_be_used(case: Case) -> None:
    """`is_free` is true or false, `concurrency` at least 1, and both are known before `open`."""
    backend = case.made()
    assert isinstance(backend.is_free, bool), "is_free is neither true nor false"
    assert isinstance(backend.is_remote, bool), "is_remote is neither true nor false"
    assert backend.concurrency >= 1, f"{backend.concurrency} calls at once are too few"
    assert bool(backend.endpoint) == backend.is_remote, "what leaves this process goes to an endpoint, and only that"
    assert "@" not in backend.endpoint, "the endpoint tells a user name"


CHECKS: tuple[Check, ...] = (
    what_is_asked_rightly_passes_the_check,
    it_says_how_it_may_be_used,
    the_facts_can_be_recorded,
    the_same_facts_each_time,
    no_folder_of_this_machine_is_told,
    an_answer_is_whole,
    what_crossed_the_wire_is_given,
    no_secret_is_told,
    the_same_seed_gives_the_same_answer,
    a_request_without_a_question_fails,
    closing_is_safe,
)


async def _session(case: Case, *prompts: str) -> tuple[dict[str, Any], list[Reply]]:
    """Opens a new backend, asks one question after the other, and closes it."""
    backend = case.made()
    try:
        facts = await backend.open()
        return facts, [await backend.ask(case.request(prompt), PATIENCE_S) for prompt in prompts]
    finally:
        await backend.close()


async def _failure_without_turns(case: Case) -> ModelFailed | None:
    backend = case.made()
    await backend.open()
    try:
        await backend.ask(Request(turns=(), params=case.params, seed=case.seed), PATIENCE_S)
    except ModelFailed as error:
        return error
    finally:
        await backend.close()
    return None
