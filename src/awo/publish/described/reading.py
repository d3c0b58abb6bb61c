"""Reads what a run says of itself, in one pass over its journal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from awo.canon.digest import sha256_file, sha256_hex, sha256_running
from awo.canon.json import parse, parse_canonical
from awo.derive.facts import RunFacts, StepStatus
from awo.engine.folder import RESTORE, read_input, refuse_altered
from awo.errors import DiskTrouble, EvidenceError, TextWithheld
from awo.evidence.events import FileRef
from awo.evidence.gates import Decision
from awo.evidence.layout import (
    INPUT,
    NOT_IN_SUMS,
    PARTIAL,
    REDACTIONS,
    SEAL,
    SEAL_SIGNATURE,
    SUMS,
    is_in_sums,
    responses_path,
)
from awo.evidence.merkle import MerkleTree
from awo.evidence.records import Seal
from awo.evidence.sums import parse_sums
from awo.evidence.verdicts import ClaimsValue
from awo.lifecycle.chronicle import Chronicle
from awo.lifecycle.rules import RunState
from awo.publish.described.journal import grow
from awo.publish.described.shapes import CallGroup, Described, JudgedClaims, RecordedDecision
from awo.publish.described.tally import CallTally

CLAIMS_OPERATION = "claims"
READ_BYTES = 1 << 20


def describe(folder: Path) -> Described:
    """The run in `folder`, sealed or not, as its evidence tells it. Takes no lock and writes nothing.

    Decisions have their recorded digests; the files of a sealed run are those that SHA256SUMS lists, with the sizes
    that they have now. Raises `UsageError`, `EvidenceError` and `DiskTrouble`.
    """
    plan, read = read_input(folder)
    tree = MerkleTree()
    rules, chronicle, tally = RunState(plan.steps, plan.budget_usd), Chronicle(plan, tree), CallTally()
    for event in grow(folder, tree):
        rules.advance(event)
        chronicle.add(event)
        tally.add(event)
    facts = chronicle.facts()
    if facts.input_file.sha256 != read.sha256:
        raise EvidenceError(
            "the run began with another input.json",
            where=str(folder / INPUT),
            expected=f"SHA-256 {facts.input_file.sha256}",
            got=read.sha256,
            hint=RESTORE,
        )
    groups = tally.groups([step.record.id for step in facts.steps])
    seal, seal_sha256 = _seal_of(folder)
    withheld = (folder / REDACTIONS).is_dir()
    files = tuple(_files_of(folder, withheld=withheld)) if seal is not None else ()
    return Described(
        facts=facts,
        groups=groups,
        decisions=tuple(_decisions(folder, facts)),
        files=files,
        seal=seal,
        seal_sha256=seal_sha256,
        withheld=withheld,
        claims=tuple(_claims(folder, facts)),
        answered=_answered(folder, groups, {file.path: file.sha256 for file in files}),
    )


def _decisions(folder: Path, facts: RunFacts) -> Iterator[RecordedDecision]:
    for gate in facts.gates:
        for event in gate.decisions:
            ref = event.decision
            data = _unless_withheld(folder, ref)
            if data is not None:
                yield RecordedDecision(ref.path, ref.sha256, parse_canonical(data, Decision, where=ref.path))


def _claims(folder: Path, facts: RunFacts) -> Iterator[JudgedClaims]:
    for step in facts.steps:
        if step.record.op != CLAIMS_OPERATION or step.status is not StepStatus.DONE or step.value is None:
            continue
        data = _unless_withheld(folder, step.value)
        if data is not None:
            value = parse(data, ClaimsValue, where=str(folder / step.value.path))
            yield JudgedClaims(step.record.id, step.value.path, tuple(value.claims))


def _unless_withheld(folder: Path, ref: FileRef) -> bytes | None:
    """The recorded bytes; None where a redaction or an erasure took them away."""
    try:
        return refuse_altered(folder, ref.path, ref.sha256)
    except TextWithheld:
        return None


class _Answer(msgspec.Struct, frozen=True, gc=False):
    """What is looked at of a line of responses.jsonl."""

    model: str
    model_answered: str


def _answered(folder: Path, groups: tuple[CallGroup, ...], sealed: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Under which names answers came, by model. Reads every response, a line at a time, and nothing but two fields.

    `sealed` are digests by path. A file of responses that has one is held against it: nothing else vouches for names.
    """
    found: dict[str, set[str]] = {}
    decode = msgspec.json.Decoder(_Answer).decode
    for step in dict.fromkeys(group.step for group in groups if group.responses):
        place, hasher = folder / responses_path(step), sha256_running()
        expected = sealed.get(responses_path(step), "")
        try:
            with place.open("rb", buffering=READ_BYTES) as lines:
                for line in lines:
                    hasher.update(line)
                    answer = decode(line)
                    found.setdefault(answer.model, set()).add(answer.model_answered)
        except FileNotFoundError:
            continue  # withheld; verify says whether rightly
        except msgspec.MsgspecError as error:
            raise EvidenceError(
                "a line of the responses is not a response", where=str(place), got=str(error)
            ) from error
        except OSError as error:
            raise DiskTrouble("the responses cannot be read", where=str(place), got=error.strerror or "") from error
        if expected and hasher.hexdigest() != expected:
            raise EvidenceError(
                "the responses are not those that were sealed",
                where=str(place),
                expected=f"SHA-256 {expected}",
                got=hasher.hexdigest(),
                hint=RESTORE,
            )
    return {model: tuple(sorted(names)) for model, names in sorted(found.items())}


def _seal_of(folder: Path) -> tuple[Seal | None, str]:
    """The seal and its digest. Whether its signature holds is asked by whoever verifies."""
    try:
        if not (folder / SEAL_SIGNATURE).is_file():
            return None, ""
        data = (folder / SEAL).read_bytes()
    except FileNotFoundError:
        return None, ""
    except OSError as error:
        raise DiskTrouble("the seal cannot be read", where=str(folder / SEAL), got=error.strerror or "") from error
    return parse_canonical(data, Seal, where=str(folder / SEAL)), sha256_hex(data)


def _files_of(folder: Path, *, withheld: bool) -> Iterator[FileRef]:
    try:
        sums = (folder / SUMS).read_bytes()
        listed: dict[str, tuple[str, int]] = {}
        for path, digest in parse_sums(sums).items():
            found = _size_of(folder, path)
            if found is not None:
                listed[path] = digest, found
            elif not withheld:
                raise EvidenceError("a file that SHA256SUMS lists is missing", where=str(folder / path))
            elif (folder / f"{path}{PARTIAL}").is_file():
                listed[f"{path}{PARTIAL}"] = sha256_file(folder / f"{path}{PARTIAL}")
        for path in [*NOT_IN_SUMS, *_redactions(folder)]:
            if (folder / path).is_file() and not is_in_sums(path):
                listed[path] = sha256_file(folder / path)
    except FileNotFoundError as error:
        raise EvidenceError("a file of a sealed run is missing", where=str(error.filename)) from error
    except OSError as error:
        raise DiskTrouble("the files of the run cannot be read", where=str(folder), got=error.strerror or "") from error
    for path in sorted(listed):
        yield FileRef(path=path, sha256=listed[path][0], size_bytes=listed[path][1])


def _size_of(folder: Path, path: str) -> int | None:
    try:
        return (folder / path).stat().st_size
    except FileNotFoundError:
        return None


def _redactions(folder: Path) -> list[str]:
    place = folder / REDACTIONS
    return sorted(f"{REDACTIONS}/{one.name}" for one in place.iterdir()) if place.is_dir() else []
