"""Packages that say what a ledger has of them, and for each way to lie about it one that does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from tests.vectors.builder import RUN_ID, Package
from tests.vectors.people import note_key
from tests.vectors.record import sha256
from tests.vectors.stories import GATE, Vector, approved, completed

from awo.canon.json import canonical
from awo.evidence import events as ev
from awo.evidence import layout
from awo.evidence.ledger import DecisionEntered, Entry, EntryProof, Registration, RunEntered, SealEntered
from awo.evidence.merkle_proofs import Leaves, inclusion_path
from awo.sign.checkpoint import TreeState
from awo.sign.note import Note, NoteSignature
from awo.sign.note_keys import NoteSigner, cosigner, log_signer

ORIGIN, WITNESS = "awo-ledger/greetings-0f1e2d3c", "witness.example.org/one"
LOG = log_signer(ORIGIN, note_key("ledger"))
OTHER_LOG = log_signer(ORIGIN, note_key("another ledger"))
SEEN_AT_S = 1_767_400_000
COSIGNER = cosigner(WITNESS, note_key("witness"), now_s=lambda: SEEN_AT_S)
KEYS = f"{LOG.vkey}\n{COSIGNER.vkey}\n"
OTHER_RUN = "run_2026-01-01T00-00-00Z"


def own_entries(package: Package) -> list[Entry]:
    """What a ledger has of a sealed run of the stories."""
    started, *_ = [ev.decode(line, 0) for line in package.lines[:1]]
    assert isinstance(started, ev.RunStarted)
    at = package.now
    fixed: Any = {"format": "awo/ledger-entry/v1", "run_id": RUN_ID, "at": at}
    entries: list[Entry] = [
        RunEntered(
            **fixed,
            input_sha256=started.input.sha256,
            journal_sha256=sha256(package.lines[0]),
            supersedes="",
        )
    ]
    decision = layout.decision_path(1, GATE)
    if decision in package.files:
        digest = sha256(package.files[decision])
        entries.append(DecisionEntered(**fixed, gate=GATE, what="decision", number=1, sha256=digest))
    seal = package.seal
    assert seal is not None
    digest = sha256(package.files[layout.SEAL])
    return [*entries, SealEntered(**fixed, outcome=seal.outcome, checkpoint=seal.checkpoint, seal_sha256=digest)]


def other_start() -> Entry:
    """The entry of another run of the project."""
    fixed: Any = {"format": "awo/ledger-entry/v1", "run_id": OTHER_RUN, "at": "2026-01-01T00:00:00.000000Z"}
    return RunEntered(**fixed, input_sha256=sha256(b"input"), journal_sha256=sha256(b"journal"), supersedes="")


def registered(
    package: Package,
    entries: Sequence[Entry],
    signers: Sequence[NoteSigner] = (LOG,),
    change: Callable[[Registration], Registration] = lambda record: record,
) -> Package:
    """The sealed package with these entries in a ledger that has entries of others before and behind them."""
    log = [canonical(entry) for entry in (other_start(), *entries, other_start())]
    leaves = Leaves.of_lines(log)
    state = TreeState(ORIGIN, len(log), leaves.root_of(0, len(log)))
    note = Note(state.text, tuple(signer.sign(state.text) for signer in signers))
    record = Registration(
        format="awo/registration/v1",
        run_id=RUN_ID,
        entries=[_proof(number, log, leaves) for number in range(1, len(entries) + 1)],
        checkpoint=note.encode().decode(),
        stamp="",
    )
    package.put(layout.REGISTRATION, canonical(change(record)))
    return package


def _proof(index: int, log: Sequence[bytes], leaves: Leaves) -> EntryProof:
    path = inclusion_path(index, len(log), leaves.root_of)
    return EntryProof(index=index, entry=log[index].decode(), path=[node.hex() for node in path])


def good() -> dict[str, Vector]:
    """Registered: at a gate, without one, with a witness; by a key that the reader does not know."""
    usual = Vector(_registered(), exit_code=0, ledger_keys=KEYS)
    plain = completed().freeze()
    return {
        "registered": usual,
        "registered-without-a-gate": replace(usual, package=registered(plain, own_entries(plain))),
        "registered-witnessed": replace(usual, package=_registered((LOG, COSIGNER)), witnesses=1),
        "registered-unknown": replace(
            usual, package=_registered((OTHER_LOG,)), not_checked=("EP-6.2",), where=layout.REPORT
        ),
        "registered-unwitnessed": replace(usual, witnesses=1, not_checked=("EP-6.2",), where=layout.REPORT),
    }


def _registered(signers: Sequence[NoteSigner] = (LOG,)) -> Package:
    package = approved().freeze()
    return registered(package, own_entries(package), signers)


def bad() -> dict[str, Vector]:
    """One for each way in which a package can lie about its ledger."""
    lies: dict[str, Package] = {
        "EP-6.1": _changed(_forged),
        "EP-6.1-path": _changed(_other_path),
        "EP-6.1-left-out": _changed(lambda record: _with(record, [record.entries[0], record.entries[2]])),
        "EP-6.1-swapped": _changed(lambda record: _with(record, [record.entries[n] for n in (0, 2, 1)])),
        "EP-6.1-run": _changed(lambda record: _replaced(record, run_id=OTHER_RUN)),
        "EP-6.1-order": _entered(lambda own: [own[0], own[2], own[1]]),
        "EP-6.1-dropped": _entered(lambda own: [own[0], own[2]]),
        "EP-6.1-seal": _entered(_other_seal),
        "EP-6.1-unknown": _entered_as(b'{"kind":"run_started"}'),
    }
    first = f"{layout.REGISTRATION}, entry"
    where = {
        "EP-6.1": f"{first} 1",
        "EP-6.1-path": f"{first} 2",
        "EP-6.1-swapped": f"{first} 2",
        "EP-6.1-order": f"{first} 3",
        "EP-6.1-unknown": f"{first} 1",
    }
    found = {
        name: Vector(
            package,
            3,
            ("EP-6.1",),
            ("EP-6.2",) if name == "EP-6.1-unknown" else (),
            where=where.get(name, layout.REGISTRATION),
            ledger_keys=KEYS,
        )
        for name, package in lies.items()
    }
    sealed = registered(package := completed().freeze(), own_entries(package))
    spaced = sealed.files[layout.REGISTRATION].replace(b'","entries"', b'", "entries"')
    sealed.put(layout.REGISTRATION, spaced)
    found["EP-6.1-spelling"] = Vector(sealed, 3, ("EP-6.1",), ("EP-6.2",), where=layout.REGISTRATION, ledger_keys=KEYS)
    found["EP-6.2"] = Vector(
        _registered((_OverAnother(),)), 3, ("EP-6.2",), where=layout.REGISTRATION, ledger_keys=KEYS
    )
    return found


class _OverAnother:
    """Signs another text than the one it is given."""

    vkey = LOG.vkey

    def sign(self, text: str) -> NoteSignature:
        return LOG.sign(f"{text}more\n")


def _changed(change: Callable[[Registration], Registration]) -> Package:
    package = approved().freeze()
    return registered(package, own_entries(package), change=change)


def _entered(choose: Callable[[list[Entry]], list[Entry]]) -> Package:
    package = approved().freeze()
    return registered(package, choose(own_entries(package)))


def _entered_as(text: bytes) -> Package:
    return _changed(lambda record: _with(record, [_replaced(record.entries[0], entry=text.decode())]))


def _replaced(record: Any, **fields: Any) -> Any:
    from msgspec import structs

    return structs.replace(record, **fields)


def _with(record: Registration, entries: list[EntryProof]) -> Registration:
    changed: Registration = _replaced(record, entries=entries)
    return changed


def _forged(record: Registration) -> Registration:
    """The start says that it was entered a day earlier."""
    first, *others = record.entries
    text = first.entry.replace('"at":"2026-01-02', '"at":"2026-01-01')
    assert text != first.entry
    return _with(record, [_replaced(first, entry=text), *others])


def _other_path(record: Registration) -> Registration:
    first, second, *others = record.entries
    return _with(record, [first, _replaced(second, path=[sha256(b"x"), *second.path[1:]]), *others])


def _other_seal(own: list[Entry]) -> list[Entry]:
    return [*own[:-1], _replaced(own[-1], seal_sha256=sha256(b"another seal"))]
