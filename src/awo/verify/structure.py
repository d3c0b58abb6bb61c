"""Chapter 1, structure: the package is whole, plain, and in the shapes of its format."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from awo.canon import time
from awo.canon.json import parse, parse_canonical
from awo.errors import AwoError, EvidenceError
from awo.evidence.events import FileRef
from awo.evidence.gates import Authority, Decision, GateRequest, SealedVote
from awo.evidence.layout import (
    ALLOWED_SIGNERS,
    DISCLOSURE_KEY,
    GATE_PENDING,
    INPUT,
    JOURNAL,
    METADATA,
    REPORT,
    SEAL,
    SEAL_SIGNATURE,
    STATUS,
    SUMS,
    signature_path,
)
from awo.evidence.metadata import Metadata
from awo.evidence.records import Seal, StatusView
from awo.sign.allowed_signers import AllowedSigners
from awo.sign.sshsig import read as read_signature
from awo.verify.doubled import doubled_key
from awo.verify.findings import Answer, Finding
from awo.verify.reading import Reading
from awo.verify.replanned import FAN_OUT, REQUESTS
from awo.verify.verifiers import notes_on

ALWAYS = (INPUT, JOURNAL)
IN_A_SEALED_RUN = (ALLOWED_SIGNERS, DISCLOSURE_KEY, STATUS, METADATA, REPORT, SUMS, SEAL, SEAL_SIGNATURE)
NOT_SEALED = "the run is not sealed"
TOO_MUCH = "the exchanges unpack to far more than they are, and the rest was not unpacked"


def ep_1_1(reading: Reading, answer: Answer) -> None:
    """The container is whole: a folder, or one gzip stream around one tar in the narrow form, to its last byte.

    All members of a bundle have the seal's time.
    """
    if reading.broken is not None:
        if reading.broken.check == "EP-1.1":
            answer.add(Finding.of(reading.broken))
        return
    for note in notes_on(reading.attached):
        answer.note(note)
    seal = seal_of(reading)
    if reading.mtime is not None and seal is not None and (sealed_at := moment(seal.at)) is not None:
        expected = int(sealed_at.timestamp())
        if reading.mtime != expected:
            answer.fail(
                "the archive", "its members do not have the time of the seal", str(expected), str(reading.mtime)
            )


def ep_1_2(reading: Reading, answer: Answer) -> None:
    """There are only plain files with portable names, no two of them alike but for case."""
    if reading.broken is not None and reading.broken.check == "EP-1.2":
        answer.add(Finding.of(reading.broken))
    for refused in reading.refused:
        answer.fail(refused.path, refused.what, "plain files with portable names")


def ep_1_3(reading: Reading, answer: Answer) -> None:
    """The files that make a package are there, and could be read; a sealed one has no gate_pending.json."""
    is_sealed = reading.has_seal or reading.kind == "bundle"
    for path in (*ALWAYS, *IN_A_SEALED_RUN):
        if path in reading.present or reading.withheld.is_away(path):
            continue
        if why := reading.why_unread(path):
            answer.cannot(path, "the file cannot be read here", got=why)
        elif is_sealed or path in ALWAYS:
            answer.fail(path, "the file is missing")
        elif path in (SEAL, SEAL_SIGNATURE):
            answer.cannot(path, NOT_SEALED)
    if SUMS in reading.present and not is_sealed:
        answer.note(f"{SUMS} is there without a seal: the sealing was cut off, or somebody took the seal away")
    if is_sealed and GATE_PENDING in reading.present:
        answer.fail(GATE_PENDING, "a sealed run waits for nobody, and this file says that it does")
    for path in reading.withheld.unsigned:
        if not (why := reading.why_unread(path)):
            answer.fail(path, "of the record of a redaction and its signature one is missing")
        else:
            answer.cannot(path, "the file cannot be read here", got=why)
    if reading.withheld.is_redacted and DISCLOSURE_KEY in reading.present:
        what = "whoever has this key can guess what is withheld, so it may not lie beside a record of a redaction"
        answer.fail(DISCLOSURE_KEY, what)


def ep_1_4(reading: Reading, answer: Answer) -> None:
    """Each record has its shape: seal, sums, input, views, gate requests, decisions, votes, who signed, signatures."""
    for finding in (reading.sums_problem, reading.plan_problem):
        if finding is not None:
            answer.add(finding)
    _redaction_records(reading, answer)
    for path in reading.too_large:
        answer.fail(path, "the record is larger than the limit", f"at most {reading.limits.record_bytes} bytes")
    if reading.input_doubled:
        answer.fail(INPUT, "a key stands twice in one object", got=reading.input_doubled)
    for path in (SEAL, SEAL_SIGNATURE, ALLOWED_SIGNERS, STATUS, METADATA):
        if path in reading.kept:
            _try(answer, lambda path=path: _FIXED[path](reading.kept[path], path))
    for gate in reading.journal.gates if reading.journal else ():
        _gate_record(reading, answer, gate.opened.request.path)
        for vote in gate.votes:
            _decision_records(reading, answer, SealedVote, vote.vote.path, vote.signature.path, vote.authority.path)
        for event in gate.decisions:
            paths = (event.decision.path, event.signature.path, event.authority.path)
            _decision_records(reading, answer, Decision, *paths)


def ep_1_5(reading: Reading, answer: Answer) -> None:
    """Each line of the journal is an event of a known kind in canonical form, and ends in a newline."""
    journal = reading.journal
    if journal is None or JOURNAL not in reading.present:
        answer.cannot(JOURNAL, "there is no journal to read")
        return
    if journal.bad_line is not None:
        answer.add(journal.bad_line)
    if journal.torn_bytes:
        if reading.has_seal or reading.kind == "bundle":
            answer.fail(
                f"{JOURNAL}:{journal.tree.size + 1}", "the last line has no newline", got=f"{journal.torn_bytes} bytes"
            )
        else:
            answer.note(
                f"the journal ends in {journal.torn_bytes} bytes of a line that was cut off; `awo resume` records it"
            )
    if not journal.tree.size:
        answer.fail(JOURNAL, "the journal is empty")


def ep_1_6(reading: Reading, answer: Answer) -> None:
    """Each line of a responses.jsonl is a response to the call that the journal names for it."""
    withhold_lines(reading, reading.journal.lines if reading.journal else (), answer)
    if reading.responses and reading.hidden.any_of(*REQUESTS):
        answer.withhold(INPUT, "the requests are named with what it says of models, and that is withheld")
    for responses in reading.responses:
        for finding in responses.misshapen:
            answer.add(finding)
        if responses.cut:
            answer.note(
                f"{responses.path} has {responses.cut} responses whose request cannot be named: a secret was cut"
            )
        if responses.torn_bytes and reading.has_seal:
            answer.fail(f"{responses.path}:{responses.count + 1}", "the last line has no newline")


def ep_1_7(reading: Reading, answer: Answer) -> None:
    """Each frame of audit/raw/ holds an exchange of the call that the journal names for it, with no header that
    may not be recorded."""
    withhold_lines(reading, reading.segments, answer)
    for segment in reading.exchanges:
        for finding in segment.misshapen:
            answer.add(finding)
        if segment.was_too_much:
            answer.cannot(segment.path, TOO_MUCH)


def ep_1_8(reading: Reading, answer: Answer) -> None:
    """Line n of an items.jsonl is the result of cell n: its row, its values of the matrix and its repeat."""
    withhold_lines(reading, reading.journal.items if reading.journal else (), answer)
    for items in reading.items:
        for finding in items.misshapen:
            answer.add(finding)
    if reading.hidden.any_of(*FAN_OUT) or (reading.plan is None and reading.hidden.anything):
        answer.withhold(INPUT, "how steps fan out is withheld")
    elif reading.items and reading.hidden.any_of("files"):
        answer.withhold(INPUT, "the rows of data sets are withheld")


def withhold_lines(reading: Reading, paths: Iterable[str], answer: Answer) -> None:
    """Says which of these files are withheld, at least in part, and so are not judged line by line."""
    for path in paths:
        file = reading.withheld.file(path)
        if file is not None and file.state == "withheld":
            answer.withhold(path)
        elif file is not None and file.state == "partial":
            answer.withhold(path, "of its lines parts are withheld", got=f"{file.withheld} lines")


# --- what the other chapters read too -------------------------------------------------------------------


def seal_of(reading: Reading) -> Seal | None:
    """The seal, if it is there in its shape."""
    data = reading.kept.get(SEAL)
    if data is None:
        return None
    try:
        return parse_canonical(data, Seal, where=SEAL)
    except AwoError:
        return None


def request_of(reading: Reading, ref: FileRef) -> GateRequest | None:
    """A gate's request, if it is there as the journal names it."""
    data = reading.kept.get(ref.path)
    if data is None or reading.digests.get(ref.path) != ref.sha256:
        return None
    try:
        return parse(data, GateRequest, where=ref.path)
    except EvidenceError:
        return None


