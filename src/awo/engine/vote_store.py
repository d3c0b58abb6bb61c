"""The voter's own store of decisions that lie sealed: `<votes>/<run id>/<number>-<gate>.json`, for their eyes only."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from awo.canon.json import parse, pretty
from awo.engine.folder import fsync_folder
from awo.errors import AwoError, DiskTrouble, EvidenceError
from awo.evidence.held_votes import HeldVote
from awo.evidence.layout import RUN_ID_PATTERN

OWN_FOLDER: Final = 0o700
OWN_FILE: Final = 0o600
MOST_COPIES: Final = 1000

_run_id: Final = re.compile(RUN_ID_PATTERN)


@dataclass(frozen=True, slots=True)
class VoteStore:
    """The votes that this user of this machine holds, below `root`. Nothing in it is ever overwritten or removed."""

    root: Path

    def keep(self, vote: HeldVote) -> Path:
        """Writes a vote down, durable on return; gives its path. Raises `DiskTrouble`.

        A number may have been used before, by a process that was killed ahead of its event or in another copy of
        the run: then the name has `-2`, `-3`, … behind it.
        """
        folder = self._folder(vote.run_id)
        try:
            folder.mkdir(mode=OWN_FOLDER, parents=True, exist_ok=True)
            folder.chmod(OWN_FOLDER)
            path = self._write(folder, f"{vote.number:04d}-{vote.gate}", pretty(vote))
            fsync_folder(folder)
            fsync_folder(folder.parent)
        except OSError as error:
            raise DiskTrouble(
                "your vote cannot be kept on this machine, so it was not sealed",
                where=str(folder),
                got=str(error.strerror),
                hint="make room, or set XDG_STATE_HOME to a folder that you can write to",
            ) from error
        return path

    def of_run(self, run_id: str) -> list[HeldVote]:
        """Every vote of a run that is held here, in the order of their names. Raises `EvidenceError`, `DiskTrouble`.

        A file of another format, or half written, is passed over: it opens nothing.
        """
        folder = self._folder(run_id)
        try:
            paths = sorted(folder.glob("*.json")) if folder.is_dir() else []
            texts = [(path, path.read_bytes()) for path in paths]
        except OSError as error:
            raise DiskTrouble("your votes cannot be read", where=str(folder), got=str(error.strerror)) from error
        held = []
        for path, text in texts:
            try:
                held.append(parse(text, HeldVote, where=str(path)))
            except AwoError:
                continue
        return [vote for vote in held if vote.run_id == run_id]

    def _folder(self, run_id: str) -> Path:
        if not _run_id.match(run_id):  # it comes from a journal, which may be a stranger's
            raise EvidenceError("the journal has an id that no run can have", got=ascii(run_id)[:80])
        return self.root / run_id

    @staticmethod
    def _write(folder: Path, name: str, data: bytes) -> Path:
        for copy in range(1, MOST_COPIES):
            path = folder / (f"{name}.json" if copy == 1 else f"{name}-{copy}.json")
            try:
                descriptor = os.open(
                    path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, OWN_FILE
                )
            except FileExistsError:
                continue
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            return path
        raise DiskTrouble("there are too many votes of one number", where=str(folder / name))


def held_vote(run_id: str, gate: str, number: int, nonce: str, decision: bytes, signature: bytes) -> HeldVote:
    """What is kept of a decision whose file and signature will have these bytes, both UTF-8."""
    return HeldVote(
        format="awo/held-vote/v1",
        run_id=run_id,
        gate=gate,
        number=number,
        nonce=nonce,
        decision=decision.decode(),
        signature=signature.decode(),
    )
