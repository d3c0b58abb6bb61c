"""The seam of model backends: a request goes in, an answer comes out, and the model says what it is.

A backend sends one request once. Waiting, trying again, and what it may cost are the engine's, so
that every sending is on record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from awo.errors import AwoError

StopReason = Literal["stop", "length", "refusal", "tool_calls", "other"]
Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Image:
    """An image that is shown to a model: its media type (`image/png`) and its bytes."""

    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a conversation: `role` is system, user or assistant."""

    role: str
    content: str
    images: tuple[Image, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a model: the turns, sampling parameters by their OpenAI names, and a seed.

    `schema` is the JSON Schema that the answer should follow, or None. `key` is the same each time
    the same answer is asked for again (after a timeout, say), so that a provider which knows
    idempotency keys bills once.
    """

    turns: tuple[Turn, ...]
    params: Mapping[str, Any]
    seed: int
    schema: Mapping[str, Any] | None = None
    key: str = ""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What crossed the wire, credentials left out: bytes as sent, and bytes as received after content decoding.

    `status` is 0 and the response empty when none came. `error` says what went wrong on the wire.
    """

    method: str
    url: str
    request_headers: Headers
    request_body: bytes
    status: int
    response_headers: Headers
    response_body: bytes
    elapsed_ms: int
    error: str = ""


@dataclass(frozen=True, slots=True)
class Logprob:
    """One token of an answer with its natural log probability, and the likeliest alternatives."""

    token: str
    logprob: float
    top: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model answered. Tokens are -1 where the model did not count them.

    `stop_reason` is one of five words, `stop_reason_given` the provider's own; a refusal is an
    answer, not a failure. `cached_tokens` are among the prompt's, `reasoning_tokens` among the
    completion's. `exchange` is None where nothing crossed a wire.
    """

    text: str
    model_answered: str
    stop_reason: StopReason
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = -1
    reasoning_tokens: int = -1
    stop_reason_given: str = ""
    request_id: str = ""
    fingerprint: str = ""
    logprobs: Sequence[Logprob] | None = None
    exchange: Exchange | None = None


FailureCode = Literal[
    "model",  # anything else
    "auth",  # the key is wrong, missing, or may not do this
    "unknown_model",
    "no_credit",  # the account has no money left
    "bad_request",  # the provider refuses this request
    "context_length",
    "rate_limited",
    "overloaded",  # 500, 502, 503, 504, 529
    "unreachable",  # no connection could be made
    "cut_off",  # the connection ended before the answer was whole
    "timeout",
    "bad_answer",  # the answer is not what the protocol says
    "too_large",
    "not_recorded",  # replay: nobody asked this in the recorded run
]


class ModelFailed(AwoError):
    """A model gave no answer.

    `is_transient` says whether another sending could help; `concerns_model` that every other
    request to this model would fail alike (a wrong key), so that none need be sent; `may_have_cost`
    that the provider may have worked on the request and charge for it. `retry_after_s` is what the
    provider asked for, or None.
    """

    exit_code = 6

    def __init__(
        self,
        what: str,
        *,
        is_transient: bool,
        code: FailureCode = "model",
        concerns_model: bool = False,
        may_have_cost: bool = False,
        retry_after_s: float | None = None,
        exchange: Exchange | None = None,
        where: str = "",
        expected: str = "",
        got: str = "",
        hint: str = "",
    ) -> None:
        super().__init__(what, where=where, expected=expected, got=got, hint=hint)
        self.code: FailureCode = code
        self.is_transient = is_transient
        self.concerns_model = concerns_model
        self.may_have_cost = may_have_cost
        self.retry_after_s = retry_after_s
        self.exchange = exchange


class Backend(Protocol):
    """A model that is ready to answer. Made by a factory, a row of `awo.plugins.BACKENDS`.

    The factory is `(model: str, params: Mapping[str, Any], seed: int, root: Path) -> Backend`: the
    model as the workflow spells it, the model's own parameters and seed, and the workflow's folder,
    from which a relative path in `model` starts. It is quick and touches nothing: `open` does the work.
    """

    @property
    def is_free(self) -> bool:
        """True when a call costs nothing, so that an unknown outcome may be tried again unasked."""

    @property
    def concurrency(self) -> int:
        """How many calls may be in flight at once unless the workflow says more or less; 1 keeps a local
        model deterministic."""

    @property
    def is_remote(self) -> bool:
        """True when a request leaves this process, so that limits and waiting make sense."""

    @property
    def endpoint(self) -> str:
        """What fails together: the server's address without credentials, or '' for none."""

    def check(self) -> None:
        """Whether `open` can be expected to work here; loads nothing, so that a run need not find out late.

        Raises `ModelFailed` for what is asked wrongly, and `CannotCheck` for what this machine lacks.
        """

    async def open(self) -> dict[str, Any]:
        """Makes the model ready; gives the facts for the record (text, integers, booleans)."""

    async def ask(self, request: Request, timeout_s: float) -> Reply:
        """One answer, after at most `timeout_s` seconds. Raises `ModelFailed`."""

    async def close(self) -> None:
        """Frees what `open` took. Safe to call twice."""
