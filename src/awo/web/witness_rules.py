"""What a witness answers to a checkpoint: the rules of C2SP tlog-witness, without clock, disk or network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from awo.canon.digest import empty_tree_hash
from awo.errors import EvidenceError
from awo.evidence.merkle_proofs import roots_by_consistency
from awo.ledger.add_checkpoint import SIZE_TYPE, AddCheckpoint
from awo.sign.checkpoint import TreeState, parse_checkpoint
from awo.sign.note import Note, NoteSignature, VerifierKey, parse_note, verify_note

TEXT = "text/plain; charset=utf-8"


class Refusal(NamedTuple):
    """Why there is no cosignature: an HTTP status, and the body that goes with it."""

    status: int
    body: str
    content_type: str = TEXT


@dataclass(frozen=True, slots=True)
class Submission:
    """A checkpoint whose log is known and whose signature by that log holds; of its growth nothing is known yet.

    `log_signatures` are the lines of the log's own keys.
    """

    state: TreeState
    text: str
    log_signatures: tuple[NoteSignature, ...]
    old_size: int
    proof: tuple[bytes, ...]


def keys_by_origin(keys: Iterable[VerifierKey]) -> dict[str, tuple[VerifierKey, ...]]:
    """The keys of each log that the witness watches. A log's key has the log's origin for a name."""
    found: dict[str, tuple[VerifierKey, ...]] = {}
    for key in keys:
        found[key.name] = (*found.get(key.name, ()), key)
    return found


def admit(body: bytes, logs: Mapping[str, Sequence[VerifierKey]]) -> Submission | Refusal:
    """What a request submits, or 400 for one that cannot be read, 404 for an unknown log, 403 without its signature."""
    try:
        request = AddCheckpoint.parse(body)
        note = parse_note(request.note, "checkpoint")
        state = parse_checkpoint(note.text, "checkpoint")
    except EvidenceError as error:
        return Refusal(400, f"{error.what}: {error.got}\n")
    keys = logs.get(state.origin)
    if keys is None:
        return Refusal(404, "this log is not watched here\n")
    try:
        held = verify_note(note, keys)
    except EvidenceError:
        return Refusal(403, "a signature of the log does not hold\n")
    if not held:
        return Refusal(403, "no signature by a key of the log that is known here\n")
    if request.old_size > state.size:
        return Refusal(400, "the old size is larger than the checkpoint's\n")
    return Submission(state, note.text, _lines_of(note, keys), request.old_size, request.proof)


def judge(submission: Submission, latest: TreeState | None) -> Refusal | None:
    """Why the checkpoint may not be cosigned after `latest`, the last that was (None for none); None when it may.

    409 with the known size when the request starts from another one; 422 when the trees do not fit together.
    """
    known_size = latest.size if latest is not None else 0
    state = submission.state
    if submission.old_size != known_size:
        return Refusal(409, f"{known_size}\n", SIZE_TYPE)
    if state.size == 0 and state.root != empty_tree_hash():
        return Refusal(422, "an empty tree has another root\n")
    older_root = latest.root if latest is not None else empty_tree_hash()
    try:
        derived = roots_by_consistency(known_size, state.size, submission.proof, older_root, state.root)
    except EvidenceError as error:
        return Refusal(422, f"{error.what}\n")
    if derived != (older_root, state.root):
        return Refusal(422, "the new tree does not begin with the one that was cosigned\n")
    return None


def _lines_of(note: Note, keys: Sequence[VerifierKey]) -> tuple[NoteSignature, ...]:
    known = {(key.name, key.key_id) for key in keys}
    return tuple(dict.fromkeys(line for line in note.signatures if (line.name, line.key_id) in known))
