"""Attests the decisions of a sealed run: one DSSE envelope for each, as a bundle of lines or as files of their own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import awo
from awo.canon.digest import sha256_hex
from awo.canon.json import canonical, parse_canonical
from awo.engine.folder import read_recorded, refuse_altered, refuse_altered_file
from awo.errors import DiskTrouble, EvidenceError, UsageError
from awo.evidence.events import DecisionRecorded
from awo.evidence.gates import Decision, GateRequest
from awo.evidence.human_review import Attester, SealRef
from awo.evidence.layout import SEAL, SEAL_SIGNATURE
from awo.evidence.records import Seal
from awo.publish.placing import new_file, refuse_place
from awo.publish.review_statement import Reviewed, statement_of
from awo.publish.run_reader import RunReader
from awo.sign import namespaces, sshsig
from awo.sign.dsse import IN_TOTO, BareSigner, keyid_of, pem_of, sign_envelope

OPTION = "--output"


@dataclass(frozen=True, slots=True)
class Attested:
    """What was written. `keyid` and `public_key` (PEM) are what other tools need to check the envelopes."""

    paths: list[Path]
    decisions: int
    keyid: str
    public_key: str


def export_reviews(
    folder: Path, out: Path | None, signer: BareSigner, attester_id: str, *, has_texts: bool
) -> Attested:
    """Every decision of the sealed run in `folder`, attested with `signer`.

    `out` is a file for the bundle (by default RUN.reviews.intoto.jsonl beside the run), or a folder that is there,
    for one file each. Raises `UsageError` for a run that is not sealed or has no decision, `EvidenceError` for one
    that is altered, and `DiskTrouble`.
    """
    seal = _seal_of(folder)
    bundle = folder.parent / f"{folder.name}.reviews.intoto.jsonl" if out is None else out
    each = bundle if bundle.is_dir() else None
    if each is not None and each.resolve().is_relative_to(folder.resolve()):
        raise UsageError("what leaves a run cannot be written into it", where=str(each))
    if each is None:
        refuse_place(folder, bundle, OPTION)
    attester = Attester(id=attester_id, key=signer.key.fingerprint, software=f"awo {awo.__version__}")
    lines = {}
    for reviewed in _reviewed(folder):
        statement = statement_of(reviewed, seal, attester, has_texts=has_texts)
        name = f"{folder.name}-{Path(reviewed.event.decision.path).stem}.json"
        lines[name] = sign_envelope(canonical(statement), IN_TOTO, signer)
    if not lines:
        raise UsageError("nobody decided in this run, so there is nothing to attest", where=folder.name)
    if each is None:
        _write(bundle, b"".join(line + b"\n" for line in lines.values()))
        paths = [bundle]
    else:
        paths = [each / name for name in lines]
        for path, line in zip(paths, lines.values(), strict=True):
            _write(path, line + b"\n")
    return Attested(paths, len(lines), keyid_of(signer.key), pem_of(signer.key))


def _write(path: Path, data: bytes) -> None:
    with new_file(path, OPTION) as stream:
        stream.write(data)


def _seal_of(folder: Path) -> SealRef:
    """The seal, whose signature holds. Whether its key is believed is asked by whoever verifies."""
    if not (folder / SEAL_SIGNATURE).is_file():
        raise UsageError(
            "only the decisions of a sealed run are attested",
            where=str(folder),
            hint=f"bring it to its end with `awo resume {folder.name}`",
        )
    data, where = _read(folder / SEAL), str(folder / SEAL)
    seal = parse_canonical(data, Seal, where=where)
    signed = sshsig.verify(_read(folder / SEAL_SIGNATURE), data, namespaces.SEAL, where=where)
    if signed.key.fingerprint != seal.sealer.key:
        raise EvidenceError(
            "the seal is signed with another key than it names",
            where=where,
            expected=seal.sealer.key,
            got=signed.key.fingerprint,
        )
    return SealRef(
        sha256=sha256_hex(data), outcome=seal.outcome, at=seal.at, sealer=seal.sealer.id, journal=seal.checkpoint
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise EvidenceError("a recorded file is missing", where=str(path)) from error
    except OSError as error:
        raise DiskTrouble("the seal cannot be read", where=str(path), got=error.strerror or str(error)) from error


def _reviewed(folder: Path) -> Iterator[Reviewed]:
    """Each decision in the order of the journal. Every file that an attestation names has its recorded digest."""
    reader = RunReader(folder)
    _ = reader.recorded  # holds the journal against the seal, and every response against the journal
    intact: set[str] = set()
    for gate in reader.facts.gates:
        request = read_recorded(folder, gate.request, GateRequest)
        for event in gate.decisions:
            for ref in gate.shows:
                if ref.path not in intact:
                    refuse_altered_file(folder, ref)
                    intact.add(ref.path)
            decision, signature = _decision(folder, event)
            if tuple(decision.shows) != gate.shows or decision.checkpoint != gate.checkpoint:
                raise EvidenceError("the decision is not about what this gate showed", where=event.decision.path)
            yield Reviewed(gate, request, event, decision, signature)


def _decision(folder: Path, event: DecisionRecorded) -> tuple[Decision, str]:
    """The decision and the text of its signature file; the signature holds, and is by the key that it names."""
    where = event.decision.path
    data = refuse_altered(folder, where, event.decision.sha256)
    armored = refuse_altered(folder, event.signature.path, event.signature.sha256)
    signed = sshsig.verify(armored, data, namespaces.DECISION, where=where)
    decision = parse_canonical(data, Decision, where=where)
    named = decision.signer.key
    if signed.key.fingerprint != named:
        raise EvidenceError(
            "the decision is signed with another key than it names",
            where=where,
            expected=named,
            got=signed.key.fingerprint,
        )
    return decision, armored.decode("ascii")
