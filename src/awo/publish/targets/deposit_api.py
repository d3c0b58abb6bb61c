"""Zenodo's older deposit API, for a server that does not speak the records API. Tried against our own stub only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from awo.evidence.publication import Deposit
from awo.publish.about.shapes import About
from awo.publish.targets.repository import (
    Held,
    StoredFile,
    a_doi,
    a_record,
    an_identifier,
    an_md5,
    faults_in,
    names_of,
    refuse,
    unbelievable,
)
from awo.publish.targets.repository_metadata import for_deposits
from awo.publish.targets.seam import Parcel, Progress
from awo.publish.targets.wire import Answer, Line

MOST_FOUND: Final = 10
DEPOSITS: Final = ("deposit", "depositions")


@dataclass(frozen=True, slots=True)
class DepositApi:
    """The older API. `variable` is what the token is called in the environment."""

    line: Line
    variable: str

    def find(self, urn: str) -> list[Held] | None:
        answer = self.line.ask("GET", DEPOSITS, query={"q": f'"{urn}"', "size": str(MOST_FOUND)})
        if answer.status == 404:
            return None
        if answer.status != 200:
            refuse(answer, self.line, self.variable, "list its deposits")
        rows = answer.read()
        if not isinstance(rows, list):
            raise unbelievable(self.line.base, "the list of deposits")
        return [self._held(row) for row in rows if isinstance(row, dict) and urn in _identifiers(row)]

    def metadata(self, about: About, deposit: Deposit, *, publisher: str, today: str) -> dict[str, Any]:
        return for_deposits(about, deposit, today=today)

    def make(self, metadata: Mapping[str, Any]) -> Held:
        return self._held(self._record(self.line.ask("POST", DEPOSITS, json=metadata), 201, "make a draft"))

    def look(self, identifier: str) -> Held | None:
        answer = self.line.ask("GET", (*DEPOSITS, identifier))
        if answer.status in (404, 410):
            return None
        return self._held(self._record(answer, 200, "show the draft"))

    def change(self, identifier: str, metadata: Mapping[str, Any]) -> Held:
        answer = self.line.ask("PUT", (*DEPOSITS, identifier), json=metadata)
        return self._held(self._record(answer, 200, "take the new metadata"))

    def reserve_doi(self, identifier: str) -> str:
        there = self.look(identifier)  # it was reserved when the draft was made
        return there.doi if there is not None else ""

    def file(self, held: Held, name: str) -> StoredFile | None:
        for row in self._rows(held):
            if isinstance(row, dict) and row.get("filename") == name:
                size_bytes = row.get("filesize")
                if not isinstance(size_bytes, int):
                    raise unbelievable(self.line.base, "the size of a file")
                file_id = an_identifier(row.get("id"), self.line.base)
                return StoredFile(size_bytes, an_md5(row.get("checksum"), self.line.base), file_id)
        return None

    def names(self, held: Held) -> list[str]:
        return names_of(self._rows(held), "filename", self.line.base)

    def _rows(self, held: Held) -> list[Any]:
        answer = self.line.ask("GET", (*DEPOSITS, held.identifier, "files"))
        if answer.status != 200:
            refuse(answer, self.line, self.variable, "list the files")
        rows = answer.read()
        if not isinstance(rows, list):
            raise unbelievable(self.line.base, "the list of files")
        return rows

    def send(self, held: Held, there: StoredFile | None, parcel: Parcel, progress: Progress) -> StoredFile:
        if there is not None:
            gone = self.line.ask("DELETE", (*DEPOSITS, held.identifier, "files", there.file_id))
            if gone.status not in (200, 201, 204, 404):
                refuse(gone, self.line, self.variable, "take the earlier file away")
        answer = self.line.put_file(("files", held.bucket, parcel.name), parcel, progress)
        row = self._record(answer, 201, "take the file")
        size_bytes = row.get("size")
        if not isinstance(size_bytes, int):
            raise unbelievable(self.line.base, "the size of a file")
        return StoredFile(size_bytes, an_md5(row.get("checksum"), self.line.base))

    def publish(self, identifier: str) -> Held:
        answer = self.line.ask("POST", (*DEPOSITS, identifier, "actions", "publish"))
        return self._held(self._record(answer, 202, "publish the draft"))

    def page(self, held: Held) -> str:
        return f"/record/{held.identifier}" if held.is_published else f"/deposit/{held.identifier}"

    def _record(self, answer: Answer, status: int, doing: str) -> dict[str, Any]:
        if answer.status not in (status, 200):
            refuse(answer, self.line, self.variable, doing)
        return a_record(answer, self.line.base)

    def _held(self, row: Mapping[str, Any]) -> Held:
        where = self.line.base
        submitted = row.get("submitted")
        if not isinstance(submitted, bool):
            raise unbelievable(where, "the word on whether it is published")
        metadata = row.get("metadata")
        reserved = metadata.get("prereserve_doi") if isinstance(metadata, dict) else None
        doi = row.get("doi") or (reserved.get("doi") if isinstance(reserved, dict) else None)
        return Held(
            identifier=an_identifier(row.get("id"), where),
            is_published=submitted,
            doi=a_doi(doi, where),
            faults=tuple(self.line.cut(one) for one in faults_in(row)),
            bucket="" if submitted else self._bucket(row),
        )

    def _bucket(self, row: Mapping[str, Any]) -> str:
        """The name of the place for files. The server gives it as an address, of which nothing but the name is taken:
        the token goes to one host alone."""
        links = row.get("links")
        link = links.get("bucket") if isinstance(links, dict) else None
        name = urlsplit(link).path.rpartition("/")[2] if isinstance(link, str) else ""
        return an_identifier(name, self.line.base)


def _identifiers(row: Mapping[str, Any]) -> list[str]:
    metadata = row.get("metadata")
    rows = metadata.get("related_identifiers") if isinstance(metadata, dict) else None
    return [one["identifier"] for one in rows or [] if isinstance(one, dict) and isinstance(one.get("identifier"), str)]
