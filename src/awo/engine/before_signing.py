"""What keeps a decision from being signed: secrets in it, files that have changed, a clock that runs behind."""

from __future__ import annotations

from pathlib import Path

from awo.canon import time
from awo.canon.digest import sha256_file
from awo.engine.choice import Choice
from awo.engine.deadlines import is_overdue
from awo.engine.journal import Journal
from awo.engine.refusing import Refusal
from awo.errors import DiskTrouble, EvidenceError, UsageError
from awo.evidence import events as ev
from awo.evidence.secrets import SecretCutter
from awo.gate.decision import GateFacts
from awo.plugins import nearest


def refuse_secrets(choice: Choice, secrets: SecretCutter) -> None:
    """What is signed is never changed, so that a secret in it could never be taken out again."""
    given = [text for answer in choice.given for text in (answer.id, answer.answer, answer.evidence)]
    texts = [choice.comment, choice.signer_id, choice.from_step, *choice.answers, *choice.required_changes, *given]
    if found := secrets.found_in("\n".join(texts).encode("utf-8", "surrogatepass")):
        raise Refusal(
            "secret",
            UsageError(
                f"the text of the decision holds the value of the environment variable {', '.join(found)}",
                hint="say it without the secret: what is signed is evidence and is never changed",
            ),
        )


def refuse_stale(folder: Path, facts: GateFacts, choice: Choice) -> None:
    if choice.seen is not None and choice.seen != facts.checkpoint:
        error = EvidenceError(
            "the decision would be stale: this is not what you were shown",
            where=folder.name,
            expected=f"{facts.checkpoint.size} lines of the journal, root {facts.checkpoint.root}",
            got=f"{choice.seen.size} lines, root {choice.seen.root}",
            hint=f"look again with `awo gates show {folder.name}`, then decide",
        )
        raise Refusal("stale", error)
    for shown in facts.shows:
        if changed := _how_changed(folder, shown):
            raise Refusal("stale", changed)


def _how_changed(folder: Path, shown: ev.FileRef) -> EvidenceError | None:
    try:
        sha256, _ = sha256_file(folder / shown.path)
    except FileNotFoundError:
        sha256 = "no file"
    except OSError as error:
        raise DiskTrouble("a shown file cannot be read", where=shown.path, got=str(error.strerror)) from error
    if sha256 == shown.sha256:
        return None
    return EvidenceError(
        "the decision would be stale: a file has changed since the gate opened",
        where=shown.path,
        expected=f"SHA-256 {shown.sha256}",
        got=sha256,
        hint="restore the file from a copy, then decide",
    )


def refuse_clock(journal: Journal, at: str) -> None:
    """A decision cannot be older than what it is about: then this clock, or the one before, is wrong."""
    last = journal.state.gates.latest_at
    if at >= last:
        return
    behind_s = (time.read(last) - time.read(at)).total_seconds()
    raise Refusal(
        "clock",
        UsageError(
            f"this machine's clock is {behind_s:.0f} s behind what the run has on record, so the decision would have "
            "a time before what it is about",
            where=journal.folder.name,
            expected=f"{last} or later",
            got=at,
            hint="set the clock (`timedatectl status` shows it), or wait, then decide again",
        ),
    )


def refuse_late(journal: Journal, facts: GateFacts, at: str) -> None:
    """The deadline passes while somebody decides: what follows from it comes first, with the next command."""
    if facts.request.rules.then != "wait" and is_overdue(journal.state.gates, facts.request, at):
        raise Refusal(
            "deadline",
            UsageError(
                f"the deadline of the gate {facts.request.gate!r} has passed just now",
                where=journal.folder.name,
                hint=f"`awo gates show {journal.folder.name}` says who decides after it",
            ),
        )


def refuse_other_step(journal: Journal, choice: Choice) -> None:
    if choice.from_step and choice.from_step not in journal.state.steps:
        near = nearest(choice.from_step, journal.state.steps)
        error = UsageError(
            "the workflow has no such step to begin again from",
            where="--from",
            got=ascii(choice.from_step)[:80],
            hint=f"did you mean {near!r}?" if near else f"`awo status {journal.folder.name}` lists the steps",
        )
        raise Refusal("content", error)
