"""Whose keys act: made, enrolled, opened."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING

from awo.api.projects import Project
from awo.errors import DiskTrouble, UsageError
from awo.evidence.records import NOBODY

if TYPE_CHECKING:  # what a command does not use is not loaded: `awo verify` knows nothing of the engine
    from awo.evidence.events import Starter
    from awo.sign.seam import AskPassphrase, Signer
    from awo.sign.signer_line import SignerLine
    from awo.sign.sshkeys import PublicKey


OWN_KEY_ID = NOBODY


@dataclass(frozen=True, slots=True)
class Identity:
    """Who acts: an id as allowed_signers writes it, and a key that is ready to sign."""

    id: str
    signer: Signer

    def as_starter(self) -> Starter:
        from awo.evidence.events import Starter

        return Starter(id=self.id, key=self.signer.key.fingerprint)


def keys_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where keys that AWO makes are kept, outside every project."""
    config = environment.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(config) / "awo" / "keys"


def new_key(key_id: str, out: Path | None, passphrase: str) -> tuple[Path, PublicKey]:
    """A new Ed25519 key pair at `out` (by default in `keys_folder()`); never overwrites."""
    from awo.sign.make_key import make_key

    path = out or keys_folder() / key_id.replace("/", "_")
    return path, make_key(path, comment=key_id, passphrase=passphrase)


def enrol(
    project: Project, reviewer: str, public_key: Path, *, first: date | None = None, last: date | None = None
) -> str:
    """Adds a reviewer's key to the project's reviewers/allowed_signers; gives the line.

    The key may sign from the beginning of the day `first` to the end of the day `last`, in UTC; None for no bound.
    Raises `UsageError`, also where the key is enrolled for some of that time already, or `DiskTrouble`.
    """
    from awo.sign.allowed_signers import line_for
    from awo.sign.namespaces import ADDENDUM, DECISION, REDACTION, SEAL
    from awo.sign.patterns import matches

    key = _read_public_key(public_key)
    start = datetime.combine(first, time.min, UTC) if first else None
    end = datetime.combine(last, time(23, 59, 59), UTC) if last else None
    if start and end and end < start:
        raise UsageError(
            "a key cannot end before it begins", where="--until", expected=f"{first} or later", got=str(last)
        )
    line = line_for(reviewer, key, [DECISION, SEAL, REDACTION, ADDENDUM], valid_after=start, valid_before=end)
    known = project.reviewers()
    for other in known.lines if known is not None else ():
        if other.key == key and matches(reviewer, other.principals) and _meet(other, start, end):
            raise UsageError(
                f"{reviewer} is enrolled with this key already",
                where=f"{project.reviewers_file}:{other.number}",
                hint="change the times of that line, or take it away; old decisions keep the lines of their time",
            )
    try:
        project.reviewers_file.parent.mkdir(exist_ok=True)
        before = project.reviewers_file.read_text(encoding="utf-8") if known is not None else ""
        with project.reviewers_file.open("a", encoding="utf-8") as lines:
            lines.write(line + "\n" if before[-1:] in ("", "\n") else f"\n{line}\n")
    except OSError as error:
        where = str(project.reviewers_file)
        raise DiskTrouble("the list of reviewers cannot be written", where=where, got=str(error.strerror)) from error
    return line


def enrolled_alike(project: Project, reviewer: str, public_key: Path) -> list[str]:
    """The other ids of the project that have this very key, or look like `reviewer`: AWO takes them for one person,
    and refuses the second of them at a gate."""
    from awo.gate.names import skeleton

    known, key = project.reviewers(), key_beside(public_key)
    found = [
        name
        for line in (known.lines if known is not None else ())
        for name in line.principals
        if name != reviewer and (line.key == key or skeleton(name) == skeleton(reviewer))
    ]
    return list(dict.fromkeys(found))


def _meet(line: SignerLine, start: datetime | None, end: datetime | None) -> bool:
    """Whether the time of a line and the one from `start` to `end`, both ends included, have a moment in common."""
    is_before = line.valid_before is not None and start is not None and line.valid_before < start
    is_after = line.valid_after is not None and end is not None and line.valid_after > end
    return not is_before and not is_after


def identity(project: Project, key: Path | None, signer_id: str, passphrase: AskPassphrase) -> Identity:
    """Who runs and seals: the key at `key`, else a key of this machine that is made when first needed.

    Without `signer_id` the id is the one that reviewers/allowed_signers gives the key, else the
    key's comment. Raises `UsageError` or `CannotCheck`.
    """
    from awo.sign.make_key import make_key_once
    from awo.sign.open import open_signer
    from awo.sign.patterns import why_not_a_principal

    path = key
    if path is None:
        path = keys_folder() / OWN_KEY_ID
        make_key_once(path, comment=OWN_KEY_ID)
    signer = open_signer(path, passphrase)
    found = signer_id
    if not found:
        reviewers = project.reviewers()
        known = reviewers.principals_of(signer.key) if reviewers else ()
        found = known[0] if known else signer.key.comment or _comment_beside(path)
    if not found:
        raise UsageError("nobody knows whose key this is", where=str(path), hint="say it with --as ID")
    if why := why_not_a_principal(found):  # now, and not when the finished run is to be sealed
        raise UsageError(
            f"this cannot be a signer's id: {why}",
            where="--as" if signer_id else str(path),
            expected="an id like alice@example.org",
            got=ascii(found)[:80],
            hint="say it with --as ID",
        )
    return Identity(found, signer)


def _comment_beside(path: Path) -> str:
    beside = path.with_name(path.name + ".pub")
    return _read_public_key(beside).comment if beside.is_file() else ""


def _read_public_key(path: Path) -> PublicKey:
    from awo.sign.sshkeys import PublicKey

    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        got = getattr(error, "strerror", "") or "bytes that are not UTF-8"
        raise UsageError("the public key cannot be read", where=str(path), got=got) from error
    if "PRIVATE KEY" in text:
        raise UsageError(
            "this is a private key; only the public half is enrolled", where=str(path), hint=f"use {path}.pub"
        )
    return PublicKey.parse(text.strip(), where=str(path))


def key_beside(path: Path) -> PublicKey | None:
    """The public half of the key at `path`, from its .pub file; None where none can be read. Opens no private key."""
    public = path if path.suffix == ".pub" else path.with_name(path.name + ".pub")
    try:
        return _read_public_key(public)
    except UsageError:
        return None


def open_key(path: Path, passphrase: AskPassphrase) -> Signer:
    """The key at `path`, ready to sign. Raises `UsageError` or `CannotCheck`."""
    from awo.sign.open import open_signer

    return open_signer(path, passphrase)
