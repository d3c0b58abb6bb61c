"""Chapter 2, integrity: every byte is the one that was recorded, and the one that was sealed."""

from __future__ import annotations

import re

from awo.canon.digest import sha256_hex
from awo.canon.json import parse
from awo.derive.phrases import count
from awo.errors import EvidenceError
from awo.evidence.events import FileRef
from awo.evidence.layout import (
    ALLOWED_SIGNERS,
    DISCLOSURE_KEY,
    GATE_PENDING,
    INPUT,
    JOURNAL,
    METADATA,
    PARTIAL,
    RAW,
    REDACTIONS,
    REGISTRATION,
    REPORT,
    REPORT_PICTURES,
    SEAL,
    SEAL_SIGNATURE,
    STATUS,
    SUMS,
    TIME_STAMP,
    items_path,
)
from awo.evidence.records import CellsValue, InputRecord
from awo.verify.exchanges import SegmentReader
from awo.verify.findings import Answer, Finding
from awo.verify.items import ItemReader
from awo.verify.reading import NAMED_BY_JOURNAL, Reading
from awo.verify.recorded import RecordedItems
from awo.verify.replanned import FAN_OUT
from awo.verify.structure import NOT_SEALED, TOO_MUCH, seal_of, withhold_lines
from awo.workflow.cells import cells_a_row

OF_THE_FORMAT = frozenset(
    {
        ALLOWED_SIGNERS,
        DISCLOSURE_KEY,
        GATE_PENDING,
        INPUT,
        f"{INPUT}{PARTIAL}",
        JOURNAL,
        METADATA,
        REGISTRATION,
        REPORT,
        SEAL,
        SEAL_SIGNATURE,
        STATUS,
        SUMS,
        TIME_STAMP,
    }
)
"""Files outside outputs/, audit/decisions/ and audit/raw/ that a package may have, pictures aside."""

_IS_PICTURE = re.compile(rf"{REPORT_PICTURES}/([A-Za-z0-9_-]+\.(svg|png)|pictures\.md)").fullmatch

NO_SUMS = "there is no list of digests to compare with"


def ep_2_1(reading: Reading, answer: Answer) -> None:
    """SHA256SUMS is the list whose digest the seal names."""
    seal, got = seal_of(reading), reading.digests.get(SUMS)
    if seal is None or got is None:
        answer.cannot(SUMS, NOT_SEALED if not reading.has_seal else "the seal or the list cannot be read")
    elif got != seal.sums_sha256:
        answer.fail(SUMS, "this is not the list that was sealed", seal.sums_sha256, got)


def ep_2_2(reading: Reading, answer: Answer) -> None:
    """Every file in SHA256SUMS is there with its digest."""
    if reading.sums is None:
        answer.cannot(SUMS, NO_SUMS)
    for altered in reading.altered:
        answer.fail(altered.path, "the file has been altered", f"SHA-256 {altered.expected}", altered.got)
    for path in reading.sums_left:
        if why := reading.why_unread(path):
            answer.cannot(path, "the file cannot be read here", got=why)
        else:
            answer.fail(path, "the file is missing")
    for path, why in reading.unreadable.items():
        if path not in reading.sums_left:
            answer.cannot(path, "this cannot be read here", got=why)


def ep_2_3(reading: Reading, answer: Answer) -> None:
    """Every file that is there stands in SHA256SUMS (but the list itself, the seal and its signature)."""
    if reading.sums is None:
        answer.cannot(SUMS, NO_SUMS)
    for path in reading.unlisted:
        answer.fail(path, "the file was not there when the run was sealed")
    _as_withheld(reading, answer)
    pictures = [path for path in reading.present if _IS_PICTURE(path)]
    strange = sorted(reading.present.difference(OF_THE_FORMAT, pictures))
    strange = [path for path in strange if not path.startswith((f"{RAW}/", f"{REDACTIONS}/"))]
    if strange:
        others = count(len(strange), "file")
        answer.note(f"{others} beside those of the format, of which only the digest is checked: {strange[0]}")
    if pictures:
        answer.note(f"the pictures in {REPORT_PICTURES}/ are not drawn again, so they may show anything")


