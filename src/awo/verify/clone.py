"""Beyond the package: whether a clone of the repository agrees with what the run says of its commit (ADR 0019).

A reader's own comparison, and none of the numbered checks: a package verifies without any clone. Whoever may start git
reads the clone (`api/clones.py`); nothing here starts a process.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final, NamedTuple, Protocol

from awo.canon.digest import sha256_hex
from awo.evidence.layout import INPUT, SEAL
from awo.evidence.ledger import COMMIT_PATTERN, CommitEntered
from awo.verify.findings import Answer, Finding, Verdict
from awo.verify.reading import Reading
from awo.verify.registered import Registered, registered

LONGEST_POINTER: Final = 1024
"""A file that git-lfs keeps elsewhere leaves a pointer of fewer bytes (git-lfs specification, "The Pointer")."""

_COMMIT = re.compile(COMMIT_PATTERN)
_POINTER = re.compile(rb"version [^\n]*/spec/v1\n(?:[a-z0-9.-]+ [^\n]*\n)*?oid sha256:([0-9a-f]{64})\n")


class Blob(NamedTuple):
    """A file of a commit. Without `data`, `why` says why it cannot be read; '' where the commit has no such file."""

    data: bytes | None
    why: str = ""


class Clone(Protocol):
    """A clone of the reader's. `name` is what it is called in print, `is_named` whether the reader named it.

    `folder` is where in the repository the reader points ('' or `a/b/`), `place` where the package lies in it, '' for
    outside of it.
    """

    name: str
    is_named: bool
    folder: str
    place: str

    @property
    def head(self) -> str:
        """The commit that is checked out."""

    def has(self, commit: str) -> bool:
        """Whether the clone has the commit with this id (40 or 64 hexadecimal digits)."""

    def blobs(self, commit: str, paths: Sequence[str]) -> Iterator[tuple[str, Blob]]:
        """Each of the files in the tree of a commit, as git keeps it: no filter is run."""

    def changed_by_git(self, commit: str, path: str) -> bool:
        """Whether git hands the file out otherwise than it keeps it (a filter, `ident`, another encoding), or does not
        say."""


@dataclass(frozen=True, slots=True)
class CloneCompared:
    """What came of it. `commit` is the one that the run names, '' for none; `files` are those that the run read and
    that are there as it read them; `holds_input` are the commits that have the same input.json of the package."""

    name: str
    commit: str
    verdict: Verdict
    files: int
    holds_input: tuple[str, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    left_out: int

    def as_dict(self) -> dict[str, Any]:
        """As `awo verify --json` prints it: the first finding beside the verdict, all of them in `findings`."""
        first = self.findings[0] if self.findings else Finding("", "")
        return {
            "name": self.name,
            "commit": self.commit,
            "verdict": self.verdict,
            **first.as_dict(),
            "files": self.files,
            "holds_input": list(self.holds_input),
            "findings": [one.as_dict() for one in self.findings],
            "left_out": self.left_out,
            "notes": list(self.notes),
        }


def not_compared(clone: Clone, what: str) -> CloneCompared | None:
    """That nothing could be compared, said only to a reader who asked for it."""
    answer = Answer()
    answer.cannot("", what)
    return _result(clone, "", answer, 0, ()) if clone.is_named else None


def compare_clone(clone: Clone, reading: Reading) -> CloneCompared | None:
    """Holds the run against the clone; None for one that the reader did not name and that lacks the run's commit.

    Raises as the clone does.
    """
    if reading.broken is not None or reading.facts is None:
        return not_compared(clone, "the journal cannot be followed, so it names no commit")
    claim = _Claim.of(reading)
    is_here = bool(claim.commit) and clone.has(claim.commit)
    if not is_here and not clone.is_named:
        return None
    answer = Answer()
    files = 0
    if not claim.commit:
        answer.cannot("environment.git", "the run names no commit", got=claim.why)
    elif not is_here:
        what = "the clone does not have the commit that the run names"
        answer.cannot("environment.git", what, claim.commit, hint="git fetch, in the clone")
    else:
        files = _files_read(clone, claim, reading, answer)
    return _result(clone, claim.commit, answer, files, tuple(_input_committed(clone, claim, reading, answer)))


def _result(clone: Clone, commit: str, answer: Answer, files: int, holds_input: tuple[str, ...]) -> CloneCompared:
    findings = (*answer.failed, *answer.unchecked, *answer.withheld)
    said = (clone.name, commit, answer.verdict, files, holds_input, findings, tuple(answer.notes), answer.left_out)
    return CloneCompared(*said)


class _Claim(NamedTuple):
    """What the run says of its repository. `doubt` is why a difference would contradict nothing, '' where it would."""

    commit: str
    why: str
    folder: str | None
    doubt: str

    @classmethod
    def of(cls, reading: Reading) -> _Claim:
        facts = reading.facts
        assert facts is not None
        first = facts.environments[0] if facts.environments else None
        git = first.environment.get("git") if first is not None else None
        if not isinstance(git, Mapping):
            return cls("", "nothing is recorded of git", None, "")
        commit, folder = git.get("commit"), git.get("folder")
        if not isinstance(commit, str) or not _COMMIT.match(commit):
            return cls("", str(git.get("why", "")), None, "")
        doubt = ""
        if git.get("is_dirty") is not False:
            doubt = "the run says that its tree had changes which no commit has"
        elif git.get("has_workflow", "/" in facts.input.source.path) is not True:
            doubt = "the run does not say that its workflow lay in the project"
        elif facts.resumes and first is not None and facts.resumes[0].at <= first.at:
            doubt = "the commit was recorded when the run was taken up again, not when it began"
        return cls(commit, "", folder if isinstance(folder, str) else None, doubt)


def _files_read(clone: Clone, claim: _Claim, reading: Reading, answer: Answer) -> int:
    """The workflow and what it reads, as the commit has them; how many are the same."""
    plan, hidden = reading.plan, reading.hidden
    if plan is None or hidden.any_of("source"):
        say = answer.withhold if hidden.anything else answer.cannot
        say(INPUT, "which files the run read stands in input.json, and cannot be read there")
        return 0
    folder = clone.folder if claim.folder is None else claim.folder
    base = PurePosixPath(folder, plan.source.path).parent
    expected = {str(PurePosixPath(folder, plan.source.path)): plan.source.sha256}
    shown = (file for number, file in enumerate(plan.files) if number not in hidden.files)
    expected |= {str(base / file.path): file.sha256 for file in shown}
    if hidden.files:
        answer.withhold(INPUT, f"{len(hidden.files)} of the files that the run read are withheld")
    inside = {path: digest for path, digest in expected.items() if _is_inside(path)}
    for path in expected.keys() - inside.keys():
        answer.cannot(path, "this cannot be the name of a file in a commit of the project")
    same = 0
    for path, blob in clone.blobs(claim.commit, list(inside)):
        if blob.data is None:
            answer.cannot(path, blob.why or "the commit has no such file: git ignores it, or it lay elsewhere")
        elif _agrees(blob.data, inside[path]):
            same += 1
        elif claim.doubt:
            answer.cannot(path, f"the commit has another content; {claim.doubt}", *_digests(inside[path], blob.data))
        elif not _kept_elsewhere(blob.data) and clone.changed_by_git(claim.commit, path):
            what = "git hands this file out otherwise than it keeps it (.gitattributes), so the two cannot be compared"
            answer.cannot(path, what, *_digests(inside[path], blob.data))
        else:
            what = "the run says that it read the file of this commit, and the commit has another content"
            answer.fail(path, what, *_digests(inside[path], blob.data))
    return same


def _input_committed(clone: Clone, claim: _Claim, reading: Reading, answer: Answer) -> Iterator[str]:
    """The commits of the sealed package that have its very input.json: those that the ledger names, and HEAD."""
    facts = reading.facts
    assert facts is not None
    folder = clone.folder if claim.folder is None else claim.folder
    places = [f"{clone.place}/{INPUT}"] if clone.place else []
    places.append(str(PurePosixPath(folder, "runs", facts.run_id, INPUT)))
    places = [place for place in dict.fromkeys(places) if _is_inside(place)]
    named = _commits_in_ledger(reading)
    for commit in dict.fromkeys((*named, *([clone.head] if clone.head else []))):
        if not clone.has(commit):
            answer.cannot(INPUT, "the clone lacks the commit to which the ledger says the run was committed", commit)
            continue
        found = [(place, blob) for place, blob in clone.blobs(commit, places) if blob.data is not None or blob.why]
        if not found and commit in named:
            what = "the commit to which the ledger says the run was committed does not have it here"
            answer.cannot(INPUT, what, " or ".join(places), commit)
        for place, blob in found:
            if blob.data is None:
                answer.cannot(place, blob.why, got=commit)
            elif facts.input_file.sha256 in (sha256_hex(blob.data), _kept_elsewhere(blob.data)):
                yield commit
            else:
                what = f"commit {commit} has another {INPUT} of this run than the package"
                answer.fail(place, what, *_digests(facts.input_file.sha256, blob.data))


def _commits_in_ledger(reading: Reading) -> list[str]:
    found = registered(reading)
    if not isinstance(found, Registered) or SEAL not in reading.digests:
        return []
    seal = reading.digests[SEAL]
    return [one.commit for one in found.entries if isinstance(one, CommitEntered) and one.seal_sha256 == seal]


def _agrees(data: bytes, digest: str) -> bool:
    """Whether git checks `data` out as the bytes of this digest: as they are, with the line ends of Windows, or as
    what a pointer of git-lfs stands for."""
    if sha256_hex(data) == digest or _kept_elsewhere(data) == digest:
        return True
    return b"\r" not in data and b"\0" not in data and sha256_hex(data.replace(b"\n", b"\r\n")) == digest


def _kept_elsewhere(data: bytes) -> str:
    """The digest of what a pointer of git-lfs stands for; '' where it is none."""
    pointer = _POINTER.match(data) if len(data) <= LONGEST_POINTER else None
    return pointer[1].decode() if pointer is not None else ""


def _is_inside(path: str) -> bool:
    """Whether `path` can name a file in the tree of a commit: a stranger wrote it."""
    return not path.startswith("/") and not {"", ".", ".."} & set(path.split("/")) and path.isprintable()


def _digests(expected: str, data: bytes) -> tuple[str, str]:
    return f"SHA-256 {expected}", f"SHA-256 {sha256_hex(data)}"
