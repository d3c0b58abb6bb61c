"""One request as it will be sent and named: parameters and seed settled, its digest, and what it may cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from awo.canon.digest import sha256_hex
from awo.canon.json import encode_sorted
from awo.canon.usd import usd
from awo.engine.models import Ready
from awo.errors import StepFailed
from awo.evidence.events import FileRef
from awo.evidence.records import Message, ModelRecord
from awo.inference.seam import Image, Request, Turn
from awo.lifecycle.worst_price import TOKENS_A_TURN, max_tokens_of, prompt_bytes_of, worst_price
from awo.ops.seam import Ask

BYTES_OF_A_TOKEN = 4

MEDIA_TYPES = {
    "gif": "image/gif",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
}


class Asked:
    """A request to a model that is ready. `sha256` names it (spec section 4.3)."""

    __slots__ = ("ask", "params", "ready", "repeat", "schema_sha256", "seed", "sha256")

    def __init__(self, ready: Ready, ask: Ask, repeat: int, *, is_cell: bool = False) -> None:
        """`is_cell` gives the request a seed of its own, unless the step says which seed to send."""
        params = {**ready.record.params, **ask.params}
        seed = params.pop("seed", ready.record.seed)
        if not isinstance(seed, int) or isinstance(seed, bool):
            raise StepFailed(
                "a seed must be a whole number", code="model", where=f"{ask.model}, seed", got=repr(seed), is_final=True
            )
        self.ready = ready
        self.ask = ask
        self.params: dict[str, Any] = params
        is_own = is_cell and "seed" not in ask.params
        self.seed = seed_of_cell(seed, repeat, ask.messages) if is_own else seed + repeat
        self.repeat = repeat
        self.schema_sha256 = sha256_hex(ask.schema.encode()) if ask.schema else ""
        self.sha256 = request_sha256(ready.record, ask.messages, params, self.seed, repeat, self.schema_sha256)

    def worst_price(self) -> str:
        """What one sending may cost at most, in US dollars as text; '' when nobody knows."""
        if self.ready.is_free:
            return "0"
        messages = self.ask.messages
        worst = worst_price(
            self.ready.record.price,
            prompt_bytes=prompt_bytes_of(messages, self.ask.schema, self.params),
            turns=len(messages),
            images=sum(len(message.images) for message in messages),
            max_tokens=max_tokens_of(self.params),
        )
        return "" if worst is None else usd(worst)

    @property
    def tokens(self) -> int:
        """About how many tokens the request takes of a limit of tokens per minute; 0 where there is none."""
        if not self.ready.limits.tokens_per_minute:
            return 0
        prompt_bytes = prompt_bytes_of(self.ask.messages, self.ask.schema, self.params)
        turns = TOKENS_A_TURN * len(self.ask.messages)
        return prompt_bytes // BYTES_OF_A_TOKEN + turns + (max_tokens_of(self.params) or 0)

    def request(self, run_id: str, nth: int, read: Callable[[FileRef], bytes]) -> Request:
        """What the backend is given. `nth` counts the answers to this request before, from 0."""
        turns = tuple(
            Turn(
                role=message.role,
                content=message.content,
                images=tuple(Image(media_type=_media_type(ref), data=read(ref)) for ref in message.images),
            )
            for message in self.ask.messages
        )
        schema = msgspec.json.decode(self.ask.schema) if self.ask.schema else None
        key = f"awo-{sha256_hex(f'{run_id} {self.sha256} {nth}'.encode())[:32]}" if self.ready.backend.is_remote else ""
        return Request(turns=turns, params=self.params, seed=self.seed, schema=schema, key=key)


def seed_of_cell(seed: int, repeat: int, messages: Sequence[Message]) -> int:
    """The seed that one request of a fan-out is sent with, from 0 to 2^31 - 1 (spec section 3.9).

    With one seed for all, a sampler that begins anew for each request draws the same first number for
    every row: all rows then err together, and repeats measure no chance.
    """
    return int(sha256_hex(encode_sorted([seed, repeat, messages]))[:8], 16) >> 1


def request_sha256(
    model: ModelRecord,
    messages: Sequence[Message],
    params: Mapping[str, Any],
    seed: int,
    repeat: int,
    schema_sha256: str,
) -> str:
    """The digest that names a request, whatever the model is called in the workflow (spec section 4.3)."""
    named = {
        "backend": model.backend,
        "messages": messages,
        "model": model.model,
        "params": params,
        "repeat": repeat,
        "schema_sha256": schema_sha256,
        "seed": seed,
    }
    return sha256_hex(encode_sorted(named))


def _media_type(ref: FileRef) -> str:
    kind = MEDIA_TYPES.get(ref.path.rpartition(".")[2].lower())
    if kind is None:
        raise StepFailed(
            "this file is no image that a model is shown",
            code="image",
            where=ref.path,
            expected=f"a name that ends in {', '.join(MEDIA_TYPES)}",
            is_final=True,
        )
    return kind
