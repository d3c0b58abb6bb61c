"""Signed notes: a text and the lines of those who signed it, read strictly (C2SP signed-note)."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from typing import NamedTuple

from awo.canon.digest import note_key_id
from awo.errors import AwoError, EvidenceError, UsageError
from awo.sign.checkpoint import read_checkpoint
from awo.sign.raw import check_ed25519, check_ml_dsa_44
from awo.sign.sshkeys import from_base64, refuse_small_order
from awo.sign.wire import WireError

LARGEST_NOTE_BYTES = 1_000_000
MOST_SIGNATURES = 100
"""C2SP asks for 16 at least. One of ML-DSA-44 has 3.3 kB as a line."""

_DASH = "\N{EM DASH} "


class Kind(IntEnum):
    """How a key signs a note: the byte before the public key in a verifier key."""

    ED25519 = 0x01
    COSIGNATURE_ED25519 = 0x04
    COSIGNATURE_ML_DSA_44 = 0x06

    @property
    def public_bytes(self) -> int:
        """The length of a public key of this kind."""
        return 1312 if self is Kind.COSIGNATURE_ML_DSA_44 else 32

    @property
    def signature_bytes(self) -> int:
        """The length of a signature of this kind, its time included."""
        return {Kind.ED25519: 64, Kind.COSIGNATURE_ED25519: 72, Kind.COSIGNATURE_ML_DSA_44: 2428}[self]


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One line under a note, nothing checked but its form: `key_id` has 4 bytes, `signature` those after them."""

    name: str
    key_id: bytes
    signature: bytes

    @property
    def line(self) -> str:
        """The line with its newline."""
        return f"{_DASH}{self.name} {base64.b64encode(self.key_id + self.signature).decode('ascii')}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text, which ends with a newline, and the signatures under it in their order. `parse_note` checks both."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def encode(self) -> bytes:
        """The bytes of the note: text, an empty line, the signature lines."""
        return (self.text + "\n" + "".join(signature.line for signature in self.signatures)).encode()


def parse_note(data: bytes, where: str) -> Note:
    """The note in `data`, which is the one spelling of it. Raises `EvidenceError`, naming `where`.

    No signature is checked: see `verify_note`.
    """
    try:
        return _read_note(data)
    except WireError as problem:
        raise EvidenceError(
            "this is not a signed note",
            where=where,
            expected="a text, an empty line and signature lines (C2SP signed-note)",
            got=str(problem),
        ) from problem


def parse_signature_lines(text: str, where: str) -> tuple[NoteSignature, ...]:
    """Signature lines without a note, as a witness answers them: one at least. Raises `EvidenceError`."""
    try:
        return _read_lines(text)
    except WireError as problem:
        raise EvidenceError("these are not the signature lines of a note", where=where, got=str(problem)) from problem


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key of notes with its name and the kind of its signatures. `str()` is its line, a C2SP vkey."""

    name: str
    kind: Kind
    public: bytes

    def __post_init__(self) -> None:
        if why := why_not_a_name(self.name):
            raise WireError(why)
        if len(self.public) != self.kind.public_bytes:
            raise WireError(
                f"a key of kind {self.kind:#04x} has {self.kind.public_bytes} bytes, not {len(self.public)}"
            )
        if self.kind is not Kind.COSIGNATURE_ML_DSA_44:
            refuse_small_order(self.public)

    @property
    def key_id(self) -> bytes:
        """The 4 bytes that stand in the key's signatures."""
        return note_key_id(self.name, self.kind, self.public)

    def __str__(self) -> str:
        encoded = base64.b64encode(bytes([self.kind]) + self.public).decode("ascii")
        return f"{self.name}+{self.key_id.hex()}+{encoded}"

    @classmethod
    def parse(cls, vkey: str, *, where: str, error: type[AwoError] = UsageError) -> VerifierKey:
        """The key in `name+hash+base64`. Raises `error`, naming `where`, for any other text."""
        try:
            return cls._read(vkey)
        except WireError as problem:
            raise error(
                "this is not a verifier key",
                where=where,
                expected="a line like example.org/log+530d903a+AekyeRrm56h... (C2SP signed-note)",
                got=str(problem),
            ) from problem

    @classmethod
    def _read(cls, vkey: str) -> VerifierKey:
        name, _, rest = vkey.partition("+")
        key_id, _, encoded = rest.partition("+")
        body = from_base64(encoded)
        if not body:
            raise WireError("the key is missing")
        try:
            kind = Kind(body[0])
        except ValueError as problem:
            raise WireError(f"the kind of signature {body[0]:#04x} is not known") from problem
        key = cls(name, kind, body[1:])
        if key.key_id.hex() != key_id:
            raise WireError(f"the key's id is {key.key_id.hex()}, not {key_id[:16]!r}")
        return key


class Held(NamedTuple):
    """A signature that holds: whose, and the time that it states (to a second, UTC); None where it states none."""

    key: VerifierKey
    at: datetime | None