def claimed_signers(reading: Reading) -> AllowedSigners | None:
    """audit/allowed_signers, if it is there in its shape."""
    data = reading.kept.get(ALLOWED_SIGNERS)
    if data is None:
        return None
    try:
        return _signers(data, ALLOWED_SIGNERS)
    except EvidenceError:
        return None


def moment(text: str) -> Any:
    """The aware UTC time that `text` spells, or None when it is no time (such as month 13)."""
    try:
        return time.read(text)
    except ValueError:
        return None


def _try(answer: Answer, act: Any) -> None:
    try:
        act()
    except AwoError as error:
        answer.add(Finding.of(error))


def _seal(data: bytes, path: str) -> None:
    seal = parse_canonical(data, Seal, where=path)
    if moment(seal.at) is None:
        raise EvidenceError("the seal's time is no time", where=path, got=seal.at)


def _signers(data: bytes, path: str) -> AllowedSigners:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise EvidenceError("the list of signers is not UTF-8", where=path) from error
    return AllowedSigners.parse(text, where=path, error=EvidenceError)


def _plain(data: bytes, kind: type[Any], path: str) -> None:
    """Raises `EvidenceError` unless `data` is a `kind` in which no object has a key twice."""
    parse(data, kind, where=path)
    if key := doubled_key(data):
        raise EvidenceError("a key stands twice in one object", where=path, got=key)


