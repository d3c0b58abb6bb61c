"""The commands on witnesses of the ledger: `ledger cosign`, `ledger witness`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from awo import api, plugins
from awo.canon.time import spell
from awo.cli.places import project, runs_option
from awo.cli.printing import json_option, note, print_error, print_json, say
from awo.errors import UsageError


@click.command()
@click.option("--witness", "url", metavar="URL", default="", help="The witness (default: those of awo.toml).")
@click.option(
    "--key", "vkeys", metavar="VKEY", multiple=True, help="A verifier key of the witness, as it prints it. Repeatable."
)
@click.option("--origin", metavar="ORIGIN", default="", help="Refuse to send the checkpoint of another ledger.")
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0.1, max=3600),
    default=api.WITNESS_TIMEOUT_S,
    metavar="SECONDS",
    help="How long one witness may take for each answer.",
)
@runs_option
@json_option
def cosign(
    url: str, vkeys: tuple[str, ...], origin: str, timeout_s: float, runs: Path | None, *, as_json: bool
) -> None:
    """Have witnesses cosign the newest checkpoint of the ledger, so that it can no longer be put back unseen."""
    if bool(url) != bool(vkeys):
        raise UsageError("--witness and --key go together", hint="--witness URL --key VKEY, or neither and awo.toml")
    here = project(runs)
    witnesses = [(url, vkey) for vkey in vkeys] or list(here.policy.witnesses)
    asked = api.ask_witnesses(here, witnesses, origin=origin, timeout_s=timeout_s)
    failed = api.worst_answer(asked)
    if as_json:
        rows = [_row(one) for one in asked]
        print_json({"witnesses": rows, "is_cosigned_by_all": failed is None} | (failed.as_dict() if failed else {}))
        if failed is not None:
            raise click.exceptions.Exit(failed.exit_code)
        return
    for one in asked:
        if one.cosigned is not None:
            names = ", ".join(one.cosigned.names)
            say(f"{one.server}: {names} cosigned the ledger at size {one.cosigned.size}.")
        elif one.error is not failed and one.error is not None:
            print_error(one.error, as_json=False)
    if failed is not None:
        raise failed


@click.command()
@click.option(
    "--state",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FOLDER",
    help="Where the witness remembers what it cosigned. Never restore an older copy of it.",
)
@click.option(
    "--key", type=click.Path(path_type=Path), required=True, help="The witness's private key; made when it is missing."
)
@click.option("--name", required=True, help="The name of the witness, like example.org/witness.")
@click.option(
    "--log",
    "logs",
    metavar="VKEY",
    multiple=True,
    required=True,
    help="The verifier key of a ledger to watch, or a file of them such as its runs/ledger/keys. Repeatable.",
)
@click.option("--listen", metavar="HOST:PORT", default="127.0.0.1:8190", show_default=True, help="Where to answer.")
@click.option("--ml-dsa", is_flag=True, help="Cosign with an ML-DSA-44 key too, kept in KEY.ml-dsa.")
@json_option
def witness(
    state: Path, key: Path, name: str, logs: tuple[str, ...], listen: str, *, ml_dsa: bool, as_json: bool
) -> None:
    """Run a witness for a team: it cosigns ledgers that only grow, until it is stopped (SIGTERM or Ctrl-C)."""
    serve = plugins.load(plugins.SERVERS, "witness", "server")
    signers = api.witness_signers(key, name, ml_dsa=ml_dsa)
    watched = api.watched_logs(logs)

    def listening(url: str) -> None:
        if as_json:
            origins = sorted({log.name for log in watched})
            print_json({"url": url, "keys": [str(signer.vkey) for signer in signers], "logs": origins})
            sys.stdout.flush()
            return
        say(f"listening on {url}")
        say(*(f"key: {signer.vkey}" for signer in signers))

    serve(state, signers, watched, listen, listening=listening, tell=note)


def _row(one: api.Asked) -> dict[str, object]:
    if one.cosigned is None:
        return {"server": one.server} | (one.error.as_dict() if one.error is not None else {})
    at = spell(round(one.cosigned.at.timestamp()) * 1_000_000)
    return {"server": one.server, "names": list(one.cosigned.names), "size": one.cosigned.size, "at": at}
