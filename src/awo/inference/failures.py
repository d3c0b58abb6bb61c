"""From a provider's refusal to `ModelFailed`: one table for all protocols, which differ only in their words."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final

from awo.inference.provider_json import short
from awo.inference.seam import Exchange, FailureCode, Headers, ModelFailed


@dataclass(frozen=True, slots=True)
class Refused:
    """What a provider says of its error: its own words for the kind (`names`), a message, and how long to wait.

    `status` is set where an answer of status 200 has an error's status in its body.
    """

    message: str
    names: frozenset[str] = frozenset()
    retry_after_s: float | None = None
    status: int = 0


@dataclass(frozen=True, slots=True)
class _Meaning:
    """What a failure means for this request and for the ones after it."""

    what: str
    is_transient: bool = False
    concerns_model: bool = False
    may_have_cost: bool = False
    hint: str = ""


_MEANINGS: Final[dict[FailureCode, _Meaning]] = {
    "auth": _Meaning(
        "the provider does not accept the key, or the key may not use this model",
        concerns_model=True,
        hint="check the key and what it may do; docs/models.md says where AWO looks for it",
    ),
    "unknown_model": _Meaning(
        "the provider does not know this model", concerns_model=True, hint="check the model's name and the endpoint"
    ),
    "no_credit": _Meaning(
        "the account has no money or quota left", concerns_model=True, hint="top up the account, then `awo resume RUN`"
    ),
    "context_length": _Meaning(
        "the prompt is longer than the model's context",
        hint="shorten the prompt, or ask for fewer tokens with `max_tokens`",
    ),
    "bad_request": _Meaning("the provider refuses this request", hint="check the model's params and the step's schema"),
    "rate_limited": _Meaning("the provider's rate limit is reached", is_transient=True),
    "overloaded": _Meaning("the provider is overloaded or broken", is_transient=True),
    "timeout": _Meaning("the provider gave up waiting", is_transient=True, may_have_cost=True),
    "cut_off": _Meaning("the model stopped before its answer was whole", is_transient=True, may_have_cost=True),
    "bad_answer": _Meaning(
        "the answer is not what the protocol says",
        is_transient=True,
        may_have_cost=True,
        hint="check that the endpoint speaks this protocol",
    ),
}

_NO_CREDIT = frozenset({"insufficient_quota", "billing_error", "billing_hard_limit_reached", "billing_not_active"})
_UNKNOWN_MODEL = frozenset({"model_not_found", "DeploymentNotFound", "not_found_error", "NOT_FOUND"})
_CONTEXT_LENGTH = frozenset({"context_length_exceeded", "exceed_context_size_error", "string_above_max_length"})
_AUTH = frozenset(
    {"authentication_error", "invalid_api_key", "API_KEY_INVALID", "PERMISSION_DENIED", "permission_error"}
)
_OVERLOADED = frozenset({"overloaded_error", "api_error", "server_error", "UNAVAILABLE", "INTERNAL"})

# What providers that have no word for it write; each was met in their own messages.
_CONTEXT_MESSAGE = re.compile(
    r"prompt is too long|maximum context length|exceeds the maximum number of tokens"
    r"|exceeds? the (?:available |model's )?context|context length exceeded|longer than the maximum model length",
    re.IGNORECASE,
)
_CREDIT_MESSAGE = re.compile(
    r"credit balance is too low|requires more credits|insufficient (?:credits|balance)", re.IGNORECASE
)
_KEY_MESSAGE = re.compile(r"api key (?:not valid|not found|expired)", re.IGNORECASE)


def failure_of(exchange: Exchange, refused: Refused) -> ModelFailed:
    """The failure that an answer with an error's status, or an error in its body, stands for."""
    status = refused.status or exchange.status
    code = _code_of(status, refused)
    if 300 <= status < 400:
        return _moved(exchange)
    # A gateway that stopped waiting does not know whether the model went on behind it.
    behind_a_gateway = code == "overloaded" and status in (502, 504, 524)
    return failed(
        code,
        exchange,
        got=f"status {status}: {refused.message}" if refused.message else f"status {status}",
        is_transient=True if status in (409, 425) else None,
        may_have_cost=True if behind_a_gateway else None,
        retry_after_s=_longest(refused.retry_after_s, retry_after_s(exchange.response_headers)),
    )