def verify_note(note: Note, known: Iterable[VerifierKey], *, where: str = "") -> list[Held]:
    """The signatures by `known` keys, each key once, in the order of the note.

    Signatures of other keys are passed over; the list is empty where none is by a known key, and the note must then
    not be believed. A key that signed twice is listed with its first line. Raises `EvidenceError` when a line that
    names a known key does not hold, `UsageError` when two known keys share name and id.
    """
    keys: dict[tuple[str, bytes], VerifierKey] = {}
    for key in known:
        if keys.setdefault((key.name, key.key_id), key) != key:
            raise UsageError("two keys have the same name and id", got=key.name, hint="leave one of them out")
    held: dict[VerifierKey, Held] = {}
    for signature in note.signatures:
        found = keys.get((signature.name, signature.key_id))
        if found is None:
            continue
        try:
            at = check_signature(found, signature, note.text)
        except WireError as problem:
            raise EvidenceError(
                "a signature of the note does not hold",
                where=where,
                expected=f"a signature by {found.name} ({found.key_id.hex()}) over this text",
                got=str(problem),
            ) from problem
        held.setdefault(found, Held(found, at))
    return list(held.values())


def check_signature(key: VerifierKey, signature: NoteSignature, text: str) -> datetime | None:
    """The time that a signature of `key` over `text` states, or None. Raises `WireError` when it does not hold."""
    body = signature.signature
    if len(body) != key.kind.signature_bytes:
        raise WireError(f"{key.kind.signature_bytes} bytes are needed, not {len(body)}")
    if key.kind is Kind.ED25519:
        check_ed25519(key.public, body, text.encode())
        return None
    at_s = _time_of(body)
    if key.kind is Kind.COSIGNATURE_ED25519:
        check_ed25519(key.public, body[8:], cosigned_bytes(text, at_s))
    else:
        check_ml_dsa_44(key.public, body[8:], subtree_bytes(key.name, text, at_s))
        if at_s == 0:  # says nothing of the time
            return None
    try:
        return datetime.fromtimestamp(at_s, UTC)
    except (ValueError, OverflowError, OSError) as problem:
        raise WireError(f"{at_s} s after 1970 is no time of ours") from problem


def cosigned_bytes(text: str, at_s: int) -> bytes:
    """What an Ed25519 cosignature signs: two lines and the checkpoint's text (C2SP tlog-cosignature).

    Raises `WireError` when `text` is no checkpoint.
    """
    read_checkpoint(text)
    return f"cosignature/v1\ntime {at_s}\n{text}".encode()


def subtree_bytes(name: str, text: str, at_s: int) -> bytes:
    """What an ML-DSA-44 cosignature by `name` signs: the tree of the checkpoint (C2SP tlog-cosignature).

    Lines after the root are not signed. Raises `WireError` when `text` is no checkpoint, or a name is too long.
    """
    state = read_checkpoint(text)
    return (
        b"subtree/v1\n\x00"
        + _short(name)
        + struct.pack(">Q", at_s)
        + _short(state.origin)
        + struct.pack(">QQ", 0, state.size)
        + state.root
    )


def why_not_a_name(name: str) -> str:
    """Why `name` cannot name a key; '' when it can."""
    if not name:
        return "a key's name is empty"
    if any(c.isspace() or c == "+" or c < " " for c in name):
        return "a key's name has a space, a control character or a + in it"
    return ""


def _short(text: str) -> bytes:
    data = text.encode()
    if not 1 <= len(data) <= 255:
        raise WireError(f"a name must have 1 to 255 bytes, not {len(data)}")
    return bytes([len(data)]) + data


def _time_of(body: bytes) -> int:
    at_s: int = struct.unpack(">Q", body[:8])[0]
    if at_s >= 1 << 63:
        raise WireError("the time is beyond 2^63 - 1")
    return at_s


def _read_note(data: bytes) -> Note:
    if len(data) > LARGEST_NOTE_BYTES:
        raise WireError(f"more than {LARGEST_NOTE_BYTES} bytes")
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise WireError("bytes that are not UTF-8") from problem
    if any(c < " " and c != "\n" for c in whole):
        raise WireError("a control character")
    text, gap, lines = whole.rpartition("\n\n")
    if not gap:
        raise WireError("no empty line before the signatures")
    return Note(text + "\n", _read_lines(lines))


def _read_lines(text: str) -> tuple[NoteSignature, ...]:
    if not text.endswith("\n"):
        raise WireError("no newline at the end")
    lines = text[:-1].split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise WireError(f"more than {MOST_SIGNATURES} signatures")
    return tuple(_read_line(line) for line in lines)


def _read_line(line: str) -> NoteSignature:
    if not line.startswith(_DASH):
        raise WireError("a signature line does not begin with an em dash and a space")
    name, gap, encoded = line.removeprefix(_DASH).partition(" ")
    if not gap:
        raise WireError("a signature line has no signature")
    if why := why_not_a_name(name):
        raise WireError(why)
    body = from_base64(encoded)
    if len(body) < 5:
        raise WireError("a signature is shorter than 5 bytes")
    return NoteSignature(name, body[:4], body[4:])
