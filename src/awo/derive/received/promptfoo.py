"""Results of promptfoo as `promptfoo eval -o results.json` writes them: summaries of version 2 and 3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from awo.derive.received.foreign_json import listed, mapping, milliseconds, parsed, scalar, text, whole
from awo.derive.received.seam import Answered, Found, NotUnderstood, Original, Scalar, not_this_form, unknown_version
from awo.evidence.received import ClaimedOrigin, ClaimedResult, LeftOut, ReceivedUsage

VERSIONS: Final = (2, 3)
FAILED_BY_AN_ERROR: Final = 2
"""promptfoo's `failureReason` where no answer came; with another one `error` says which assertion failed."""

STATED: Final = ("successes", "failures", "errors")


def read_promptfoo(originals: Sequence[Original]) -> Found:
    """As `seam.Reader`: one original, the document or its `results` alone."""
    (original,) = originals
    try:
        document = parsed(original.read())
    except NotUnderstood as error:
        raise _no_results(original.name, str(error)) from error
    document = mapping(document)
    inner = document.get("results")
    summary = mapping(inner) if isinstance(inner, dict) else document
    results = summary.get("results")
    if not isinstance(results, list):
        raise _no_results(original.name, "a JSON document without a list `results`")
    version = summary.get("version")
    if isinstance(version, bool) or version not in VERSIONS:
        raise unknown_version("promptfoo", original.name, f"version {' or '.join(map(str, VERSIONS))}", text(version))
    stats = mapping(summary.get("stats"))
    place = "results.results" if isinstance(inner, dict) else "results"
    parts = (_understood(f"{place}[{number}]", one) for number, one in enumerate(results))
    return Found(_claimed(document, summary, stats), parts, _results(stats))


def _no_results(name: str, why: str) -> Exception:
    return not_this_form(
        "these are no results of promptfoo",
        where=name,
        expected="what `promptfoo eval -o results.json` writes",
        got=why,
        hint="`awo import inspect` and `awo import awo-1x` take other forms",
    )


def _claimed(document: Mapping[str, Any], summary: Mapping[str, Any], stats: Mapping[str, Any]) -> ClaimedOrigin:
    told = mapping(document.get("metadata"))
    counts = [whole(stats.get(name)) for name in STATED]
    return ClaimedOrigin(
        software="promptfoo",
        version=text(told.get("promptfooVersion")),
        format_version=text(summary.get("version")),
        title=text(mapping(document.get("config")).get("description") or document.get("evalId")),
        created=text(summary.get("timestamp") or told.get("evaluationCreatedAt")),
        status="",
        announced=sum(max(0, one) for one in counts) if any(one >= 0 for one in counts) else -1,
    )


def _results(stats: Mapping[str, Any]) -> list[ClaimedResult]:
    return [ClaimedResult(name=name, value=scalar(stats[name])) for name in STATED if name in stats]


def _understood(where: str, result: Any) -> Answered | LeftOut:
    if not isinstance(result, dict) or not ("response" in result or "error" in result or "prompt" in result):
        return LeftOut(where=where, why="no result: an object with `prompt`, and `response` or `error`")
    return _answered(where, result)


def _answered(where: str, result: Mapping[str, Any]) -> Answered:
    response = mapping(result.get("response"))
    prompt = result.get("prompt")
    is_error = result.get("failureReason") == FAILED_BY_AN_ERROR or bool(response.get("error"))
    scores, explanations = _scores(result)
    cost = result.get("cost")
    return Answered(
        where=where,
        sample=_sample(result),
        model=_provider(result.get("provider")),
        prompt=text(prompt.get("raw") if isinstance(prompt, dict) else prompt),
        answer=text(response.get("output")),
        target=_targets(result),
        scores=scores,
        explanations=explanations,
        usage=_usage(mapping(response.get("tokenUsage")) or mapping(result.get("tokenUsage"))),
        cost_usd=text(response.get("cost") if cost is None else cost),
        latency_ms=_latency_ms(result.get("latencyMs")),
        stop_reason=text(response.get("finishReason")),
        error=text(response.get("error") or result.get("error")) if is_error else "",
    )


def _sample(result: Mapping[str, Any]) -> str:
    """The number of the test, and of its prompt where it has one: what promptfoo calls a row and a column."""
    test, prompt = whole(result.get("testIdx")), whole(result.get("promptIdx"))
    if test < 0:
        return text(result.get("id"))
    return f"test {test}" if prompt < 0 else f"test {test}, prompt {prompt}"


def _provider(provider: Any) -> str:
    return (
        text(mapping(provider).get("id") or mapping(provider).get("label"))
        if isinstance(provider, dict)
        else text(provider)
    )


def _targets(result: Mapping[str, Any]) -> tuple[str, ...]:
    """The values of the assertions: what promptfoo has in the place of a target."""
    checks = listed(mapping(result.get("testCase")).get("assert"))
    return tuple(text(mapping(one)["value"]) for one in checks if mapping(one).get("value") is not None)


def _scores(result: Mapping[str, Any]) -> tuple[dict[str, Scalar], dict[str, str]]:
    """`pass` and `score` of the whole, then the named scores."""
    scores: dict[str, Scalar] = {}
    if "success" in result:
        scores["pass"] = scalar(result["success"])
    if "score" in result:
        scores["score"] = scalar(result["score"])
    for name, value in mapping(result.get("namedScores")).items():
        scores[text(name) if name not in scores else text(f"named/{name}")] = scalar(value)
    why = text(mapping(result.get("gradingResult")).get("reason"))
    return scores, {"score": why} if why else {}


def _usage(usage: Mapping[str, Any]) -> ReceivedUsage:
    return ReceivedUsage(
        prompt_tokens=whole(usage.get("prompt")),
        completion_tokens=whole(usage.get("completion")),
        cached_tokens=whole(usage.get("cached")),
        reasoning_tokens=whole(mapping(usage.get("completionDetails")).get("reasoning")),
    )


def _latency_ms(value: Any) -> int:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return milliseconds(value / 1000) if is_number else -1
