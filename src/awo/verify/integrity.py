"""Chapter 2, integrity: every byte is the one that was recorded, and the one that was sealed."""

from __future__ import annotations

from awo.canon.digest import sha256_hex
from awo.evidence.layout import INPUT, JOURNAL, SUMS
from awo.verify.findings import Answer
from awo.verify.reading import Reading
from awo.verify.structure import NOT_SEALED, seal_of

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
    for path, ref in reading.refs_left.items():
        if why := reading.why_unread(path):
            answer.cannot(path, "the file cannot be read here", got=why)
        else:
            answer.fail(path, "the journal names this file, and it is missing", f"SHA-256 {ref.sha256}")


def ep_2_6(reading: Reading, answer: Answer) -> None:
    """Every response is line by line the one that the journal recorded, and there are no others."""
    if reading.journal is None:
        return
    read = {responses.path: responses for responses in reading.responses}
    for path, recorded in reading.journal.lines.items():
        responses = read.get(path)
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
    for path in reading.unnamed:
        answer.fail(path, "no event of the journal names this file")


def ep_2_8(reading: Reading, answer: Answer) -> None:
    """Every text that input.json carries has the digest and the length beside it."""
    if reading.plan is None:
        answer.cannot(INPUT, "input.json cannot be read")
        return
    for file in reading.plan.files:
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


def _more_than_recorded(reading: Reading, answer: Answer, path: str, recorded: int, more: int) -> None:
    """Lines after the recorded ones: a killed run may have them, a finished one may not."""
    if reading.has_seal:
        answer.fail(f"{path}:{recorded + 1}", "the journal recorded no such response", f"{recorded} lines")
    else:
        answer.note(f"{path} has {more} whole lines that are not recorded yet; `awo resume` settles them")