_FIXED: dict[str, Any] = {
    SEAL: _seal,
    SEAL_SIGNATURE: lambda data, path: read_signature(data, where=path),
    ALLOWED_SIGNERS: _signers,
    STATUS: lambda data, path: _plain(data, StatusView, path),
    METADATA: lambda data, path: _plain(data, Metadata, path),
}


def _redaction_records(reading: Reading, answer: Answer) -> None:
    for one in reading.withheld.records:
        if one.problem is not None:
            answer.add(one.problem)
        if one.armored is not None:
            _try(answer, lambda one=one: read_signature(one.armored, where=signature_path(one.path)))
        if one.record is not None and moment(one.record.at) is None:
            answer.fail(one.path, "the time of the redaction is no time", got=one.record.at)
    for partial in reading.withheld.partials.values():
        for finding in partial.misshapen:
            answer.add(finding)


def _gate_record(reading: Reading, answer: Answer, path: str) -> None:
    if path in reading.kept:
        _try(answer, lambda: _plain(reading.kept[path], GateRequest, path))


def _decision_records(
    reading: Reading, answer: Answer, kind: type[Any], path: str, signature: str, authority: str
) -> None:
    if path in reading.kept:
        _try(answer, lambda: parse_canonical(reading.kept[path], kind, where=path))
    if signature in reading.kept:
        _try(answer, lambda: read_signature(reading.kept[signature], where=signature))
    if authority in reading.kept:
        _try(answer, lambda: _plain(reading.kept[authority], Authority, authority))
