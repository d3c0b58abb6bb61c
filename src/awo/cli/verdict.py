"""Prints what `verify` found: the verdict first, then each check, loudly what is wrong or unknown."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

import click

from awo.cli.printing import harmless, say
from awo.cli.withheld import print_redaction
from awo.derive.phrases import count
from awo.evidence.layout import INPUT
from awo.verify.checks import NOT_BUILT
from awo.verify.clone import CloneCompared
from awo.verify.findings import Finding, Verdict
from awo.verify.report import CheckResult, Report, verdict_for

MARKS: dict[Verdict, tuple[str, str]] = {
    "passed": ("ok", "green"),
    "failed": ("WRONG", "red"),
    "not_checked": ("not checked", "yellow"),
}
WORDS = {
    "passed": ("verified", "green"),
    "failed": ("does NOT verify", "red"),
    "incomplete": ("could not be checked in full", "yellow"),
}
SHOWN = 10
WITHHELD = "withheld"


def print_verdict(report: Report, require: frozenset[str]) -> None:
    """The report for people, on stdout."""
    overall = verdict_for(report, require)
    words, colour = WORDS[overall]
    left_open = [click.style(chapter, fg="yellow") for chapter in unchecked_chapters(report) if overall == "passed"]
    name = harmless(report.run_id or report.source)
    ended = f" ({harmless(report.outcome)})" if report.outcome else ""
    click.echo(f"{name}: {', '.join([click.style(words, fg=colour, bold=True), *left_open])}{ended}")
    say(f"  {about_proof(report) if report.kind == 'proof' else _counted(report.counts)}")
    if report.redaction is not None:
        print_redaction(report.redaction)
    chapter = ""
    for result, following in zip_longest(report.checks, report.checks[1:]):
        if result.check.chapter != chapter:
            chapter = result.check.chapter
            say(f"{chapter}:")
        _print_check(result, is_said_below=_is_said_again(result, following))
    if report.clone is not None:
        _print_clone(report.clone)
    for note in report.notes:
        click.echo(click.style("note", fg="yellow", bold=True) + f": {harmless(note)}")
    say("what this means:")
    for what, text in report.meaning.items():
        say(f"  {what}: {text}")
    say(*(f"next: {hint}" for hint in hints_of(report)))


def about_proof(report: Report) -> str:
    """What a proof is about, in a line."""
    proved, events = report.proved, count(report.counts["events"], "event")
    if "first" in proved:
        about = f"a proof that the sealed journal of {events} begins with an earlier one of {proved['first']['size']}"
    elif "path" in proved:
        about = f"a proof of line {proved['line']} (from 0) of {proved['path']}, event {proved['event']} of {events}"
    elif "event" in proved:
        about = f"a proof of event {proved['event']} (from 0) of {events}"
    else:
        about = "no proof that can be read"
    return f"{about}, {count(report.counts['bytes'], 'byte')}"


def _counted(counts: dict[str, int]) -> str:
    return (
        f"{count(counts['files'], 'file')}, {count(counts['bytes'], 'byte')}, {count(counts['events'], 'event')}, "
        f"{count(counts['responses'], 'response')}, {count(counts['decisions'], 'decision')}"
    )


def unchecked_chapters(report: Report) -> list[str]:
    """`derivation not checked` for each chapter of which nothing could be checked, else `not checked in full`; with
    `withheld` instead where only a redaction keeps checks from being made.

    It stands behind the verdict, so that nobody takes `verified` for more than it is. A check for which nothing is
    there (a time stamp that nobody asked for) is not named.
    """
    verdicts: dict[str, set[str]] = {}
    for result in report.checks:
        if result.check.id not in NOT_BUILT and not _has_no_subject(result):
            word = WITHHELD if result.is_withheld else result.verdict
            verdicts.setdefault(result.check.chapter, set()).add(word)
    said = []
    for chapter, found in verdicts.items():
        is_all = "passed" not in found and "failed" not in found
        if "not_checked" in found:
            said.append(f"{chapter} not checked{'' if is_all else ' in full'}")
        elif WITHHELD in found:
            said.append(f"{chapter} withheld{'' if is_all else ' in part'}")
    return said


def _has_no_subject(result: CheckResult) -> bool:
    """Whether a check was not made since there is nothing that it is about: what it says names no place."""
    return result.verdict == "not_checked" and not any(finding.where for finding in result.findings)


def hints_of(report: Report) -> list[str]:
    """What would let more be checked, each once."""
    found = [finding.hint for result in report.checks for finding in result.findings]
    found += [finding.hint for finding in report.clone.findings] if report.clone is not None else []
    return [hint for hint in dict.fromkeys(found) if hint]


def _is_said_again(result: CheckResult, following: CheckResult | None) -> bool:
    """Whether the next check of the chapter could not be made for the very same reasons."""
    return (
        following is not None
        and result.verdict == following.verdict == "not_checked"
        and result.check.chapter == following.check.chapter
        and result.findings == following.findings
    )


def _print_check(result: CheckResult, *, is_said_below: bool) -> None:
    word, colour = (WITHHELD, "yellow") if result.is_withheld else MARKS[result.verdict]
    against = ", ".join(result.check.holds_against)
    click.echo(
        f"  {result.check.id}  {click.style(f'{word:11}', fg=colour)}  {result.check.title} [against: {against}]"
    )
    if is_said_below:
        return
    _print_findings(result.findings, result.left_out)
    if result.findings and result.check.without_it:
        say(f"         without this check, {result.check.without_it}")


def _print_clone(seen: CloneCompared) -> None:
    """What a clone of the repository has to say: no check of the package, so it stands after them."""
    word, colour = MARKS[seen.verdict]
    say("beyond the package:")
    what = f"The clone ({harmless(seen.name)}) agrees with the run's commit {seen.commit[:12] or '(none)'}"
    click.echo(f"  clone   {click.style(f'{word:11}', fg=colour)}  {what}")
    if seen.files:
        say(f"         {count(seen.files, 'file')} that the run read, the same in the commit")
    for commit in seen.holds_input:
        say(f"         commit {commit} holds the same {INPUT}")
    _print_findings(seen.findings, seen.left_out)
    say(*(f"         {note}" for note in seen.notes))


def _print_findings(findings: Sequence[Finding], left_out: int) -> None:
    for finding in findings[:SHOWN]:
        said = ", ".join(
            f"{label} {text}" for label, text in (("expected", finding.expected), ("got", finding.got)) if text
        )
        where = f"{finding.where}: " if finding.where else ""
        say(f"         {where}{finding.what}{f' ({said})' if said else ''}")
    more = len(findings) - SHOWN + left_out
    if more > 0:
        say(f"         and {more} more")
