"""What else came out: checks, texts written, programs run, values of any other kind, and what failed."""

from __future__ import annotations

import msgspec

from awo.canon.json import pretty
from awo.derive.facts import RunFacts, StepFacts, StepStatus
from awo.derive.markdown import table
from awo.derive.phrases import count, size, times
from awo.derive.report.claims import CLAIMS
from awo.derive.report.judged import JUDGING
from awo.derive.report.reader import Reader
from awo.derive.report.scores import SCORING
from awo.derive.report.shown import (
    BLOCK_CHARACTERS,
    FAILURES_LISTED,
    ROWS_SHOWN,
    STEPS_DETAILED,
    any_value,
    done,
    in_detail,
    line,
    more,
    named,
    passage,
    prose,
    value_as,
    verbatim,
    word,
)
from awo.derive.report.statistics import STATISTICS
from awo.derive.report.votes import VOTING
from awo.evidence.layout import JOURNAL, OUTPUTS
from awo.evidence.received import RECEIVE

SHOWN_ELSEWHERE = (
    frozenset({"llm_map", "fanout_generate", "audit_gate", CLAIMS, RECEIVE, STATISTICS}) | SCORING | VOTING | JUDGING
)


class _Checked(msgspec.Struct, frozen=True):
    must_include: list[str]


class _Judged(msgspec.Struct, frozen=True):
    id: str
    source: str
    problems: list[str]


class _Claims(msgspec.Struct, frozen=True):
    claims: list[_Judged]


class _Written(msgspec.Struct, frozen=True):
    path: str
    size_bytes: int


class _Ran(msgspec.Struct, frozen=True):
    exit_code: int
    stdout_text: str = ""


def checks(facts: RunFacts, read: Reader) -> str:
    """Assertions and claims: what was tested, and whether it held."""
    said = []
    asserted = tuple(step for step in facts.steps if step.record.op == "assert_contains")
    if asserted:
        rows = [
            _assertion(step, read, is_read=number < STEPS_DETAILED) for number, step in enumerate(asserted[:ROWS_SHOWN])
        ]
        said.append(
            table(["step", "looks at", "must contain", "verdict"], rows)
            + more(len(asserted), len(rows), "assertion", word(f"{OUTPUTS}/"))
        )
    claimed = done(facts, "scope_validate")
    if claimed:
        said.append(in_detail(claimed, lambda step: _claims(step, facts, read), word(f"{OUTPUTS}/")))
    return "## Checks\n\n" + "\n".join(said) if said else ""


def texts_and_programs(facts: RunFacts, read: Reader) -> str:
    """Texts that steps wrote, programs that ran, and the results of steps of any other kind."""
    said = []
    written = done(facts, "write_text")
    if written:
        said.append("## Texts written\n")
        said.append(in_detail(written, lambda step: _written(step, read), word(f"{OUTPUTS}/")))
    ran = done(facts, "command")
    if ran:
        said.append("## Programs run\n")
        said.append(in_detail(ran, lambda step: _ran(step, read), word(f"{OUTPUTS}/")))
    known = SHOWN_ELSEWHERE | {"assert_contains", "scope_validate", "write_text", "command"}
    others = tuple(s for s in facts.steps if s.record.op not in known and s.status is StepStatus.DONE)
    if others:
        said.append("## Other results\n")
        said.append(in_detail(others, lambda step: any_value(step, read), word(f"{OUTPUTS}/")))
    return "\n".join(said)


def failures(facts: RunFacts) -> str:
    """Everything that did not go as planned: failures, retries, skips, lost or recovered calls, interruptions."""
    said = []
    failed = facts.with_status(StepStatus.FAILED)
    again = tuple(step for step in facts.steps if step.attempts > 1 and step.status is not StepStatus.FAILED)
    skipped = facts.with_status(StepStatus.SKIPPED)
    for title, found in (
        ("failed step", failed),
        ("step done after another attempt", again),
        ("skipped step", skipped),
    ):
        if found:
            rows = [_trouble(step) for step in found[:FAILURES_LISTED]]
            said.append(
                table([title, "attempts", "reason", "in words"], rows)
                + more(len(found), len(rows), "step", named(JOURNAL))
            )
    said += [text for text in (_calls(facts), _limits(facts), _interruptions(facts)) if text]
    return "## Stops, failures and retries\n\n" + "\n".join(said) if said else ""


def _assertion(step: StepFacts, read: Reader, *, is_read: bool) -> list[str]:
    args = step.record.arguments()
    wanted = args.get("must_include")
    texts = [one for one in wanted if isinstance(one, str)] if isinstance(wanted, list) else []
    verdict = "not checked"
    if step.status is StepStatus.DONE:
        checked = value_as(step, read, _Checked) if is_read else None
        texts = checked.must_include if checked else texts
        verdict = "passed"
    elif step.status is StepStatus.FAILED:
        verdict = f"**failed**: {line(step.reason.message)}" if step.reason else "**failed**"
    looks_at = f"{args.get('from_step', '')}.{args.get('field', 'consensus_text')}"
    shown = ", ".join(word(text) for text in texts[:10]) + (", …" if len(texts) > 10 else "")
    return [word(step.record.id), word(looks_at), shown, verdict]


