"""The commands `redact` and `open-redaction`: publish a run with texts withheld, and check originals against it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from awo import api
from awo.cli.places import key_options, project, run_argument, runs_option, who
from awo.cli.printing import json_option, note, print_json, say, table
from awo.cli.scanning import say_scanned, scan_options
from awo.derive.phrases import count

if TYPE_CHECKING:
    from awo.evidence.redaction import Waiver
    from awo.publish.redacted import Redacted, Scan
    from awo.verify.source import Found
    from awo.withhold.opening import Opened, Openings

MOST_LISTED = 10


@click.command()
@run_argument
@click.option(
    "--policy",
    type=click.Path(path_type=Path),
    required=True,
    help="What may be seen: a file of YAML or JSON, as docs/redaction.md says. The rest is withheld.",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="The bundle (default: RUN.redacted.tar.gz beside the run)."
)
@click.option("--reason", metavar="TEXT", default="", help="Why texts are withheld (default: `reason` of the policy).")
@click.option("--dry-run", is_flag=True, help="Print what would be shown and withheld; write nothing.")
@scan_options
@key_options
@runs_option
@json_option
def redact(
    run_name: str,
    policy: Path,
    output: Path | None,
    reason: str,
    dry_run: bool,
    waive: tuple[str, ...],
    key: Path | None,
    signer_id: str,
    runs: Path | None,
    *,
    no_scan: bool,
    as_json: bool,
) -> None:
    """Publish a sealed RUN with texts withheld: a bundle that still verifies and shows what the policy names.

    RUN may be a bundle too, and may be redacted already. The run itself is not changed. What would be published is
    first searched for secrets and personal data, where `awo[scan]` is installed; what is found stops the redaction.
    """
    here = project(runs)
    source = api.package(here, run_name)
    if dry_run:
        done = api.preview_redaction(source, policy)
    else:
        out = output or source.parent / f"{source.name.removesuffix('.tar.gz')}.redacted.tar.gz"
        again = f"awo redact {shlex.quote(run_name)} --policy {shlex.quote(str(policy))}"
        scan = _scan(here, again, waive, no_scan=no_scan)
        done = api.redact(source, policy, out, who(here, key, signer_id), reason=reason, scan=scan)
    for name in done.missing:
        note(f"note: the policy names {name}, which this run does not have")
    for pattern in done.idle:
        note(f"warning: this fits nothing in the run: {pattern}")
    if as_json:
        print_json(_as_dict(done))
        return
    _say_summary(done)
    if done.bundle is None:
        say("nothing was written (--dry-run)")
        return
    place = shlex.quote(str(done.bundle.path))
    say(f"bundle: {done.bundle.path}", f"sha256: {done.bundle.sha256}", f"next: awo verify {place}")


def _scan(here: api.Project, again: str, waive: Sequence[str], *, no_scan: bool) -> Scan | None:
    """What looks through the files that would be published; None where nothing does, which is then said."""
    from awo.publish.scan.findings import read_waivers
    from awo.publish.scan.scanner import scan_files

    waivers = [*read_waivers(waive), *here.policy.waivers]
    cure = api.how_to_scan()
    if no_scan or cure:
        note(f"note: not scanned for secrets and personal data{', as --no-scan asks' if no_scan else f': {cure}'}")
        return None

    def look(files: Iterable[Found]) -> tuple[str, Sequence[Waiver]]:
        done = scan_files(files, waivers)
        done.refuse_findings(again)
        say_scanned(done, len(waive))
        return done.scanned_by, done.waivers

    return look


def _as_dict(done: Redacted) -> dict[str, Any]:
    bundle, record = done.bundle, done.record
    written = {"bundle": "", "sha256": "", "size_bytes": 0, "tar_sha256": "", "record": 0, "reason": ""}
    if bundle is not None and record is not None:
        written = {
            "bundle": str(bundle.path),
            "sha256": bundle.sha256,
            "size_bytes": bundle.size_bytes,
            "tar_sha256": bundle.tar_sha256,
            "record": record.number,
            "reason": record.reason,
        }
    return {"run": done.run_id} | written | done.summary.as_dict() | {"missing": [*done.missing], "idle": [*done.idle]}


def _say_summary(done: Redacted) -> None:
    rows = [
        (kind.name, str(kind.shown), str(kind.partial), str(kind.withheld), str(kind.parts_withheld))
        for kind in done.summary.kinds
    ]
    say(f"{done.run_id}: what of it is shown, by kinds of files")
    say(*table(rows, ("", "shown", "in part", "withheld", "values, lines or files withheld")))
    if names := done.summary.quoting:
        note(f"warning: shown whole, and reports quote prompts and answers: {_some(names)}")
    if names := done.summary.keys_shown:
        say(f"the names of all keys show in {_some(names)}")
    if names := done.summary.guessable:
        digests = "its digest" if len(names) == 1 else "their digests"
        say(f"{count(len(names), 'short file')} could be guessed from {digests}: {_some(names)}")
    if names := done.summary.nearly_shown:
        say(f"a guess at all that is missing can be checked where a file is shown in part: {_some(names)}")
    if done.summary.asked:
        say(
            "a guess at a prompt, word for word, can be checked: the journal has request_sha256 of each, without a salt"
        )


def _some(names: Sequence[str]) -> str:
    more = f", and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else ""
    return ", ".join(names[:MOST_LISTED]) + more


@click.command("open-redaction")
@click.argument("bundle", metavar="BUNDLE")
@click.argument("originals", metavar="ORIGINAL...", nargs=-1, required=True)
@runs_option
@json_option
def open_redaction(bundle: str, originals: tuple[str, ...], runs: Path | None, *, as_json: bool) -> int:
    """Check originals that you were given against a redacted BUNDLE: are they what was withheld?

    An ORIGINAL is a file, the full run as a folder or a bundle, or PATH=FILE, where PATH says which file of the run it
    is. With the run's audit/disclosure.key single lines and values are compared. Ends with 0 when all that was given
    matches, 3 when something does not, 7 when something could not be compared.
    """
    opened = api.open_redaction(api.package(project(runs), bundle), originals)
    if as_json:
        print_json(opened.as_dict() | {"exit_code": opened.exit_code})
    else:
        _say_opened(opened)
    return opened.exit_code


def _say_opened(opened: Openings) -> None:
    for row in opened.rows:
        if row.result != "withheld":
            _say_row(row)
    left = [row.path for row in opened.rows if row.result == "withheld"]
    for name in opened.unknown:
        say(f"could not be compared: {name} is no file of this run by its digest, place or name")
    if left:
        say(f"still withheld: {count(len(left), 'file')}: {_some(left)}")
    words = {
        0: "all that was given is what was sealed and withheld",
        3: "something that was given is not what was sealed",
        7: "something could not be compared",
    }
    say(f"{opened.run_id}: {words[opened.exit_code]}")


def _say_row(row: Opened) -> None:
    words = {"matches": "matches", "in part": "matches in part", "differs": "DOES NOT MATCH", "withheld": ""}
    said = f" ({row.said})" if row.said else ""
    say(f"{words[row.result]}: {row.path}{said}, by {row.given}")
    for one in row.differences:
        say(f"  {one.where}: {one.what}")
        if one.expected or one.got:
            say(f"    expected {one.expected or 'nothing'}", f"    got      {one.got or 'nothing'}")