def failed(
    code: FailureCode,
    exchange: Exchange | None = None,
    *,
    got: str = "",
    is_transient: bool | None = None,
    may_have_cost: bool | None = None,
    retry_after_s: float | None = None,
) -> ModelFailed:
    """The failure of that code in the house's words. The provider's own words go to `got` only, cut short."""
    meaning = _MEANINGS[code]
    return ModelFailed(
        meaning.what,
        is_transient=meaning.is_transient if is_transient is None else is_transient,
        code=code,
        concerns_model=meaning.concerns_model,
        may_have_cost=meaning.may_have_cost if may_have_cost is None else may_have_cost,
        retry_after_s=retry_after_s,
        exchange=exchange,
        got=short(got),
        hint=meaning.hint,
    )


def _moved(exchange: Exchange) -> ModelFailed:
    """A redirect is not followed: the key would go where nobody asked to send it."""
    return ModelFailed(
        "the server sends us elsewhere",
        is_transient=False,
        code="bad_answer",
        concerns_model=True,
        exchange=exchange,
        got=f"status {exchange.status}",
        hint="set the provider's address to where it points, https and path included",
    )


def cannot_say(what: str, *, got: str = "", hint: str = "") -> ModelFailed:
    """A request that this protocol has no words for: it is refused before it is sent."""
    return ModelFailed(what, is_transient=False, code="bad_request", got=got, hint=hint)


def _code_of(status: int, refused: Refused) -> FailureCode:
    names, message = refused.names, refused.message
    told = _told_code(names, message) if status < 500 else None
    if told is not None:
        return told
    by_status: dict[int, FailureCode] = {
        401: "auth",
        402: "no_credit",
        403: "auth",
        404: "unknown_model",
        408: "timeout",
        413: "context_length" if _CONTEXT_MESSAGE.search(message) else "bad_request",
        429: "rate_limited",
    }
    if code := by_status.get(status):
        return code
    if status >= 500 or (status < 400 and names & _OVERLOADED):
        return "overloaded"
    return "bad_request" if status >= 400 else "bad_answer"


def _told_code(names: Iterable[str], message: str) -> FailureCode | None:
    """What the provider's own words say; they know better than the status."""
    said = frozenset(names)
    tables: tuple[tuple[frozenset[str], re.Pattern[str] | None, FailureCode], ...] = (
        (_NO_CREDIT, _CREDIT_MESSAGE, "no_credit"),
        (_CONTEXT_LENGTH, _CONTEXT_MESSAGE, "context_length"),
        (_AUTH, _KEY_MESSAGE, "auth"),
        (_UNKNOWN_MODEL, None, "unknown_model"),
    )
    for words, pattern, code in tables:
        if said & words or (pattern is not None and pattern.search(message)):
            return code
    return None


def retry_after_s(headers: Headers) -> float | None:
    """Seconds to wait as the headers ask: `retry-after-ms`, or `Retry-After` in seconds or as a date.

    A date is measured against the response's own `Date`, so that a wrong clock here does no harm
    (RFC 9110 section 10.2.3). None when nothing usable is said.
    """
    found = {name.lower(): value.strip() for name, value in headers}
    if (in_ms := _seconds(found.get("retry-after-ms", ""))) is not None:
        return in_ms / 1000
    after = found.get("retry-after", "")
    if (seconds := _seconds(after)) is not None:
        return seconds
    try:
        return max(0.0, (parsedate_to_datetime(after) - parsedate_to_datetime(found.get("date", ""))).total_seconds())
    except (ValueError, TypeError, OverflowError):  # TypeError: one of the two has no time zone
        return None


def _seconds(written: str) -> float | None:
    try:
        found = float(written)
    except ValueError:
        return None
    return max(0.0, found) if math.isfinite(found) else None


def _longest(*waits: float | None) -> float | None:
    return max((wait for wait in waits if wait is not None), default=None)
