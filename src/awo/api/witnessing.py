"""Witnesses of a project's ledger: asked for their cosignatures, and the keys of one that is run here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from awo.api.ledgers import ledger_of
from awo.api.projects import Project
from awo.errors import AwoError, UsageError

if TYPE_CHECKING:
    from awo.ledger.log import Ledger
    from awo.publish.witnesses import Cosigned
    from awo.sign.note import VerifierKey
    from awo.sign.note_keys import NoteSigner

WITNESS_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of asking one witness: `cosigned`, or the `error` that says why not. `server` is its address."""

    server: str
    cosigned: Cosigned | None
    error: AwoError | None


def ask_witnesses(
    project: Project,
    witnesses: Sequence[tuple[str, str]],
    *,
    origin: str = "",
    timeout_s: float = WITNESS_TIMEOUT_S,
) -> list[Asked]:
    """Has each witness, a URL and its verifier key, cosign the newest checkpoint of the ledger; one after another.

    Rows with the same URL are one witness with several keys. What one of them cannot or will not do is kept as its
    error, and the others are asked all the same. Raises `UsageError` for no witness, a bad URL or a bad key, a ledger
    without entries or that is turned off, and one of another origin than `origin`, where that is given.
    """
    from awo.publish.post import check_url, shown
    from awo.publish.witnesses import WitnessAt, cosign
    from awo.sign.note import VerifierKey

    keys: dict[str, tuple[VerifierKey, ...]] = {}
    for url, vkey in witnesses:
        check_url(url)
        key = VerifierKey.parse(vkey, where=f"the key of {shown(url)}")
        keys[url] = (*keys.get(url, ()), key)
    if not keys:
        raise UsageError(
            "no witness is named",
            hint="--witness URL --key VKEY, or in awo.toml: [ledger] witnesses = [{ url = ..., key = ... }]",
        )
    ledger = ledger_of(project)
    if ledger is None:
        raise UsageError("awo.toml turns the ledger off", hint="[ledger] enabled = true, or leave it out")
    _refuse_other(ledger, origin)
    asked = []
    for url, own in keys.items():
        try:
            asked.append(Asked(shown(url), cosign(ledger, WitnessAt(url, own), timeout_s=timeout_s), None))
        except AwoError as error:
            asked.append(Asked(shown(url), None, error))
    return asked


def worst_answer(asked: Sequence[Asked]) -> AwoError | None:
    """The error that ends the command: a contradiction before a witness that could not be reached; None for none."""
    errors = [one.error for one in asked if one.error is not None]
    return min(errors, key=lambda error: error.exit_code, default=None)


def _refuse_other(ledger: Ledger, origin: str) -> None:
    signed = ledger.reader().signed
    if signed is None:
        raise UsageError("there is no ledger here yet", where=str(ledger.folder), hint="it is made with the first run")
    if origin not in ("", signed.state.origin):
        raise UsageError(
            "this is another ledger", where=str(ledger.folder), expected=ascii(origin)[1:-1], got=signed.state.origin
        )


def witness_signers(key: Path, name: str, *, ml_dsa: bool) -> list[NoteSigner]:
    """The keys of a witness called `name`: Ed25519 in the file `key`, and with `ml_dsa` ML-DSA-44 in `key`.ml-dsa.

    They are made when they are not there. Raises `UsageError` and `CannotCheck`.
    """
    from awo.sign.note_keys import cosigner, make_note_key_once

    signers: list[NoteSigner] = [cosigner(name, make_note_key_once(key))]
    if ml_dsa:
        beside = key.with_name(f"{key.name}.ml-dsa")
        signers.append(cosigner(name, make_note_key_once(beside, algorithm="ml-dsa-44")))
    return signers


def watched_logs(named: Sequence[str]) -> list[VerifierKey]:
    """The keys of the logs that a witness watches. Each of `named` is a verifier key, or a file with one in each line.

    Raises `UsageError` for anything else, and for none.
    """
    from awo.ledger.reader import read_keys
    from awo.sign.note import VerifierKey

    keys: list[VerifierKey] = []
    for one in named:
        if one.count("+") >= 2:
            keys.append(VerifierKey.parse(one, where="--log"))
            continue
        try:
            keys += read_keys(Path(one).read_text(encoding="utf-8"), one)
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                "this is neither a verifier key nor a file of them",
                where="--log",
                expected="the line in runs/ledger/keys of the project, or that file",
                got=ascii(one)[:100],
            ) from error
    if not keys:
        raise UsageError("a witness must watch one log at least", where="--log")
    return list(dict.fromkeys(keys))