def _as_withheld(reading: Reading, answer: Answer) -> None:
    """What the record of a redaction says is away is away, and stands in part exactly where it says so."""
    withheld = reading.withheld
    for path in withheld.strange:
        answer.fail(path, "this is no record of a redaction, and no signature of one", "audit/redactions/NNNN.json")
    for path in withheld.there:
        answer.fail(path, "the record of the redaction says that this is withheld, and it is there")
    for file in withheld.away:
        path = f"{file.path}{PARTIAL}"
        if file.state != "partial" or file.path in withheld.partials:
            continue
        if why := reading.why_unread(path):
            answer.cannot(path, "the file cannot be read here", got=why)
        else:
            answer.fail(path, "parts of this file are to be shown, and what shows them is missing")


def ep_2_4(reading: Reading, answer: Answer) -> None:
    """The Merkle root over the journal's lines is the checkpoint that the seal names."""
    seal, journal = seal_of(reading), reading.journal
    if seal is None or journal is None or JOURNAL not in reading.present:
        answer.cannot(JOURNAL, NOT_SEALED if not reading.has_seal else "the seal or the journal cannot be read")
    elif journal.checkpoint != seal.checkpoint:
        answer.fail(
            JOURNAL,
            "this is not the journal that was sealed",
            f"{seal.checkpoint.size} lines, root {seal.checkpoint.root}",
            f"{journal.checkpoint.size} lines, root {journal.checkpoint.root}",
        )


def ep_2_5(reading: Reading, answer: Answer) -> None:
    """Every file that the journal names is there, in its own place, with its digest and length."""
    journal = reading.journal
    if journal is None or journal.bad_line is not None or JOURNAL not in reading.present:
        answer.cannot(JOURNAL, "the journal cannot be read to its end")
    for finding in journal.misplaced if journal else ():
        answer.add(finding)
    for altered in reading.altered_refs:
        answer.fail(altered.path, "the file is not the one that the journal recorded", altered.expected, altered.got)
    _recorded_away(reading, answer)
    for path, ref in reading.refs_left.items():
        if why := reading.why_unread(path):
            answer.cannot(path, "the file cannot be read here", got=why)
        else:
            answer.fail(path, "the journal names this file, and it is missing", f"SHA-256 {ref.sha256}")


def _recorded_away(reading: Reading, answer: Answer) -> None:
    """A file that is withheld had, by the list that was sealed, the digest and length that the journal recorded."""
    for file in reading.withheld.away:
        ref = reading.journal.refs.get(file.path) if reading.journal is not None else None
        if ref is None or reading.sums is None:
            continue
        expected, got = (ref.sha256, ref.size_bytes), (reading.sums.get(file.path, ""), file.size_bytes)
        if expected != got:
            answer.fail(
                file.path,
                "the file that is withheld is not the one that the journal recorded",
                f"{expected[0]}, {expected[1]} bytes",
                f"{got[0] or 'no digest'}, {got[1]} bytes",
            )


def ep_2_6(reading: Reading, answer: Answer) -> None:
    """Every response is line by line the one that the journal recorded, and there are no others."""
    if reading.journal is None:
        return
    read = {responses.path: responses for responses in reading.responses}
    withhold_lines(reading, reading.journal.lines, answer)
    for path, recorded in reading.journal.lines.items():
        responses = read.get(path)
        if reading.withheld.is_away(path):
            _partly_recorded(reading, path, len(recorded), answer)
            continue
        if responses is None:
            if why := reading.why_unread(path):
                answer.cannot(path, "the responses cannot be read here", got=why)
            else:
                answer.fail(path, "the recorded responses are missing", f"{len(recorded)} lines")
            continue
        for finding in responses.altered:
            answer.add(finding)
        if responses.missing:
            answer.fail(path, "recorded responses are missing", f"{len(recorded)} lines", f"{responses.count} lines")
        if responses.unrecorded or responses.torn_bytes:
            _more_than_recorded(reading, answer, path, len(recorded), responses.unrecorded)


