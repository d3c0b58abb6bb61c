"""Makes proofs: that one record belongs to a sealed run, or that an earlier journal is its beginning (spec 11)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import msgspec

from awo.canon.json import canonical, parse_canonical
from awo.errors import EvidenceError, UsageError
from awo.evidence.events import Checkpoint
from awo.evidence.layout import ALLOWED_SIGNERS, JOURNAL, SEAL, SEAL_SIGNATURE
from awo.evidence.merkle_proofs import consistency_path, inclusion_path
from awo.evidence.proof import ConsistencyProof, ProvedEvent, ProvedLine, RecordProof, SealedBy
from awo.evidence.records import Seal
from awo.publish.placing import new_file, refuse_place
from awo.publish.proved_source import ProvedSource, opened_source, refuse_other_line, response_of_item
from awo.publish.wanted_record import FORMS, EventFinder, Wanted, WantedCall, WantedItem, WantedLine, place_of
from awo.sign.allowed_signers import AllowedSigners, MayNotSign
from awo.sign.namespaces import SEAL as NAMESPACE
from awo.sign.sshsig import verify as verify_signature
from awo.verify.proof import judge_proof, sealer_line
from awo.verify.reading import Trust
from awo.verify.structure import moment

LARGEST_STATE_BYTES: Final = 64 << 20
"""A decision names every file that was shown."""


class _Entered(msgspec.Struct, frozen=True):
    entry: str


@dataclass(frozen=True, slots=True)
class State:
    """An earlier state of a journal. `root` is '' where only its size is known; `run_id` '' where nobody names one."""

    size: int
    root: str = ""
    run_id: str = ""


@dataclass(frozen=True, slots=True)
class Proved:
    """A proof and what it took: `opening_s` to read the run and hash its journal, `proving_s` for the rest.

    `data` are the bytes of the file, `name` is a part of a name for it, `events` how many the journal has.
    """

    proof: RecordProof | ConsistencyProof
    data: bytes
    name: str
    events: int
    opening_s: float
    proving_s: float


def prove_record(path: Path, wanted: Wanted) -> Proved:
    """A proof of one response of the sealed run, or bundle, at `path`.

    Raises `UsageError` for a run that is not sealed and a record that is not there or not shown, `EvidenceError` for a
    run that is not what was sealed, and `CannotCheck`.
    """
    begun = perf_counter()
    if isinstance(wanted, WantedItem):
        with opened_source(path) as source:
            wanted = response_of_item(source, wanted)
    finder = EventFinder(wanted)
    taken = _taken(path, ProvedSource(finder))
    opened = perf_counter()
    event = finder.event
    if event is None:
        raise UsageError(
            "the journal has no response of this name",
            where=wanted.said,
            expected=FORMS,
            hint=f"`awo show {path.name.removesuffix('.tar.gz')}` lists the steps and how many responses they have",
        )
    assert taken.line is not None
    refuse_other_line(taken.line, wanted, event.sha256, event.size_bytes)
    where, line = place_of(event)
    record = ProvedLine(path=where, line=line, text=_as_text(taken.line, f"{where}:{line + 1}"))
    return _of_event(taken, record, _name_of(wanted), begun, opened)


def prove_event(path: Path, seq: int) -> Proved:
    """A proof of event `seq` (from 0) of the journal alone. Raises as `prove_record`."""
    begun = perf_counter()
    taken = _taken(path, ProvedSource(event=seq))
    return _of_event(taken, None, f"event-{seq}", begun, perf_counter())


def prove_state(path: Path, state: State) -> Proved:
    """A proof that the sealed journal goes on from an earlier state of it. Raises as `prove_record`."""
    begun = perf_counter()
    taken = _taken(path, ProvedSource())
    opened = perf_counter()
    seal, tree = _seal_of(taken), taken.tree
    if state.run_id and state.run_id != seal.run_id:
        raise UsageError("this is a state of another run", where="--from", expected=seal.run_id, got=state.run_id)
    if state.size > len(tree):
        raise EvidenceError(
            "the sealed journal is shorter than that state",
            expected=f"at least {state.size} events",
            got=str(len(tree)),
        )
    root = tree.root_of(0, state.size).hex()
    if state.root not in ("", root):
        raise EvidenceError(
            "the sealed journal is no continuation of that state", where=JOURNAL, expected=state.root, got=root
        )
    proof = ConsistencyProof(
        format="awo/consistency/v1",
        run_id=seal.run_id,
        first=Checkpoint(size=state.size, root=root),
        path=[one.hex() for one in consistency_path(state.size, len(tree), tree.root_of)],
        sealed=_sealed(taken, seal),
    )
    return _finished(proof, f"from-{state.size}", len(tree), begun, opened)


def write_proof(path: Path, proved: Proved, out: Path | None) -> Path:
    """Writes the proof to `out`, or beside the run; gives where. Raises `UsageError` and `DiskTrouble`."""
    ending = "proof" if isinstance(proved.proof, RecordProof) else "consistency"
    out = out or path.parent / f"{path.name.removesuffix('.tar.gz')}.{proved.name}.{ending}.json"
    refuse_place(path, out, "--output")
    with new_file(out, "--output") as stream:
        stream.write(proved.data)
    return out


def read_state(text: str) -> State:
    """What `--from` names: a number of events, or a file that has a checkpoint of the run. Raises `UsageError`."""
    if text.isascii() and text.isdigit() and len(text) <= 15:
        return State(int(text))
    path = Path(text)
    expected = "a number of events, or gate_pending.json, a decision, a seal or registration.json of the run"
    try:
        with path.open("rb") as stream:
            data = stream.read(LARGEST_STATE_BYTES + 1)
    except OSError as error:
        raise UsageError(
            "the earlier state cannot be read", where=text, expected=expected, got=error.strerror or ""
        ) from error
    try:
        if len(data) > LARGEST_STATE_BYTES:
            raise ValueError("it is too large")
        return _state_in(msgspec.json.decode(data))
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise UsageError(
            "this file has no checkpoint of a run", where=text, expected=expected, got=str(error)
        ) from error


def _state_in(said: Any) -> State:
    if not isinstance(said, dict):
        raise ValueError("it is no object")
    run_id = said.get("run_id", "")
    if said.get("format") == "awo/registration/v1":
        proved = msgspec.convert(said.get("entries"), list[_Entered])
        entries = [msgspec.json.decode(one.entry, type=dict[str, Any]) for one in proved]
        said = next((one for one in entries if one.get("kind") == "run_sealed"), {})
    found = said.get("first" if said.get("format") == "awo/consistency/v1" else "checkpoint")
    checkpoint = msgspec.convert(found, Checkpoint)
    return State(checkpoint.size, checkpoint.root, run_id if isinstance(run_id, str) else "")


def _name_of(wanted: WantedLine | WantedCall) -> str:
    match wanted:
        case WantedLine():
            return f"{wanted.step}-{wanted.line}"
        case WantedCall():
            return f"call-{wanted.call}"


def _taken(path: Path, taken: ProvedSource) -> ProvedSource:
    with opened_source(path) as source:
        taken.read(source)
    return taken


def _of_event(taken: ProvedSource, record: ProvedLine | None, name: str, begun: float, opened: float) -> Proved:
    seal, tree = _seal_of(taken), taken.tree
    event = ProvedEvent(
        seq=taken.seq,
        text=_as_text(taken.text, f"{JOURNAL}:{taken.seq + 1}"),
        path=[one.hex() for one in inclusion_path(taken.seq, len(tree), tree.root_of)],
    )
    sealed = _sealed(taken, seal)
    proof = RecordProof(format="awo/proof/v1", run_id=seal.run_id, record=record, event=event, sealed=sealed)
    return _finished(proof, name, len(tree), begun, opened)


def _seal_of(taken: ProvedSource) -> Seal:
    """The seal, whose checkpoint is that of the journal. Raises `EvidenceError`."""
    seal = parse_canonical(taken.small[SEAL], Seal, where=SEAL)
    size, root = len(taken.tree), taken.tree.root_of(0, len(taken.tree)).hex()
    if (seal.checkpoint.size, seal.checkpoint.root) != (size, root):
        raise EvidenceError(
            "the journal is not the one that was sealed",
            where=JOURNAL,
            expected=f"{seal.checkpoint.size} events, root {seal.checkpoint.root}",
            got=f"{size} events, root {root}",
        )
    return seal


def _sealed(taken: ProvedSource, seal: Seal) -> SealedBy:
    """The seal and what vouches for it. Raises `EvidenceError` where the package does not name the sealer."""
    data, armored = taken.small[SEAL], taken.small[SEAL_SIGNATURE]
    key = verify_signature(armored, data, NAMESPACE, where=SEAL).key
    claimed = AllowedSigners.parse(
        _as_text(taken.small[ALLOWED_SIGNERS], ALLOWED_SIGNERS), where=ALLOWED_SIGNERS, error=EvidenceError
    )
    at = moment(seal.at)
    if at is None:
        raise EvidenceError("the seal's time is no time", where=SEAL, got=seal.at)
    judged = claimed.may_sign(seal.sealer.id, key, NAMESPACE, at)
    if isinstance(judged, MayNotSign):
        raise EvidenceError(f"the package does not name its sealer: {judged.reason}", where=ALLOWED_SIGNERS)
    return SealedBy(
        seal=_as_text(data, SEAL),
        signature=_as_text(armored, SEAL_SIGNATURE),
        allowed_signers=sealer_line(seal.sealer.id, key),
    )


def _finished(proof: RecordProof | ConsistencyProof, name: str, events: int, begun: float, opened: float) -> Proved:
    """The proof as bytes, after the judge has accepted them: nobody is handed a proof that does not hold."""
    data = canonical(proof)
    report = judge_proof(data, name, Trust(None, ""))
    for result in report.results("failed"):
        first = result.findings[0]
        raise EvidenceError(first.what, where=first.where, expected=first.expected, got=first.got)
    return Proved(proof, data, name, events, opened - begun, perf_counter() - opened)


def _as_text(data: bytes, where: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise EvidenceError("this is not UTF-8, so it cannot stand in a proof", where=where) from error
