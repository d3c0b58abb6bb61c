"""Looks for secrets and personal data: the command `scan`, and what `export` and `redact` do before they publish."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from awo import api
from awo.cli.places import named, project, runs_option
from awo.cli.printing import json_option, note, print_json, say
from awo.derive.phrases import count

if TYPE_CHECKING:
    from awo.publish.scan.findings import Scanned

F = TypeVar("F", bound=Callable[..., Any])

waive_option = click.option(
    "--waive",
    multiple=True,
    metavar="ID=REASON",
    help="Let this finding of the scan pass, and say why; may be repeated. Also [scan] in awo.toml.",
)


def scan_options(command: F) -> F:
    """Adds --waive and --no-scan."""
    command = click.option(
        "--no-scan", is_flag=True, help="Do not look for secrets and personal data first. It is said in the output."
    )(command)
    return waive_option(command)


def scanned_first(
    here: api.Project,
    path: Path,
    again: str,
    waive: Sequence[str],
    *,
    no_scan: bool,
    parts: Sequence[str] = (),
) -> Scanned | None:
    """How the scan went, or None where there was none, which is then said on stderr. `again` is the command.

    Raises `ScanFindings` for findings that nobody let pass.
    """
    if not _can_scan(no_scan=no_scan):
        return None
    from awo.publish.scan.findings import read_waivers

    waivers = [*read_waivers(waive), *here.policy.waivers]
    done = api.scan(path, waivers, parts)
    done.refuse_findings(again)
    say_scanned(done, len(waive))
    return done


def _can_scan(*, no_scan: bool) -> bool:
    """Whether to scan; says so on stderr where not."""
    if no_scan:
        note("note: NOT SCANNED for secrets and personal data, as --no-scan asks")
        return False
    if cure := api.how_to_scan():
        note(f"note: NOT SCANNED for secrets and personal data; next: {cure}")
        return False
    return True


def say_scanned(done: Scanned, given: int = 0) -> None:
    """Says on stderr what was let pass, what was not looked into, and which of the `given` waivers did nothing."""
    for waiver in done.waivers:
        note(f"waived: {waiver.finding} at {waiver.where or 'any place'}: {waiver.reason}")
    for waiver in done.unused[:given]:
        note(f"note: --waive {waiver.finding} names no finding")
    if done.binaries:
        some = ", ".join(done.binaries[:3]) + (", …" if len(done.binaries) > 3 else "")
        note(f"note: {count(len(done.binaries), 'file')} not scanned, being no text: {some}")


@click.command()
@click.argument("path", metavar="PATH", default="latest")
@waive_option
@runs_option
@json_option
def scan(path: str, waive: tuple[str, ...], runs: Path | None, *, as_json: bool) -> int:
    """Look for secrets and personal data in a run folder or a bundle. Changes nothing, needs no network.

    PATH is a run's id, a folder, a .tar.gz or `latest`. Ends with 0 when nothing stands against publishing it, 2 when
    `awo export` would refuse, 7 when nothing could be scanned.
    """
    from awo.publish.scan.findings import read_waivers

    here = project(runs)
    place = Path(path)
    if not place.exists():
        place = api.find_run(here, path).resolve()
    done = api.scan(place, [*read_waivers(waive), *here.policy.waivers])
    if as_json:
        print_json({"run": place.name} | done.as_dict())
        return 2 if done.findings else 0
    say_scanned(done, len(waive))
    done.refuse_findings(f"awo export {named(here, place) if place.is_dir() else 'RUN'}")
    say(f"{place.name}: nothing found in {count(done.files, 'file')}, {count(len(done.waived), 'finding')} waived")
    if done.signers:
        say(f"it names {count(done.signers, 'person', 'people')} who started or signed, by their e-mail addresses")
    say(f"scanned by {done.scanned_by}")
    return 0
