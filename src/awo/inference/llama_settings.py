"""The parameters of a local model: which set it up, which go with a request, and which are refused."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from awo.inference.failures import cannot_say
from awo.inference.openai_chat import response_format
from awo.inference.seam import Request
from awo.plugins import nearest

DEFAULT_CONTEXT_TOKENS = 2048
DEFAULT_MAX_TOKENS = 512
MOST_DEFAULT_THREADS = 8
LARGEST_SEED = 2**32 - 2
"""2^32 - 1 means a random seed to llama.cpp."""

SAMPLING = frozenset(
    {
        "frequency_penalty",
        "grammar",
        "json_schema",
        "logit_bias",
        "logprobs",
        "max_tokens",
        "min_p",
        "presence_penalty",
        "repeat_penalty",
        "response_format",
        "seed",
        "stop",
        "temperature",
        "top_k",
        "top_logprobs",
        "top_p",
        "typical_p",
    }
)
GRAMMARS = frozenset({"grammar", "json_schema", "response_format"})
LARGEST = {"n_ctx": 1 << 20, "threads": 512, "gpu_layers": 10_000}


@dataclass(frozen=True, slots=True)
class Setup:
    """How the model is set up; a part of what makes two texts equal."""

    context_tokens: int
    threads: int
    gpu_layers: int


def setup_from(params: Mapping[str, Any]) -> Setup:
    """The set-up among a model's `params`: `n_ctx`, `threads`, `gpu_layers`.

    Raises `ModelFailed` for a value that does not fit and for a parameter that nobody knows.
    """
    _refuse_unknown(params)
    return Setup(
        context_tokens=_whole(params, "n_ctx", DEFAULT_CONTEXT_TOKENS, least=1),
        threads=_whole(params, "threads", default_threads(), least=1),
        gpu_layers=_whole(params, "gpu_layers", 0, least=0),
    )


def default_threads() -> int:
    """Half of the logical processors, at least 1 and at most 8: about the physical cores, and never all."""
    return max(1, min(MOST_DEFAULT_THREADS, (os.cpu_count() or 1) // 2))


def body_of(request: Request, params: Mapping[str, Any]) -> dict[str, Any]:
    """The chat completion request for llama.cpp; the request's params go over the model's own `params`.

    A seed among the model's own params is not used here: the request's is that one plus its repeat.
    Raises `ModelFailed` for an unknown parameter, a seed outside 0 to 2^32 - 2, and images.
    """
    if not any(turn.role == "user" for turn in request.turns):
        raise cannot_say("the request has no turn of a user")
    if any(turn.images for turn in request.turns):
        raise cannot_say("a local model in this process cannot be shown images", hint="use a server with `llamacpp`")
    _refuse_unknown(request.params)
    chosen = {**params, **request.params}
    seed = request.params.get("seed", request.seed)
    if not (isinstance(seed, int) and not isinstance(seed, bool) and 0 <= seed <= LARGEST_SEED):
        raise cannot_say(
            "the seed cannot be used by a local model", got=f"{seed!r}; a whole number from 0 to {LARGEST_SEED} can"
        )
    sampling = {name: value for name, value in chosen.items() if name in SAMPLING}
    if request.schema is not None:
        if twice := sorted(GRAMMARS & sampling.keys()):
            raise cannot_say(f"a schema and {twice[0]!r} say the same", hint="leave one of them out")
        sampling["response_format"] = response_format(request.schema)
    return {
        "temperature": 0.0,
        "max_tokens": DEFAULT_MAX_TOKENS,
        **sampling,
        "seed": seed,
        "messages": [{"role": turn.role, "content": turn.content} for turn in request.turns],
        "cache_prompt": False,  # what was asked before must not change the text
        "stream": True,  # so that a cancelled request stops at the next token
        "stream_options": {"include_usage": True},
    }


def _refuse_unknown(params: Mapping[str, Any]) -> None:
    known = sorted(SAMPLING | LARGEST.keys())
    for name in params:
        if name not in known:
            near = nearest(name, known)
            raise cannot_say(
                f"a local model has no parameter {name!r}",
                hint=f"did you mean {near!r}?" if near else f"it has {', '.join(known)}",
            )


def _whole(params: Mapping[str, Any], name: str, default: int, *, least: int) -> int:
    value = params.get(name, default)
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= LARGEST[name]:
        return value
    raise cannot_say(
        f"the parameter {name!r} cannot be used", got=f"{value!r}; a whole number from {least} to {LARGEST[name]} can"
    )
