"""Chapter 6, registration: what the ledger has of the run, and whether the reader believes that ledger (spec 10.5)."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import msgspec

from awo.canon.digest import leaf_hash, sha256_hex
from awo.canon.json import parse_canonical
from awo.errors import AwoError, EvidenceError
from awo.evidence import events as ev
from awo.evidence.layout import JOURNAL, REDACTIONS, REGISTRATION, SEAL
from awo.evidence.ledger import (
    LARGEST_ENTRY_BYTES,
    DecisionEntered,
    Entry,
    EntryProof,
    ErasureEntered,
    Registration,
    RunEntered,
    SealEntered,
)
from awo.evidence.merkle_proofs import root_by_inclusion
from awo.ledger.audit import faults_of_order, is_late
from awo.ledger.reader import Signed, entry_of, read_signed
from awo.sign.note import Held, Kind, verify_note
from awo.verify.findings import Answer, Finding
from awo.verify.reading import Reading
from awo.verify.structure import moment, seal_of

NOT_REGISTERED = "the package says nothing of a ledger: the run was not registered"


class Registered(NamedTuple):
    """What a package has of the ledger, in its shape: the record, its entries, and the checkpoint."""

    record: Registration
    entries: list[Entry]
    signed: Signed


def ep_6_1(reading: Reading, answer: Answer) -> None:
    """The entries in audit/registration.json are those of this run, in order, and in the tree of its checkpoint."""
    found = registered(reading)
    if found is None:
        answer.cannot(REGISTRATION, NOT_REGISTERED)
    elif isinstance(found, Finding):
        answer.add(found)
    else:
        _places(found, answer)
        for number, why in faults_of_order(found.entries):
            answer.fail(f"{REGISTRATION}, entry {found.record.entries[number].index}", why)
        _of_this_run(reading, found, answer)


def ep_6_2(reading: Reading, answer: Answer) -> None:
    """The checkpoint is signed by a key of its ledger that the reader knows, and by enough of their witnesses."""
    found, trust = registered(reading), reading.trust
    if found is None:
        answer.cannot(REGISTRATION, NOT_REGISTERED)
        return
    if isinstance(found, Finding):
        answer.cannot(REGISTRATION, "what the package says of the ledger cannot be read")
        return
    origin = found.signed.state.origin
    if not trust.ledger_keys:
        answer.cannot(REGISTRATION, "no keys of ledgers that you trust were given", origin)
        return
    try:
        held = verify_note(found.signed.note, trust.ledger_keys, where=REGISTRATION)
    except EvidenceError as error:
        answer.fail(error.where, error.what, error.expected, error.got)
        return
    if not any(one.key.name == origin for one in held):
        answer.cannot(REGISTRATION, f"no key of this ledger in {trust.ledger_name} has signed the checkpoint", origin)
    witnesses = witnesses_among(held, origin)
    if len(witnesses) < trust.witnesses:
        answer.cannot(
            REGISTRATION,
            f"too few witnesses of {trust.ledger_name} have signed the checkpoint",
            f"{trust.witnesses}",
            f"{len(witnesses)}",
        )
    for one in witnesses:
        if one.at is not None:
            answer.note(f"the witness {one.key.name} says that it saw the ledger at {one.at:%Y-%m-%dT%H:%M:%SZ}")


def registered(reading: Reading) -> Registered | Finding | None:
    """What the package has of the ledger; a finding where it has not its shape, None where there is nothing."""
    data = reading.kept.get(REGISTRATION)
    if data is None:
        if REGISTRATION in reading.present:
            return Finding(REGISTRATION, "the record is larger than the limit")
        why = reading.why_unread(REGISTRATION)
        return Finding(REGISTRATION, "the file cannot be read here", got=why) if why else None
    try:
        record = parse_canonical(data, Registration, where=REGISTRATION)
        signed = read_signed(record.checkpoint.encode(), REGISTRATION)
        entries = [_entry(one) for one in record.entries]
    except AwoError as error:
        return Finding(error.where, error.what, error.expected, error.got)
    return Registered(record, entries, signed)


def witnesses_among(held: list[Held], origin: str) -> list[Held]:
    """The signatures of witnesses: cosignatures under another name than the ledger's. A witness is one, however many
    kinds of key it signs with, and so is a key, under however many names."""
    found: list[Held] = []
    for one in held:
        if one.key.name == origin or one.key.kind is Kind.ED25519:
            continue
        if not any(one.key.name == other.key.name or one.key.public == other.key.public for other in found):
            found.append(one)
    return found


def _entry(one: EntryProof) -> Entry:
    where = f"{REGISTRATION}, entry {one.index}"
    text = one.entry.encode()
    if len(text) > LARGEST_ENTRY_BYTES:
        raise EvidenceError("an entry is too long", where=where, expected=f"at most {LARGEST_ENTRY_BYTES} bytes")
    return entry_of(text, where)


def _places(found: Registered, answer: Answer) -> None:
    """Each entry stands at its place in the tree of the checkpoint, one behind the other."""
    state, before = found.signed.state, -1
    for one in found.record.entries:
        where = f"{REGISTRATION}, entry {one.index}"
        if one.index <= before:
            answer.fail(where, "the entries are not in the order of the ledger", f"above {before}", str(one.index))
        before = one.index
        try:
            path = [bytes.fromhex(node) for node in one.path]
            root = root_by_inclusion(leaf_hash(one.entry.encode()), one.index, state.size, path)
        except EvidenceError as error:
            answer.fail(where, error.what, error.expected, error.got)
            continue
        if root != state.root:
            answer.fail(where, "the entry is not in the ledger of this checkpoint", state.root.hex(), root.hex())


def _of_this_run(reading: Reading, found: Registered, answer: Answer) -> None:
    journal = reading.journal
    if journal is None or journal.started is None:
        answer.cannot(JOURNAL, "the journal cannot be read")
        return
    started = journal.started
    if found.record.run_id != started.run_id:
        answer.fail(REGISTRATION, "it is about another run", started.run_id, found.record.run_id)
    expected = _expected(reading, started)
    if journal.bad_line is not None:
        answer.cannot(JOURNAL, "what follows the damaged line of the journal is not known")
        expected = expected[:1]
    got = [one for one in found.entries if isinstance(one, RunEntered | DecisionEntered | SealEntered)]
    for number, entry in enumerate(expected):
        if number >= len(got):
            answer.fail(REGISTRATION, "the ledger lacks an entry of this run", _named(entry))
        elif _untimed(got[number]) != _untimed(entry):
            answer.fail(REGISTRATION, "an entry is not of this run as it is here", _named(entry), _named(got[number]))
    if journal.bad_line is None and len(got) > len(expected):
        answer.fail(REGISTRATION, "the ledger has more of this run than is here", "", _named(got[len(expected)]))
    erasures = {sha for path, sha in reading.digests.items() if path.startswith(f"{REDACTIONS}/")}
    for entry in found.entries:
        if entry.run_id != started.run_id:
            answer.fail(REGISTRATION, "an entry is of another run", started.run_id, entry.run_id)
        if isinstance(entry, ErasureEntered) and entry.sha256 not in erasures:
            answer.fail(REGISTRATION, "the ledger has an erasure whose record is not here", entry.sha256)
    _note_lateness(started, found.entries, answer)


def _expected(reading: Reading, started: ev.RunStarted) -> list[Entry]:
    """The entries that the journal and the seal of the package ask for, in their order."""
    assert reading.journal is not None
    fixed: Any = {"format": "awo/ledger-entry/v1", "run_id": started.run_id, "at": ""}
    first = RunEntered(
        **fixed,
        input_sha256=started.input.sha256,
        journal_sha256=sha256_hex(ev.encode(started)),
        supersedes=started.supersedes,
    )
    found: list[Entry] = [first]
    signed: list[ev.VoteCommitted | ev.DecisionRecorded] = []
    for gate in reading.journal.gates:
        signed += [*gate.votes, *gate.decisions]
    for event in sorted(signed, key=lambda one: one.seq):
        is_vote = isinstance(event, ev.VoteCommitted)
        sha256 = event.vote.sha256 if isinstance(event, ev.VoteCommitted) else event.decision.sha256
        what: Literal["vote", "decision"] = "vote" if is_vote else "decision"
        found.append(DecisionEntered(**fixed, gate=event.gate, what=what, number=event.number, sha256=sha256))
    seal = seal_of(reading)
    if seal is not None:
        digest = reading.digests[SEAL]
        found.append(SealEntered(**fixed, outcome=seal.outcome, checkpoint=seal.checkpoint, seal_sha256=digest))
    return found


def _note_lateness(started: ev.RunStarted, entries: list[Entry], answer: Answer) -> None:
    if not entries:
        return
    if is_late(moment(started.at), entries[0].at):
        answer.note(
            f"REGISTERED LATE: the run began at {started.at} and was entered at {entries[0].at}; what it did in "
            "between is not held by the ledger"
        )


def _untimed(entry: Entry) -> Entry:
    return msgspec.structs.replace(entry, at="")


def _named(entry: Entry) -> str:
    match entry:
        case RunEntered():
            return f"its start, first event {entry.journal_sha256}"
        case DecisionEntered():
            return f"{entry.what} {entry.number} at {entry.gate}, {entry.sha256}"
        case SealEntered():
            return f"its seal as {entry.outcome}, {entry.seal_sha256}"
        case _:
            return type(entry).__name__
