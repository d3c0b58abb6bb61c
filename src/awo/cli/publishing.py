"""The command `publish`: to a data repository, object storage or a folder; and what was published before."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from awo import api
from awo.cli.places import key_options, named, project, runs_option, who
from awo.cli.printing import json_option, print_json, say, table
from awo.cli.scanning import scan_options, scanned_first
from awo.cli.sending import watching
from awo.errors import UsageError

if TYPE_CHECKING:
    from awo.evidence.publication import Arrival, Deposit
    from awo.publish.addenda import ReadAddendum
    from awo.publish.scan.findings import Scanned
    from awo.publish.sending import Sent
    from awo.publish.targets.opening import Wanted


@click.command()
@click.argument("target", metavar="TARGET", default="")
@click.argument("source", metavar="RUN", default="latest")
@click.option("--yes", "is_yes", is_flag=True, help="Make it public for good. Without it, the answer is a draft.")
@click.option("--sandbox", is_flag=True, help="With zenodo: its sandbox, whose DOIs lead nowhere.")
@click.option(
    "--api",
    "spoken",
    type=click.Choice(["records", "deposit"]),
    help="With zenodo and invenio: the API that the repository speaks (default: the first that it answers).",
)
@click.option(
    "--retain-until",
    metavar="DATE",
    default="",
    help="With s3: lock the files until then (2036-12-31, or a time in UTC like 2036-12-31T12:00:00Z).",
)
@click.option("--retain-days", type=int, metavar="N", help="With s3: lock the files for so many days.")
@click.option(
    "--retain-mode",
    type=click.Choice(["compliance", "governance"]),
    help="With s3: a lock that nobody can lift (default), or one that the bucket's owner can.",
)
@click.option("--list", "is_list", is_flag=True, help="Say where RUN was published, and check each signed addendum.")
@scan_options
@key_options
@runs_option
@json_option
def publish(
    target: str,
    source: str,
    is_yes: bool,
    sandbox: bool,
    spoken: Literal["records", "deposit"] | None,
    retain_until: str,
    retain_days: int | None,
    retain_mode: Literal["compliance", "governance"] | None,
    is_list: bool,
    waive: tuple[str, ...],
    key: Path | None,
    signer_id: str,
    runs: Path | None,
    *,
    no_scan: bool,
    as_json: bool,
) -> int:
    """Publish a sealed RUN at TARGET, with its report and its list of digests.

    TARGET is zenodo, invenio:https://HOST, s3://BUCKET/PREFIX, folder:PATH or a folder's path. RUN may be a bundle,
    for example a redacted one: it is sent as it is. A broken upload goes on with the same command. What cannot be taken
    back waits for --yes. A signed addendum with the address and the DOI is put beside the run.
    """
    from awo.publish.targets.opening import Wanted

    here = project(runs)
    if is_list:
        return _list(here, target or source, as_json=as_json)
    if not target:
        raise UsageError(
            "nothing says where to publish",
            expected="zenodo, invenio:https://HOST, s3://BUCKET/PREFIX, folder:PATH or a folder's path",
            hint="awo publish TARGET RUN",
        )
    wanted = Wanted(
        address=target,
        environment=os.environ,
        sandbox=sandbox,
        api=spoken or "",
        retain_until=retain_until,
        retain_days=retain_days,
        retain_mode=retain_mode or "",
    )
    job = api.publication(here, wanted, source)
    typed = _typed(key, signer_id, waive, no_scan=no_scan)
    done, scan = job.done_before(), None
    if done is None:
        again = _again(here, job, wanted, _typed(key, signer_id, waive))
        scan = scanned_first(here, job.package.path, again, waive, no_scan=no_scan)
        job.refuse_unverified()
        with watching(quiet=as_json) as watch:
            done = job.send(cache(lambda: who(here, key, signer_id)), watch, is_yes=is_yes)
    if as_json:
        print_json(_as_dict(job, done, scan))
    else:
        _say(job, done, _again(here, job, wanted, typed))
    return 0


def _typed(key: Path | None, signer_id: str | None, waive: Sequence[str], *, no_scan: bool = False) -> list[str]:
    """The options of this command that the next one needs again, as they were typed."""
    pairs = [("--key", str(key or "")), ("--as", signer_id or ""), *(("--waive", one) for one in waive)]
    return [f"{name} {shlex.quote(value)}" for name, value in pairs if value] + ["--no-scan"] * no_scan


def _again(here: api.Project, job: api.Publication, wanted: Wanted, typed: Sequence[str]) -> str:
    """The command that publishes this run there."""
    name = shlex.quote(str(job.package.path)) if job.package.is_bundle else named(here, job.package.path)
    options = [
        ("--sandbox", wanted.sandbox),
        (f"--api {wanted.api}", wanted.api),
        (f"--retain-until {shlex.quote(wanted.retain_until)}", wanted.retain_until),
        (f"--retain-days {wanted.retain_days}", wanted.retain_days is not None),
        (f"--retain-mode {wanted.retain_mode}", wanted.retain_mode),
    ]
    return " ".join(
        ["awo publish", shlex.quote(wanted.address), name, *(text for text, is_typed in options if is_typed), *typed]
    )


def _say(job: api.Publication, done: Sent, again: str) -> None:
    deposit = done.deposit
    if done.addendum is None:
        say(f"draft: {deposit.address}")
        say(*_files(deposit.arrivals))
        if deposit.doi:
            say(f"doi:   {deposit.doi} (reserved; it leads nowhere until the draft is published)")
        say(f"next:  look at the draft, then {again} --yes, which cannot be taken back")
        return
    say(f"{'published before' if done.is_old else 'published'}: {deposit.address}")
    say(*_files(deposit.arrivals))
    if deposit.doi:
        say(f"doi:      {deposit.doi}")
    say(f"addendum: {done.addendum}")


def _files(arrivals: list[Arrival]) -> list[str]:
    return [
        f"  {one.name}  {one.size_bytes} bytes, {one.checksum}"
        + (f", kept until {one.retained_until}" if one.retained_until else "")
        for one in arrivals
    ]


def _as_dict(job: api.Publication, done: Sent, scan: Scanned | None) -> dict[str, Any]:
    return {
        "run": job.package.run_id,
        **_deposit(done.deposit),
        "published": done.addendum is not None,
        "before": done.is_old,
        "addendum": "" if done.addendum is None else str(done.addendum),
        "scan": None if scan is None else scan.as_dict(),
    }


def _deposit(deposit: Deposit) -> dict[str, Any]:
    return {
        "kind": deposit.kind,
        "place": deposit.place,
        "phase": deposit.phase,
        "identifier": deposit.identifier,
        "address": deposit.address,
        "doi": deposit.doi,
        "bundle_sha256": deposit.bundle_sha256,
        "files": [_arrival(one) for one in deposit.arrivals],
    }


def _arrival(one: Arrival) -> dict[str, Any]:
    return {field: getattr(one, field) for field in one.__struct_fields__}


def _list(here: api.Project, name: str, *, as_json: bool) -> int:
    """Prints what is on record. 3 where an addendum does not hold."""
    found = api.published(here, name)
    code = 0 if found.is_sound else 3
    if as_json:
        print_json(
            {
                "run": found.run_id,
                "sound": found.is_sound,
                "addenda": [_addendum(one) for one in found.addenda],
                "drafts": [_deposit(one) for one in found.drafts],
                "exit_code": code,
            }
        )
        return code
    if not found.addenda and not found.drafts:
        say(f"{found.run_id}: nothing was published from here")
        return code
    rows = [_row(one, found.sealer_key) for one in found.addenda]
    rows += [("", one.kind, one.address or one.place, one.doi, one.at[:10], one.phase) for one in found.drafts]
    say(*table(rows, ("", "TO", "ADDRESS", "DOI", "ON", "")))
    say(*(f"{one.path.name}: {fault}" for one in found.addenda for fault in one.faults))
    return code


def _row(one: ReadAddendum, sealer_key: str) -> tuple[str, ...]:
    said = one.addendum
    if said is None or one.faults:
        return (one.path.stem, "", "", "", "", "DOES NOT HOLD")
    if one.is_trusted:
        why = "whom you trust"
    elif said.signer.key == sealer_key:
        why = "with the key that sealed the run"
    else:
        why = "whom no list here lets sign it"
    return (one.path.stem, said.kind, said.address, said.doi, said.at[:10], f"signed by {said.signer.id}, {why}")


def _addendum(one: ReadAddendum) -> dict[str, Any]:
    said = one.addendum
    facts: dict[str, Any] = {"path": str(one.path), "sha256": one.sha256, "faults": list(one.faults)}
    if said is None:
        return facts
    return facts | {
        "number": said.number,
        "kind": said.kind,
        "place": said.place,
        "identifier": said.identifier,
        "address": said.address,
        "doi": said.doi,
        "at": said.at,
        "signer": said.signer.id,
        "key": said.signer.key,
        "trusted": one.is_trusted,
        "files": [{"name": file.path, "sha256": file.sha256, "size_bytes": file.size_bytes} for file in said.files],
    }