def _partly_recorded(reading: Reading, path: str, recorded: int, answer: Answer) -> None:
    """Of lines that are shown in part their number is that of the journal, and those that are whole are recorded."""
    partial = reading.withheld.partials.get(path)
    if partial is None or partial.misshapen:
        return
    for finding in partial.altered:
        answer.add(finding)
    if partial.count != recorded:
        what = "there is not one line for each response"
        answer.fail(partial.path, what, f"{recorded} lines", f"{partial.count} lines")


def ep_2_7(reading: Reading, answer: Answer) -> None:
    """Every file in outputs/ and audit/decisions/ is one that the journal names."""
    journal = reading.journal
    if journal is None or journal.bad_line is not None or JOURNAL not in reading.present:
        answer.cannot(JOURNAL, "the journal cannot be read to its end")
        return
    if not reading.has_seal and journal.finished is None:
        if reading.unnamed:
            answer.note(f"{len(reading.unnamed)} files are not recorded yet, {reading.unnamed[0]} among them")
        return
    withheld = (file.path for file in reading.withheld.away if file.path.startswith(NAMED_BY_JOURNAL))
    hidden = [path for path in withheld if path not in journal.refs and path not in journal.lines]
    for path in (*reading.unnamed, *hidden):
        answer.fail(path, "no event of the journal names this file")


def ep_2_8(reading: Reading, answer: Answer) -> None:
    """Every text that input.json carries has the digest and the length beside it."""
    if reading.hidden.files or (reading.plan is None and reading.hidden.anything):
        answer.withhold(INPUT, "texts of files, or what is said of them, are withheld")
    elif reading.plan is None:
        answer.cannot(INPUT, "input.json cannot be read")
    for number, file in enumerate(reading.plan.files if reading.plan is not None else ()):
        if number in reading.hidden.files:
            continue
        data = file.content.encode()
        if file.encoding == "absent":
            if data:
                answer.fail(INPUT, f"{file.path} is said to be absent, and has a text")
        elif (sha256_hex(data), len(data)) != (file.sha256, file.size_bytes):
            answer.fail(
                INPUT,
                f"the text of {file.path} is not the one that was read",
                f"{file.sha256}, {file.size_bytes} bytes",
                f"{sha256_hex(data)}, {len(data)} bytes",
            )


def ep_2_9(reading: Reading, answer: Answer) -> None:
    """audit/raw/ holds the recorded exchanges, frame by frame, one after the other, and nothing else."""
    journal = reading.journal
    is_known = journal is not None and journal.bad_line is None and JOURNAL in reading.present
    if not is_known:
        answer.cannot(JOURNAL, "the journal cannot be read to its end")
    is_open = not reading.has_seal and (journal is None or journal.finished is None)
    read = {segment.path: segment for segment in reading.exchanges}
    withhold_lines(reading, reading.segments, answer)
    last = max(reading.segments, default="", key=lambda path: (len(path), path))  # five digits, or more
    for path, frames in reading.segments.items():
        segment = read.get(path)
        if segment is not None:
            may_go_on = not is_known or (is_open and path == last)
            _exchanges_of(segment, len(frames), answer, may_go_on=may_go_on)
        elif reading.withheld.is_away(path):
            continue
        elif why := reading.why_unread(path):
            answer.cannot(path, "the exchanges cannot be read here", got=why)
        else:
            answer.fail(path, "the recorded exchanges are missing", f"{len(frames)} frames")
    if reading.unnamed_raw and is_open:
        answer.note(f"{len(reading.unnamed_raw)} files in audit/raw/ are not recorded yet")
    elif is_known:
        for path in reading.unnamed_raw:
            answer.fail(path, "no event of the journal names an exchange in this file")


def _exchanges_of(segment: SegmentReader, recorded: int, answer: Answer, *, may_go_on: bool) -> None:
    for finding in segment.altered:
        answer.add(finding)
    if segment.was_too_much:
        answer.cannot(segment.path, TOO_MUCH)
    if segment.missing:
        if not segment.altered:
            whole = recorded - segment.missing
            answer.fail(segment.path, "recorded exchanges are missing", f"{recorded} frames", f"{whole} whole frames")
    elif segment.extra_bytes and may_go_on:
        answer.note(f"{segment.path} has {segment.extra_bytes} bytes that are not recorded yet")
    elif segment.extra_bytes:
        answer.fail(
            segment.path, "no event of the journal names what stands at its end", got=f"{segment.extra_bytes} bytes"
        )


