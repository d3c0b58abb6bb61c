"""What is asked of a data repository, whichever of its two APIs it speaks; and what its refusals mean."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn, Protocol

from awo.errors import AwoError, CannotCheck, EvidenceError, UsageError
from awo.evidence.publication import Deposit
from awo.publish.about.shapes import About
from awo.publish.targets.seam import Parcel, Progress
from awo.publish.targets.wire import AGAIN, Answer, Line

MOST_FAULTS: Final = 5
MOST_CHARACTERS: Final = 300
LONGEST_WAIT_S: Final = 86_400

_IDENTIFIER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_DOI: Final = re.compile(r"10\.[0-9]{4,9}/[!-~]{1,200}")
_MD5: Final = re.compile(r"(?:md5:)?([0-9a-f]{32})")


class Refused(UsageError):
    """The repository answered that it will not do what was asked, so that it is sure that nothing was done."""


@dataclass(frozen=True, slots=True)
class Held:
    """A deposit as the repository shows it. `faults` are what it finds wrong with the metadata; `bucket` is where its
    files go in the older API ('' in the newer)."""

    identifier: str
    is_published: bool
    doi: str
    faults: tuple[str, ...] = ()
    bucket: str = ""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file as the repository shows it. `md5` is '' while it has not arrived whole."""

    size_bytes: int
    md5: str
    file_id: str = ""


class Repository(Protocol):
    """One API of a repository. Every method asks anew and remembers nothing.

    All raise `Refused`, `CannotCheck` (`NotAnswered` where it is not known what was done) and `EvidenceError` for an
    answer that cannot be believed.
    """

    def find(self, urn: str) -> list[Held] | None:
        """The depositor's own deposits that have this identifier; None where this API is not spoken here."""

    def metadata(self, about: About, deposit: Deposit, *, publisher: str, today: str) -> dict[str, Any]:
        """What the authors say, in the words of this API. `today` (YYYY-MM-DD) stands where they name no day."""

    def make(self, metadata: Mapping[str, Any]) -> Held:
        """A new draft."""

    def look(self, identifier: str) -> Held | None:
        """A deposit, draft or published; None where there is none (any more)."""

    def change(self, identifier: str, metadata: Mapping[str, Any]) -> Held:
        """A draft with other metadata."""

    def reserve_doi(self, identifier: str) -> str:
        """The DOI that a draft will have; '' where the place gives none beforehand."""

    def file(self, held: Held, name: str) -> StoredFile | None:
        """What it has under a name; None for nothing."""

    def names(self, held: Held) -> list[str]:
        """The names of all files that it has, whole or not."""

    def send(self, held: Held, there: StoredFile | None, parcel: Parcel, progress: Progress) -> StoredFile:
        """Sends a file to a draft, in place of what is `there`."""

    def publish(self, identifier: str) -> Held:
        """Makes a draft public. Cannot be taken back."""

    def page(self, held: Held) -> str:
        """The path of the page that a person looks at."""


def refuse(answer: Answer, line: Line, variable: str, doing: str) -> NoReturn:
    """Raises what an answer that is not the expected one means. `doing` is what was tried; the server's own words are
    cut to a few, and never hold the token."""
    said = line.cut(words_of(answer))
    where = line.base.removesuffix("/api")
    match answer.status:
        case 401 | 403:
            raise CannotCheck(
                f"the repository does not let this token {doing}",
                where=where,
                got=f"status {answer.status}{f': {said}' if said else ''}",
                hint=f"make a token that may deposit (deposit:write, deposit:actions) and set it as {variable}",
            )
        case 429:
            wait_s = _wait(answer)
            raise CannotCheck(
                "the repository asks to wait",
                where=where,
                got="status 429" + (f", Retry-After: {wait_s} s" if wait_s else ""),
                hint=f"type the same command again in {wait_s or 60} s; it goes on where this one stopped",
            )
        case 413:
            raise _too_large(where, said)
        case status if status >= 500:
            raise Troubled(
                f"the repository has trouble of its own and did not {doing}",
                where=where,
                got=f"status {status}{f': {said}' if said else ''}",
                hint=AGAIN,
            )
    if re.search(r"quota|too large|size limit|file size", said, re.IGNORECASE):
        raise _too_large(where, said)
    hint = "correct what it names, in CITATION.cff, .zenodo.json or the workflow, and type the command again"
    if re.search(r"licen[cs]e|rights|invalid value", said, re.IGNORECASE):
        hint = "this repository may not know the licence: name another by its SPDX id in CITATION.cff"
    raise Refused(
        f"the repository did not {doing}", where=where, got=f"status {answer.status}: {said or 'no reason'}", hint=hint
    )