def _claims(step: StepFacts, facts: RunFacts, read: Reader) -> str:
    value = value_as(step, read, _Claims)
    if value is None:
        return any_value(step, read)
    rows = [
        [
            word(claim.id) or "*(no id)*",
            line(claim.source) or "the workflow",
            "can be tested" if not claim.problems else "**cannot**: " + line("; ".join(claim.problems)),
        ]
        for claim in value.claims[:ROWS_SHOWN]
    ]
    return (
        f"Claims of {word(step.record.id)}, and whether each says how it could be proved false "
        "(this does not say that it is true):\n\n"
        + table(["claim", "stands in", "verdict"], rows)
        + more(len(value.claims), len(rows), "claim", named(step.value.path) if step.value else "")
        + "".join(_claim_texts(step, value, facts))
    )


def _claim_texts(step: StepFacts, value: _Claims, facts: RunFacts) -> list[str]:
    """The claims in their own words: from the workflow, or from the files that it read."""
    inside = step.record.arguments().get("claim")
    if isinstance(inside, dict):
        return [f"\n{verbatim(pretty(inside).decode())}"]
    sources = {claim.source for claim in value.claims}
    files = [file for file in facts.input.files if file.path in sources and file.encoding == "utf-8"]
    return [f"\n{word(file.path)}:\n\n{verbatim(file.content)}" for file in files[:5]]


def _written(step: StepFacts, read: Reader) -> str:
    value = value_as(step, read, _Written)
    if value is None or value.path not in {file.path for file in step.files}:
        return any_value(step, read)
    text = read.head(value.path, 4 * BLOCK_CHARACTERS)
    return f"{named(value.path)} ({size(value.size_bytes)}), written by {word(step.record.id)}:\n\n{prose(text)}"


def _ran(step: StepFacts, read: Reader) -> str:
    value = value_as(step, read, _Ran)
    if value is None:
        return any_value(step, read)
    args = step.record.arguments()
    words = args.get("argv")
    typed = " ".join(str(word) for word in words) if isinstance(words, list) else str(args.get("shell", ""))
    rows = [[named(file.path), size(file.size_bytes)] for file in step.files[:ROWS_SHOWN]]
    parts = [
        f"### {word(step.record.id)}\n",
        f"Exit code {value.exit_code}. As the workflow has it:\n\n{verbatim(typed)}",
    ]
    if value.stdout_text.strip():
        parts.append(f"It printed:\n\n{verbatim(value.stdout_text)}")
    if rows:
        parts.append(
            table(["file it left", "size"], rows) + more(len(step.files), len(rows), "file", word(f"{OUTPUTS}/"))
        )
    return "\n".join(parts)


def _trouble(step: StepFacts) -> list[str]:
    reason = step.reason
    return [
        word(step.record.id),
        str(step.attempts) if step.attempts else "",
        word(reason.code) if reason else "",
        passage(reason.message) if reason else "",
    ]


def _calls(facts: RunFacts) -> str:
    calls = facts.calls
    said = []
    if calls.failed:
        said.append(_codes(facts))
        rows = [
            [word(one.step), word(one.call), word(one.reason.code), line(one.reason.message)]
            for one in facts.failed_calls[:FAILURES_LISTED]
        ]
        said.append(
            table(["step", "call that failed", "reason", "in words"], rows)
            + more(calls.failed, len(rows), "failed call", named(JOURNAL))
        )
    if calls.unknown:
        said.append(
            f"The outcome of {count(calls.unknown, 'call')} is not known: the process ended between the question and "
            "the answer. A model may have answered, and been paid, without its answer being here.\n"
        )
    if calls.recovered:
        said.append(
            f"{count(calls.recovered, 'answer')} had reached the disk when the process ended without having been "
            "entered in the journal; the next process found and entered them.\n"
        )
    return "\n".join(said)


def _codes(facts: RunFacts) -> str:
    codes = sorted(facts.failures_by_code.items(), key=lambda one: (-one[1], one[0]))
    said = f"{count(facts.calls.failed, 'call')} failed: "
    said += ", ".join(f"{number:,} {word(code)}" for code, number in codes[:10]) + (", …" if len(codes) > 10 else "")
    again = facts.calls.retried
    return said + f"; {again:,} {'was' if again == 1 else 'were'} a request's second sending or later.\n"


def _limits(facts: RunFacts) -> str:
    """How fast models could be asked."""
    if not facts.limits:
        return ""
    rows = [
        [
            word(name),
            f"{limit.changes:,}",
            f"{limit.lowest:,}",
            f"{limit.last.in_flight:,}",
            line(limit.last.reason.message),
        ]
        for name, limit in list(facts.limits.items())[:FAILURES_LISTED]
    ]
    header = ["calls at once to", "changes", "least", "at last", "the last change"]
    return table(header, rows) + more(len(facts.limits), len(rows), "model", named(JOURNAL))


def _interruptions(facts: RunFacts) -> str:
    said = []
    if facts.resumes:
        said.append(f"A new process took the run up again {times(len(facts.resumes))}.\n")
    if facts.interruptions:
        said.append(f"A signal stopped it in order {times(len(facts.interruptions))}.\n")
    if facts.tail_cuts:
        rows = [[word(cut.path), size(cut.cut_bytes)] for cut in facts.tail_cuts[:FAILURES_LISTED]]
        said.append(
            "Bytes of an unfinished last line were cut when the run was taken up again:\n\n"
            + table(["file", "cut"], rows)
            + more(len(facts.tail_cuts), len(rows), "cut", named(JOURNAL))
        )
    return "\n".join(said)