def ep_2_10(reading: Reading, answer: Answer) -> None:
    """A step that fans out has as many items as cells, and its value counts them as they are."""
    if reading.hidden.any_of(*FAN_OUT) or (reading.plan is None and reading.hidden.anything):
        answer.withhold(INPUT, "how steps fan out is withheld")
        return
    if reading.journal is None or reading.plan is None:
        answer.cannot(JOURNAL, "the cells of a step need input.json and the journal, and one of them cannot be read")
        return
    read = {items.path: items for items in reading.items}
    withhold_lines(reading, reading.journal.items, answer)
    for path, recorded in reading.journal.items.items():
        items = read.get(path)
        _cell_count(reading, reading.plan, recorded, answer)
        if reading.withheld.is_away(path):
            continue
        if items is None:
            if why := reading.why_unread(path):
                answer.cannot(path, "the items cannot be read here", got=why)
            else:
                answer.fail(path, "the items of the step are missing", f"{recorded.cells} lines")
            continue
        if items.count != recorded.cells:
            answer.fail(path, "there is not one item for each cell", f"{recorded.cells} lines", f"{items.count} lines")
        if recorded.value is not None:
            _counted(reading, items, recorded.value, answer)


def _cell_count(reading: Reading, plan: InputRecord, recorded: RecordedItems, answer: Answer) -> None:
    """The journal's number of cells is that of rows, combinations and repeats."""
    cells = reading.cells[recorded.step]
    rows = 1
    if cells.over is not None and cells.over.kind == "data":
        rows = plan.data[cells.over.name].rows
    elif cells.over is not None:
        path = items_path(cells.over.name)
        before = next((items for items in reading.items if items.path == path), None)
        if before is None and reading.withheld.is_away(path):
            answer.withhold(path, f"step {recorded.step} goes over these items, and they are withheld")
            return
        if before is None:
            answer.cannot(path, f"step {recorded.step} goes over these items, and they cannot be read")
            return
        rows = before.done
    expected = rows * cells_a_row(cells.matrix, cells.repeats)
    if recorded.cells != expected:
        answer.fail(
            f"step {recorded.step}",
            "it has not as many cells as rows, matrix and repeats give",
            str(expected),
            str(recorded.cells),
        )


def _counted(reading: Reading, items: ItemReader, ref: FileRef, answer: Answer) -> None:
    """The step's value says what its items say."""
    data = reading.kept.get(ref.path)
    if reading.withheld.is_away(ref.path):
        answer.withhold(ref.path)
        return
    if data is None or reading.digests.get(ref.path) != ref.sha256:
        answer.cannot(ref.path, "the value of the step cannot be read")
        return
    try:
        value = parse(data, CellsValue, where=ref.path)
    except EvidenceError as error:
        answer.add(Finding.of(error))
        return
    said = CellsValue(cells=items.count, done=items.done, failed=items.failed, path=items.path)
    if value != said:
        answer.fail(
            ref.path,
            "the value does not say what the items say",
            f"{said.done} done and {said.failed} failed of {said.cells} in {said.path}",
            f"{value.done} done and {value.failed} failed of {value.cells} in {value.path}",
        )
    if items.failed > items.cells.max_failed:
        answer.fail(
            ref.path, "more cells failed than the step allows", f"at most {items.cells.max_failed}", str(items.failed)
        )


def _more_than_recorded(reading: Reading, answer: Answer, path: str, recorded: int, more: int) -> None:
    """Lines after the recorded ones: a killed run may have them, a finished one may not."""
    if reading.has_seal:
        answer.fail(f"{path}:{recorded + 1}", "the journal recorded no such response", f"{recorded} lines")
    else:
        answer.note(f"{path} has {more} whole lines that are not recorded yet; `awo resume` settles them")
