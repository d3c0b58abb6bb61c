"""Prints what a package withholds: how much of what, who said so and why. All of it is a stranger's text."""

from __future__ import annotations

import click

from awo.cli.printing import say
from awo.derive.phrases import count
from awo.verify.findings import plain
from awo.verify.withheld import RedactionSeen, WithheldKind

SHOWN = 20
ACTS = {"redaction": "redacted", "erasure": "erased"}


def print_redaction(redaction: RedactionSeen) -> None:
    """The record in force, for people, on stdout."""
    act = click.style(ACTS.get(redaction.act, redaction.act), fg="yellow", bold=True)
    in_part = f", {count(redaction.partial_files, 'file')} shown in part" if redaction.partial_files else ""
    click.echo(f"{act}: {redaction.amount} withheld{in_part}")
    said_by = f"by {plain(redaction.signer)} at {plain(redaction.at)}, record {redaction.number}"
    say(f"  {said_by}: {plain(redaction.reason)}")
    for one in redaction.kinds[:SHOWN]:
        say(f"  {_kind(one)}")
    if len(redaction.kinds) > SHOWN:
        say(f"  and {len(redaction.kinds) - SHOWN} kinds more")
    scanned = f"with {plain(redaction.scanned_by)}" if redaction.scanned_by else "by nobody, as far as the record says"
    waived = f"; {count(len(redaction.waivers), 'finding')} let pass" if redaction.waivers else ""
    say(f"  searched for secrets and personal data {scanned}{waived}")
    for waiver in redaction.waivers[:SHOWN]:
        say(f"    {plain(waiver.finding)} in {plain(waiver.where)}: {plain(waiver.reason)}")


def _kind(one: WithheldKind) -> str:
    named = ((one.files, "file"), (one.values, "value"), (one.lines, "line"))
    counts = ", ".join(count(number, word) for number, word in named if number)
    why = f" ({plain(one.reason)})" if one.reason else ""
    return f"{plain(one.kind) or 'of no kind'}{why}: {counts or 'nothing'}"
