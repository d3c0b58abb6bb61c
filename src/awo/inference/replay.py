"""The backend `replay`: answers from a recorded run, and refuses what nobody asked there."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from awo.canon.digest import sha256_hex
from awo.canon.json import encode_sorted
from awo.inference.provider_json import short
from awo.inference.recorded_run import (
    RecordedAsk,
    RecordedImage,
    RecordedMessage,
    RecordedRun,
    find_run,
    identity,
    read_run,
)
from awo.inference.seam import Backend, Logprob, ModelFailed, Reply, Request

CONCURRENCY: Final = 64
OURS: Final = ("of", "seed")
COMPARED_CHARACTERS: Final = 2_000
COMPARED_CLOSELY: Final = 12
COMPARED_CLOSELY_CHARACTERS: Final = 500
SHOWN_CHARACTERS: Final = 40
MISSES_EXPLAINED: Final = 20


def open_replay(model: str, params: Mapping[str, Any], seed: int, root: Path) -> Backend:
    """The backend for the run's folder `model`, a path from the workflow's folder or the name of a folder in its
    runs/. The parameter `of` names the model whose responses answer; without it every response of the run may."""
    return Replay(model, params, root)


class Replay:
    """A recorded run as a model. The k-th asking of a request gets the k-th recorded answer, and then no more.

    A request is the same when its messages (images by their bytes), parameters, seed and schema are.
    """

    is_free = True
    concurrency = CONCURRENCY
    is_remote = False
    endpoint = ""

    def __init__(self, model: str, params: Mapping[str, Any], root: Path) -> None:
        self._model = model
        self._of = params.get("of", "")
        self._params = {name: value for name, value in params.items() if name not in OURS}
        self._root = root
        self._run: RecordedRun | None = None
        self._asked: dict[bytes, int] = {}
        self._misses = 0

    def check(self) -> None:
        """Raises `ModelFailed` for an `of` that is no name, `CannotCheck` for a run that is not here."""
        if not isinstance(self._of, str):
            raise ModelFailed("`of` is the name of a model in the recorded run", is_transient=False, got=repr(self._of))
        find_run(self._model, self._root)

    async def open(self) -> dict[str, Any]:
        """The facts: the run's id, the digest of its journal as it lies here, how many responses can answer.

        Reads every response once. Raises as `check` and `recorded_run.read_run`.
        """
        self.check()
        folder = find_run(self._model, self._root)
        run = self._run = await asyncio.to_thread(read_run, folder, self._of)
        self._asked.clear()
        self._misses = 0
        return {
            "asked": folder.name,
            "answered": run.run_id,
            "of": self._of,
            "journal_sha256": run.journal_sha256,
            "responses": len(run),
        }

    async def ask(self, request: Request, timeout_s: float) -> Reply:
        """The recorded answer. Raises `ModelFailed` (not_recorded), and says what was asked that is nearest."""
        run = self._run
        if run is None:
            raise ModelFailed("the model is not open", is_transient=False)
        asked = self._as_recorded(request)
        name, messages = identity(asked)
        lines = run.lines_for(name)
        nth = self._asked.get(name, 0)
        if nth >= len(lines):
            raise self._not_recorded(run, asked, len(lines), run.line_with(messages))
        self._asked[name] = nth + 1
        answer = run.answered(lines[nth])
        return Reply(
            text=answer.text,
            model_answered=answer.model_answered,
            stop_reason=answer.stop_reason,
            prompt_tokens=answer.usage.prompt_tokens,
            completion_tokens=answer.usage.completion_tokens,
            cached_tokens=answer.usage.cached_tokens,
            reasoning_tokens=answer.usage.reasoning_tokens,
            stop_reason_given=answer.stop_reason_given,
            request_id=answer.request_id,
            fingerprint=answer.fingerprint,
            logprobs=None
            if answer.logprobs is None
            else [Logprob(one.token, one.logprob, one.top) for one in answer.logprobs],
        )

    async def close(self) -> None:
        self._run = None

    def _as_recorded(self, request: Request) -> RecordedAsk:
        """The request as its response line would have it (spec section 3.3)."""
        params = {name: value for name, value in {**self._params, **request.params}.items() if name not in OURS}
        messages = tuple(
            RecordedMessage(
                role=turn.role,
                content=turn.content,
                images=tuple(RecordedImage(sha256_hex(image.data)) for image in turn.images),
            )
            for turn in request.turns
        )
        schema_sha256 = "" if request.schema is None else sha256_hex(msgspec.json.encode(request.schema))
        return RecordedAsk("", "", messages, params, request.seed, schema_sha256)

    def _not_recorded(self, run: RecordedRun, asked: RecordedAsk, times: int, same: int | None) -> ModelFailed:
        """`times` is how often exactly this was recorded, `same` a response to the same messages."""
        self._misses += 1
        if times:
            what, got = "the recorded run asked this less often", f"{times} recorded, {times + 1} asked for"
        elif same is not None:
            what = "the recorded run asked this with other parameters"
            got = f"{run.where(same)} has {_other_parameters(asked, run.asked(same))}"
        else:
            what = "nobody asked this in the recorded run"
            got = _nearest(run, asked) if self._misses <= MISSES_EXPLAINED else ""
        return ModelFailed(
            what,
            is_transient=False,
            code="not_recorded",
            where=f"run {run.run_id}",
            got=got,
            hint="a replay answers only what was asked then; ask the model itself for anything new",
        )


def _other_parameters(asked: RecordedAsk, recorded: RecordedAsk) -> str:
    """What the recorded request has otherwise, such as `seed 7 (asked: 8)`."""
    now = {"seed": asked.seed, **asked.sampling}
    then = {"seed": recorded.seed, **recorded.sampling}
    found = [
        f"{name} {_value(then, name)} (asked: {_value(now, name)})"
        for name in dict.fromkeys([*then, *now])
        if _value(then, name) != _value(now, name)
    ]
    if asked.schema_sha256 != recorded.schema_sha256:
        found.append("another schema" if recorded.schema_sha256 else "no schema")
    return short(", ".join(found))


def _value(params: Mapping[str, Any], name: str) -> str:
    return encode_sorted(params[name]).decode() if name in params else "nothing"


def _nearest(run: RecordedRun, asked: RecordedAsk) -> str:
    """The recorded prompt that is most like the asked one, and where they part; '' when nothing is recorded."""
    prompt = asked.prompt
    matcher = difflib.SequenceMatcher(autojunk=False)
    matcher.set_seq2(prompt[:COMPARED_CHARACTERS])
    ranked: list[tuple[float, int, str]] = []
    for line in run.near(len(prompt)):
        recorded = run.asked(line).prompt
        matcher.set_seq1(recorded[:COMPARED_CHARACTERS])
        ranked.append((matcher.quick_ratio(), -line, recorded))
    if not ranked:
        return ""
    matcher.set_seq2(prompt[:COMPARED_CLOSELY_CHARACTERS])
    closest: list[tuple[float, int, str]] = []
    for _, line, recorded in sorted(ranked, reverse=True)[:COMPARED_CLOSELY]:
        matcher.set_seq1(recorded[:COMPARED_CLOSELY_CHARACTERS])
        closest.append((matcher.ratio(), line, recorded))
    _, line, recorded = max(closest)
    where = run.where(-line)
    if recorded == prompt:
        return f"{where} has the same prompt, but other turns or images"
    pairs = enumerate(zip(recorded, prompt, strict=False))
    at = next((place for place, (one, other) in pairs if one != other), min(len(recorded), len(prompt)))
    return f"nearest is {where}, from character {at + 1} on: {_piece(recorded, at)} (asked: {_piece(prompt, at)})"


def _piece(text: str, at: int) -> str:
    piece = text[max(0, at - SHOWN_CHARACTERS // 2) : at + SHOWN_CHARACTERS]
    return repr(short(piece)) if piece else "nothing more"