class Troubled(CannotCheck):
    """The server failed; what it did before is not known."""


def words_of(answer: Answer) -> str:
    """A server's reason, in a line."""
    said = answer.read()
    if not isinstance(said, dict):
        return ""
    message = said.get("message")
    faults = list(faults_in(said))
    text = "; ".join(faults) if faults else message if isinstance(message, str) else ""
    return text[:MOST_CHARACTERS]


def faults_in(said: Mapping[str, Any]) -> Iterator[str]:
    """What a server finds wrong with metadata: the field and the first message about it, a few at most."""
    errors = said.get("errors")
    for one in errors[:MOST_FAULTS] if isinstance(errors, list) else []:
        if isinstance(one, dict):
            messages = one.get("messages", one.get("message", ""))
            first = messages[0] if isinstance(messages, list) and messages else messages
            yield f"{str(one.get('field', ''))[:100]}: {str(first)[:MOST_CHARACTERS]}"


def an_identifier(value: Any, where: str) -> str:
    """An identifier that a server gave, fit to stand in an address. Raises `EvidenceError`."""
    text = str(value) if isinstance(value, str | int) else ""
    if not _IDENTIFIER.fullmatch(text):
        raise unbelievable(where, "an identifier")
    return text


def a_doi(value: Any, where: str) -> str:
    """A DOI that a server gave; '' for none. Raises `EvidenceError`."""
    if value is None or value == "":
        return ""
    text = value if isinstance(value, str) else ""
    if not _DOI.fullmatch(text):
        raise unbelievable(where, "a DOI")
    return text


def an_md5(value: Any, where: str) -> str:
    """A checksum that a server gave, as 32 hex digits. Raises `EvidenceError` for one of another kind."""
    found = _MD5.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise unbelievable(where, "an MD5 checksum")
    return found[1]


def names_of(rows: Any, key: str, where: str) -> list[str]:
    """The names in a server's list of files. Raises `EvidenceError` where one of them has none."""
    names = [row.get(key) if isinstance(row, dict) else None for row in rows] if isinstance(rows, list) else [None]
    if not all(isinstance(name, str) for name in names):
        raise unbelievable(where, "the list of files with their names")
    return [str(name) for name in names]


def unbelievable(where: str, what: str) -> AwoError:
    """The error for an answer that has another form than the API promises."""
    return EvidenceError(
        f"the repository's answer lacks {what}",
        where=where,
        hint="is this the address of the repository itself? Nothing was published",
    )


def a_record(answer: Answer, where: str) -> dict[str, Any]:
    """An answer that must be a JSON object. Raises `EvidenceError`."""
    said = answer.read()
    if not isinstance(said, dict):
        raise EvidenceError(
            "the repository's answer is no JSON object",
            where=where,
            got=f"status {answer.status}",
            hint="is this the address of the repository itself? The same command goes on",
        )
    return said


def _wait(answer: Answer) -> int:
    text = answer.headers.get("retry-after", "").strip()
    return min(int(text), LONGEST_WAIT_S) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _too_large(where: str, said: str) -> Refused:
    return Refused(
        "the repository does not take so much",
        where=where,
        got=said or "status 413",
        hint="ask whoever runs it for more room, or withhold large files (`awo redact`) and publish that bundle",
    )
