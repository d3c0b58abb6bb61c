"""What the tests of the three protocols share: requests, exchanges, and bytes that nobody should send."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from awo.inference.keys import Access
from awo.inference.seam import Exchange, Headers, Image, ModelFailed, Reply, Request, Turn

ACCESS = Access("https://host.example/v1", "the-key-0123456789")
PICTURE = Image("image/png", b"\x89PNG")
SCHEMA = {"type": "object", "properties": {"label": {"type": "string"}}, "required": ["label"]}


def asked(*turns: Turn, schema: dict[str, Any] | None = None, seed: int = 7) -> Request:
    return Request(turns=turns or (Turn("user", "Hi"),), params={}, seed=seed, schema=schema)


def exchange(body: object, status: int = 200, headers: Headers = ()) -> Exchange:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Exchange("POST", "https://host.example/v1", (), b"{}", status, headers, data, 12)


def taken(reply_of: Callable[[Exchange, str], Reply], body: bytes, status: int = 200) -> Reply | ModelFailed:
    """What the protocol makes of an answer; every other exception than `ModelFailed` is a defect and goes on."""
    try:
        return reply_of(exchange(body, status), "a-model")
    except ModelFailed as error:
        return error


def is_sound(found: Reply | ModelFailed) -> bool:
    """Whether a reply can be recorded, and a failure's words are short and have the exchange beside them."""
    if isinstance(found, ModelFailed):
        return len(found.got) <= 300 and found.got.isprintable() and found.exchange is not None
    found.text.encode()
    counts = (found.prompt_tokens, found.completion_tokens, found.cached_tokens, found.reasoning_tokens)
    return bool(found.model_answered) and min(counts) >= -1 and found.exchange is not None


STATUSES = st.sampled_from([200, 201, 204, 302, 400, 401, 402, 403, 404, 408, 409, 413, 429, 500, 503, 529, 599])
TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)


def odd_json(*names: str) -> st.SearchStrategy[bytes]:
    """JSON whose keys are those of the protocol and whose values are of any kind."""
    keys = st.sampled_from(names) | TEXTS
    leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
    values = st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=6), max_leaves=25
    )
    return st.dictionaries(keys, values, max_size=6).map(lambda found: json.dumps(found).encode())
