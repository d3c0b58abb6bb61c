"""Received, not witnessed: which file came from elsewhere, what it claims, and that nobody here saw it happen."""

from __future__ import annotations

from typing import Final

from awo.derive.facts import RunFacts, StepFacts, StepStatus
from awo.derive.markdown import table
from awo.derive.numbers import NOTHING, number
from awo.derive.phrases import count, moment, size
from awo.derive.report.reader import Reader
from awo.derive.report.shown import ROWS_SHOWN, ended, failed, in_detail, line, more, named, too_large, value_as, word
from awo.evidence.layout import OUTPUTS
from awo.evidence.received import RECEIVE, ClaimedResult, ClaimedScore, ReceivedValue

WORDS_SHOWN: Final = 5
RESULTS_SHOWN: Final = 30


def received(facts: RunFacts, read: Reader) -> str:
    """One part for each step that received something; nothing for a run without one."""
    found = ended(facts, RECEIVE)
    if not found:
        return ""
    return (
        "## Received, not witnessed\n\n"
        "> [!IMPORTANT]\n> AWO saw none of what is listed here happen. It witnessed one thing: that these files, with "
        f"these digests, were received by {line(facts.starter.id)} on {moment(facts.started_at)}. Every answer, score, "
        "model name, time and count in them is somebody else's word.\n\n"
        + in_detail(found, lambda step: _step(step, read), word(f"{OUTPUTS}/"))
    )


def _step(step: StepFacts, read: Reader) -> str:
    if step.status is StepStatus.FAILED:
        return failed(step)
    heading = f"### {word(step.record.id)}\n\n"
    value = value_as(step, read, ReceivedValue)
    if value is None:
        return heading + too_large(step)
    where = named(step.value.path) if step.value else ""
    shown = value.originals[:ROWS_SHOWN]
    rows = [[named(one.path), size(one.size_bytes), word(one.sha256)] for one in shown]
    originals = table(["witnessed: received as", "size", "SHA-256"], rows)
    parts = [
        originals + more(len(value.originals), len(shown), "file", where),
        table(["claimed by the file", ""], _claims(value)),
        _left_out(value, where),
        _scores(value.scores, where),
        _results(value.results, where),
    ]
    return heading + "\n".join(part for part in parts if part)


def _claims(value: ReceivedValue) -> list[list[str]]:
    claimed = value.claimed
    told = [
        ("made by", " ".join(part for part in (claimed.software, claimed.version) if part)),
        ("version of its format", claimed.format_version),
        ("called", claimed.title),
        ("made on", claimed.created),
        ("status", claimed.status),
    ]
    rows = [[label, line(text)] for label, text in told if text]
    errors = f", {value.errors:,} of them with an error" if value.errors else ""
    is_other = value.claimed.announced not in (-1, value.answers)
    said = f"; the file itself says {value.claimed.announced:,}" if is_other else ""
    rows.append(["answers in it", f"{value.answers:,}{errors}{said}, one by one in {named(value.path)}"])
    models = [f"{word(name) if name else 'no name'} ({times:,})" for name, times in list(value.models.items())[:10]]
    left = len(value.models) - len(models)
    if models:
        rows.append(["models", ", ".join(models) + (f" and {left} more" if left > 0 or value.more_models else "")])
    if value.other_parts:
        parts = [f"{word(kind)} ({times:,})" for kind, times in list(value.other_parts.items())[:10]]
        rows.append(["kept in the original alone", ", ".join(parts)])
    return rows


def _left_out(value: ReceivedValue, where: str) -> str:
    if not value.not_understood:
        return ""
    rows = [[line(why), f"{times:,}"] for why, times in list(value.reasons.items())[:ROWS_SHOWN]]
    return (
        f"**{count(value.not_understood, 'part')} not understood**, and so no answer of the list; the original has "
        "them.\n\n" + table(["why", "parts"], rows) + more(len(value.reasons), len(rows), "reason", where)
    )


def _scores(scores: list[ClaimedScore], where: str) -> str:
    if not scores:
        return ""
    rows = [
        [word(one.name), f"{one.answers:,}", f"{one.numbers:,}", number(one.mean), _words(one)]
        for one in scores[:ROWS_SHOWN]
    ]
    return (
        "Scores, **claimed, not recomputed**. The mean is over those that are numbers; where it is "
        f"{NOTHING}, there are none.\n\n"
        + table(["claimed score", "answers", "numbers", "mean", "other values"], rows)
        + more(len(scores), len(rows), "score", where)
    )


def _words(score: ClaimedScore) -> str:
    shown = [f"{word(text)} ({times:,})" for text, times in list(score.words.items())[:WORDS_SHOWN]]
    return ", ".join(shown) + (", …" if len(score.words) > WORDS_SHOWN else "")


def _results(results: list[ClaimedResult], where: str) -> str:
    if not results:
        return ""
    rows = [[line(one.name), _value(one)] for one in results[:RESULTS_SHOWN]]
    return (
        "Results over all answers as the file states them, **claimed, not recomputed**.\n\n"
        + table(["claimed result", "value"], rows)
        + more(len(results), len(rows), "result", where)
    )


def _value(result: ClaimedResult) -> str:
    if isinstance(result.value, bool) or result.value is None:
        return {True: "true", False: "false", None: NOTHING}[result.value]
    return line(result.value) if isinstance(result.value, str) else number(result.value)
