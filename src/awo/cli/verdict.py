"""Prints what `verify` found: the verdict first, then each check, loudly what is wrong or unknown."""

from __future__ import annotations

import click

from awo.cli.printing import harmless, say
from awo.verify.findings import Verdict
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


def print_verdict(report: Report, require: frozenset[str]) -> None:
    """The report for people, on stdout."""
    words, colour = WORDS[verdict_for(report, require)]
    name = harmless(report.run_id or report.source)
    click.echo(f"{name}: {click.style(words, fg=colour, bold=True)}")
    counts = report.counts
    say(
        f"  {counts['files']} files, {counts['bytes']} bytes, {counts['events']} events, "
        f"{counts['responses']} responses, {counts['decisions']} decisions"
    )
    chapter = ""
    for result in report.checks:
        if result.check.chapter != chapter:
            chapter = result.check.chapter
            say(f"{chapter}:")
        _print_check(result)
    for note in report.notes:
        click.echo(click.style("note", fg="yellow", bold=True) + f": {harmless(note)}")
    say("what this means:")
    for what, text in report.meaning.items():
        say(f"  {what}: {text}")


def _print_check(result: CheckResult) -> None:
    word, colour = MARKS[result.verdict]
    against = ", ".join(result.check.holds_against)
    click.echo(
        f"  {result.check.id}  {click.style(f'{word:11}', fg=colour)}  {result.check.title} [against: {against}]"
    )
    for finding in result.findings[:SHOWN]:
        said = ", ".join(
            f"{label} {text}" for label, text in (("expected", finding.expected), ("got", finding.got)) if text
        )
        where = f"{finding.where}: " if finding.where else ""
        say(f"         {where}{finding.what}{f' ({said})' if said else ''}")
    more = len(result.findings) - SHOWN + result.left_out
    if more > 0:
        say(f"         and {more} more")
