"""Holds what the seal commits to beside the sums against the files: what stands for each where texts are withheld."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from awo.canon import time
from awo.errors import EvidenceError
from awo.evidence.disclosure import KEY_PATTERN, NodeReader, disclosure_root, form_of, opaque_node
from awo.evidence.layout import DISCLOSURE_KEY, SEAL, signature_path
from awo.evidence.records import Seal
from awo.evidence.redaction import RedactedFile, Redaction
from awo.sign.allowed_signers import MayNotSign
from awo.sign.namespaces import REDACTION
from awo.sign.sshsig import verify as verify_signature
from awo.verify.findings import Answer, Finding
from awo.verify.folder import FolderSource
from awo.verify.nodes_beside import NodesBeside, is_of_lines
from awo.verify.partial import PartialReader
from awo.verify.withheld import ReadRecord

if TYPE_CHECKING:
    from awo.verify.reading import Reading

_SHOWS: Final = {"withheld": 0, "partial": 1, "shown": 2}


class Disclosed:
    """What stands for the files of a package that are cut into values or lines, computed as they go by."""

    def __init__(self, limit_bytes: int) -> None:
        self.key: bytes | None = None
        self.problem: Finding | None = None
        self._limit_bytes = limit_bytes
        self._nodes: dict[str, bytes] = {}
        self._beside: NodesBeside | None = None

    def take_key(self, data: bytes) -> None:
        """audit/disclosure.key, which stands before all that is cut."""
        if re.match(KEY_PATTERN, data.decode("latin-1")):
            self.key = bytes.fromhex(data.decode().strip())
        else:
            self.problem = Finding(DISCLOSURE_KEY, "this is no key of a disclosure", "64 hex digits and a line feed")

    def take_second_core(self, folder: FolderSource) -> None:
        """Lets what takes longest be worked out beside all else, where the folder is large."""
        if self.key is not None and self.problem is None and (sizes := folder.sizes(is_of_lines)):
            self._beside = NodesBeside.start(self.key, sizes, self._limit_bytes, folder.open)

    def close(self) -> None:
        """Ends what is still at work."""
        if self._beside is not None:
            self._beside.close()
            self._beside = None

    def reader(self, path: str) -> NodeReader | None:
        """What takes the file at `path`; None where its digest is enough, where it is taken beside, or without key."""
        if self.key is None or form_of(path) == "opaque" or (self._beside is not None and path in self._beside.paths):
            return None
        return NodeReader(self.key, path, self._limit_bytes)

    def settle_beside(self, path: str, sha256: str) -> None:
        """A file with this digest went by; what stands for it was worked out beside, where it is one of those."""
        if self._beside is None or path not in self._beside.paths:
            return
        try:
            self.settle(path, self._beside.node(path, sha256))
        except EvidenceError as error:
            self.spoil(error)

    def settle(self, path: str, node: bytes) -> None:
        """What stands for a file that was taken whole."""
        self._nodes[path] = node

    def spoil(self, error: EvidenceError) -> None:
        """A file could not be cut; the first such fault is kept."""
        self.problem = self.problem or Finding.of(error)

    def root(self, sums: Mapping[str, str]) -> str | None:
        """The root over the files of the list; None where one of them did not come by."""
        assert self.key is not None
        nodes: list[tuple[str, bytes]] = []
        for path in sorted(sums, key=str.encode):
            if path == DISCLOSURE_KEY:
                continue
            node = self._nodes.get(path)
            if node is None:
                if form_of(path) != "opaque":
                    return None
                node = opaque_node(self.key, path, sums[path])
            nodes.append((path, node))
        return disclosure_root(nodes)


def ep_2_11(reading: Reading, answer: Answer) -> None:
    """What the seal commits to for redactions is what the files are."""
    from awo.verify.structure import seal_of

    seal, disclosed = seal_of(reading), reading.disclosed
    if reading.withheld.is_redacted:
        _redacted(reading, seal, answer)
    elif disclosed.problem is not None:
        answer.add(disclosed.problem)
    elif seal is None or reading.sums is None:
        answer.cannot(SEAL, "the run is not sealed, or its seal or its list cannot be read")
    elif disclosed.key is None:
        answer.cannot(DISCLOSURE_KEY, "the key of what is committed to is not there")
    else:
        root = disclosed.root(reading.sums)
        if root is None:
            answer.cannot(SEAL, "a file that is committed to is not there or cannot be read")
        elif root != seal.disclosure_sha256:
            answer.fail(SEAL, "the seal commits to other texts than these files have", seal.disclosure_sha256, root)


def ep_4_13(reading: Reading, answer: Answer) -> None:
    """Every record of a redaction is signed, with the key that it names, over exactly its bytes; each follows the one
    before, all are of this run and this seal, and none shows what one before it withholds."""
    before: ReadRecord | None = None
    for number, one in enumerate(reading.withheld.records, start=1):
        if one.number != number:
            answer.fail(one.path, "records of redactions are counted without gaps", str(number), str(one.number))
        if one.record is None:
            answer.cannot(one.path, "the record cannot be read")
        else:
            _signed(one, one.record, reading, answer)
            _follows(one.path, one.record, before, reading, answer)
            if before is not None and before.record is not None:
                _shows_no_more(one.path, one.record, before.record, answer)
        before = one


# --- a redacted package -----------------------------------------------------------------------------------------


def _redacted(reading: Reading, seal: Seal | None, answer: Answer) -> None:
    """The record in force speaks of the files that were sealed, and what is shown of them is what was sealed."""
    withheld = reading.withheld
    record = withheld.in_force
    if seal is None or reading.sums is None or record is None:
        answer.cannot(SEAL, "the seal, its list or the record of the redaction cannot be read")
        return
    listed = sorted((path for path in reading.sums if path != DISCLOSURE_KEY), key=str.encode)
    named = [file.path for file in record.files]
    if named != listed:
        pairs = zip_longest(listed, named, fillvalue="")
        expected, got = next(pair for pair in pairs if pair[0] != pair[1])
        answer.fail(withheld.path, "the record does not name the files that were sealed, in their order", expected, got)
    root = disclosure_root((file.path, bytes.fromhex(file.node)) for file in record.files)
    if root != seal.disclosure_sha256:
        what = "the seal commits to other texts than the record of the redaction names"
        answer.fail(withheld.path, what, seal.disclosure_sha256, root)
    for finding in withheld.missized:
        answer.add(finding)
    for file in withheld.away:
        partial = withheld.partials.get(file.path)
        if partial is not None:
            _in_part(file, partial, answer)


def _in_part(file: RedactedFile, partial: PartialReader, answer: Answer) -> None:
    for finding in partial.broken:
        answer.add(finding)
    root = partial.root
    if root is None:
        answer.cannot(partial.path, "what is shown of the file is not in its shape")
        return
    if root.hex() != file.node:
        answer.fail(partial.path, "what is shown in part is not the file that was sealed", file.node, root.hex())
    if not partial.broken and partial.withheld != file.withheld:
        what = "the record counts otherwise what is withheld of the file"
        answer.fail(partial.path, what, str(file.withheld), str(partial.withheld))


def _signed(one: ReadRecord, record: Redaction, reading: Reading, answer: Answer) -> None:
    if one.armored is None:
        answer.cannot(one.path, "the signature of the record is not there")
        return
    where = f"{one.path} with {signature_path(one.path)}"
    try:
        key = verify_signature(one.armored, one.data, REDACTION, where=where).key
    except EvidenceError as error:
        answer.fail(where, error.what, error.expected, error.got)
        return
    if key.fingerprint != record.signer.key:
        what = "the record is signed with another key than it names"
        answer.fail(where, what, record.signer.key, key.fingerprint)
        return
    trust, at = reading.trust, time.read(record.at) if _is_time(record.at) else None
    judged = trust.signers.may_sign(record.signer.id, key, REDACTION, at) if trust.signers and at else None
    if isinstance(judged, MayNotSign):
        reason = f": {judged.reason}"
    elif judged is None:
        reason = " (no list of trusted signers was given)" if trust.signers is None else ""
    else:
        return
    answer.note(
        f"REDACTOR NOT TRUSTED: {trust.name} does not vouch for {record.signer.id}, who signed {one.path}{reason}; "
        "anybody can take texts away and sign for it"
    )


def _follows(path: str, record: Redaction, before: ReadRecord | None, reading: Reading, answer: Answer) -> None:
    started = reading.journal.started if reading.journal is not None else None
    previous = before.sha256 if before is not None else ""
    facts = (
        ("run", started.run_id if started is not None else record.run_id, record.run_id),
        ("seal", reading.digests.get(SEAL, ""), record.seal_sha256),
        ("record before it", previous, record.previous_sha256),
    )
    for name, expected, got in facts:
        if expected != got:
            answer.fail(path, f"the record is about another {name}", expected, got)


def _shows_no_more(path: str, record: Redaction, before: Redaction, answer: Answer) -> None:
    """What was withheld once stays withheld: whoever has the later package must not look for more in the earlier."""
    earlier = {file.path: file for file in before.files}
    if earlier.keys() != {file.path for file in record.files}:
        answer.fail(path, "the record names other files than the one before")
    for file in record.files:
        was = earlier.get(file.path)
        if was is None:
            continue
        if (was.node, was.size_bytes) != (file.node, file.size_bytes):
            answer.fail(path, f"the record before gives another node or size of {file.path}", was.node, file.node)
        if _SHOWS[file.state] > _SHOWS[was.state] or (file.state == was.state and file.withheld < was.withheld):
            answer.fail(
                path,
                f"the record shows what the one before withholds: {file.path}",
                f"{was.state}, {was.withheld}",
                f"{file.state}, {file.withheld}",
            )


def _is_time(text: str) -> bool:
    try:
        time.read(text)
    except ValueError:
        return False
    return True
