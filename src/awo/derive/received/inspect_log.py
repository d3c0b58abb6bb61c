"""Logs of Inspect: the `.eval` archive, and the older log that is one JSON document. Versions 1 and 2 of its format."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, BinaryIO, Final

from awo.derive.received.foreign_json import listed, mapping, milliseconds, parsed, scalar, text, whole
from awo.derive.received.seam import Answered, Found, NotUnderstood, Original, Scalar, not_this_form, unknown_version
from awo.derive.received.zipped import Zipped
from awo.evidence.received import ClaimedOrigin, ClaimedResult, LeftOut, ReceivedUsage

VERSIONS: Final = (1, 2)
HEADER, START, SAMPLES = "header.json", "_journal/start.json", "samples/"
ZIP_MAGIC: Final = b"PK"
ATTACHMENT: Final = "attachment://"
TWICE: Final = "another member of this name comes later, and counts"
_sample_name = re.compile(r"samples/[^\x00]*\.json", re.DOTALL)


def read_inspect(originals: Sequence[Original]) -> Found:
    """As `seam.Reader`: one original, an archive or a JSON document."""
    (original,) = originals
    stream = original.open()
    head = stream.read(len(ZIP_MAGIC))
    if head == ZIP_MAGIC:
        return _from_archive(original, stream)
    stream.close()
    return _from_document(original)


# --- the archive --------------------------------------------------------------------------------------------


def _from_archive(original: Original, stream: BinaryIO) -> Found:
    try:
        archive = Zipped(stream)
        header = next((name for name in (HEADER, START) if name in archive), "")
        if not header:
            raise NotUnderstood(f"there is neither {HEADER} nor {START} in it")
        log = mapping(parsed(archive.read(header)))
    except NotUnderstood as error:
        stream.close()
        raise _no_log(original.name, str(error)) from error
    other: dict[str, int] = {}
    claimed = _claimed(log, original.name, is_whole=header == HEADER)
    return Found(claimed, _samples_of(archive, stream, log, other), _results(log), other)


def _samples_of(
    archive: Zipped, stream: BinaryIO, log: Mapping[str, Any], other: dict[str, int]
) -> Iterator[Answered | LeftOut]:
    with stream:
        yield from (LeftOut(where=text(name), why=TWICE) for name in archive.doubled if name.startswith(SAMPLES))
        for name in archive.names:
            if _sample_name.fullmatch(name):
                yield _understood(text(name), partial(_read_member, archive, name), log)
            elif not name.endswith("/"):
                kind = name.partition("/")[0] if "/" in name else name
                other[text(kind)[:60]] = other.get(text(kind)[:60], 0) + 1


def _read_member(archive: Zipped, name: str) -> Any:
    return parsed(archive.read(name))


# --- the one document ---------------------------------------------------------------------------------------


def _from_document(original: Original) -> Found:
    try:
        log = parsed(original.read())
    except NotUnderstood as error:
        raise _no_log(original.name, str(error)) from error
    if not (isinstance(log, dict) and isinstance(log.get("eval"), dict)):
        raise _no_log(original.name, "a JSON document without `eval`")
    samples = log.get("samples")
    if samples is not None and not isinstance(samples, list):
        raise _no_log(original.name, "`samples` is no list")
    claimed = _claimed(log, original.name, is_whole=True)
    parts = (_understood(f"samples[{number}]", partial(_given, one), log) for number, one in enumerate(listed(samples)))
    other = {"reductions": len(listed(log.get("reductions")))} if log.get("reductions") else {}
    return Found(claimed, parts, _results(log), other)


def _given(value: Any) -> Any:
    return value


# --- both ---------------------------------------------------------------------------------------------------


def _no_log(name: str, why: str) -> Exception:
    return not_this_form(
        "this is no log of Inspect",
        where=name,
        expected="a .eval archive, or a log as JSON with `version` and `eval`",
        got=why,
        hint="`awo import promptfoo` and `awo import awo-1x` take other forms",
    )


def _claimed(log: Mapping[str, Any], name: str, *, is_whole: bool) -> ClaimedOrigin:
    version = log.get("version", 1)
    if isinstance(version, bool) or version not in VERSIONS:
        raise unknown_version("Inspect", name, f"version {' or '.join(map(str, VERSIONS))}", text(version))
    told = mapping(log.get("eval"))
    status = text(log.get("status")) if is_whole else "started, and never finished: the log has no header"
    return ClaimedOrigin(
        software="Inspect",
        version=text(mapping(told.get("packages")).get("inspect_ai")),
        format_version=text(version),
        title=text(told.get("task")),
        created=text(told.get("created")),
        status=status,
        announced=whole(mapping(log.get("results")).get("total_samples")),
    )


def _results(log: Mapping[str, Any]) -> list[ClaimedResult]:
    found = []
    for score in listed(mapping(log.get("results")).get("scores")):
        for key, metric in mapping(mapping(score).get("metrics")).items():
            name = f"{text(mapping(score).get('name'))}: {text(key)}"
            found.append(ClaimedResult(name=name, value=scalar(mapping(metric).get("value"))))
    return found


def _understood(where: str, read: Any, log: Mapping[str, Any]) -> Answered | LeftOut:
    try:
        sample = read()
        if not isinstance(sample, dict) or "id" not in sample or "input" not in sample:
            raise NotUnderstood("no sample: an object with `id` and `input`")
        return _answered(where, sample, mapping(log.get("eval")))
    except NotUnderstood as error:
        return LeftOut(where=where, why=str(error))


def _answered(where: str, sample: Mapping[str, Any], told: Mapping[str, Any]) -> Answered:
    output = mapping(sample.get("output"))
    choices = listed(output.get("choices"))
    first = mapping(choices[0]) if choices else {}
    message = mapping(first.get("message"))
    attached = mapping(sample.get("attachments"))
    answer = output.get("completion")
    target = sample.get("target")
    scores, explanations = _scores(sample)
    return Answered(
        where=where,
        sample=text(sample["id"]),
        repeat=whole(sample.get("epoch")),
        model=text(message.get("model") or output.get("model") or told.get("model")),
        prompt=_chat(sample["input"], attached),
        answer=_content(message.get("content") if answer is None else answer, attached),
        target=tuple(_content(one, attached) for one in (target if isinstance(target, list) else [target])),
        scores=scores,
        explanations=explanations,
        usage=_usage(mapping(output.get("usage"))),
        cost_usd=text(mapping(output.get("usage")).get("total_cost")),
        at=text(sample.get("completed_at")),
        latency_ms=milliseconds(sample.get("total_time")),
        stop_reason=text(first.get("stop_reason")),
        error=text(mapping(sample.get("error")).get("message") or output.get("error")),
    )


def _scores(sample: Mapping[str, Any]) -> tuple[dict[str, Scalar], dict[str, str]]:
    """The values by scorer; of a scorer that gives several, each by `scorer/name`. Logs of version 1 have `score`."""
    scores: dict[str, Scalar] = {}
    explanations = {}
    given = mapping(sample.get("scores")) or ({"score": sample["score"]} if sample.get("score") is not None else {})
    for name, score in given.items():
        value = mapping(score).get("value") if isinstance(score, dict) else score
        if isinstance(value, dict):
            scores |= {text(f"{name}/{key}"): scalar(inner) for key, inner in value.items()}
        else:
            scores[text(name)] = scalar(value)
        if why := text(mapping(score).get("explanation")):
            explanations[text(name)] = why
    return scores, explanations


def _usage(usage: Mapping[str, Any]) -> ReceivedUsage:
    return ReceivedUsage(
        prompt_tokens=whole(usage.get("input_tokens")),
        completion_tokens=whole(usage.get("output_tokens")),
        cached_tokens=whole(usage.get("input_tokens_cache_read")),
        reasoning_tokens=whole(usage.get("reasoning_tokens")),
    )


def _chat(given: Any, attached: Mapping[str, Any]) -> str:
    """A prompt as it is, or a chat turn by turn, each under its role."""
    if not isinstance(given, list):
        return _content(given, attached)
    turns = [
        f"[{text(mapping(turn).get('role'))}]\n{_content(mapping(turn).get('content'), attached)}" for turn in given
    ]
    return "\n\n".join(turns)


def _content(content: Any, attached: Mapping[str, Any]) -> str:
    """Text, with an attachment in place of the reference to it; parts that are no text are named by their type."""
    if isinstance(content, str) and content.startswith(ATTACHMENT):
        return text(attached.get(content.removeprefix(ATTACHMENT), content))
    if isinstance(content, list):
        return "\n".join(_part(mapping(part), attached) for part in content)
    return text(content)


def _part(part: Mapping[str, Any], attached: Mapping[str, Any]) -> str:
    return _content(part.get("text"), attached) if part.get("type") == "text" else f"[{text(part.get('type'))}]"
