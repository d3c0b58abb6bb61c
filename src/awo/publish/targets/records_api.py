"""InvenioRDM's records API, which Zenodo speaks: drafts, reserved DOIs, files in three requests, publishing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

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
from awo.publish.targets.repository_metadata import for_records
from awo.publish.targets.seam import Parcel, Progress
from awo.publish.targets.wire import Answer, Line

MOST_FOUND: Final = 10
_NO_DOI: Final = (403, 404, 405, 501)
"""What a place answers that reserves no DOIs."""


@dataclass(frozen=True, slots=True)
class RecordsApi:
    """The newer API. `variable` is what the token is called in the environment."""

    line: Line
    variable: str

    def find(self, urn: str) -> list[Held] | None:
        """Asks the search over the depositor's own deposits, and believes what it finds only where the identifier is
        there in full."""
        query = {"q": f'"{urn}"', "size": str(MOST_FOUND)}
        answer = self.line.ask("GET", ("user", "records"), query=query)
        if answer.status == 404:
            return None
        if answer.status != 200:
            refuse(answer, self.line, self.variable, "list its deposits")
        hits = a_record(answer, self.line.base).get("hits")
        rows = hits.get("hits") if isinstance(hits, dict) else None
        if not isinstance(rows, list):
            raise unbelievable(self.line.base, "the list of deposits")
        return [self._held(row) for row in rows if isinstance(row, dict) and urn in _identifiers(row)]

    def metadata(self, about: About, deposit: Deposit, *, publisher: str, today: str) -> dict[str, Any]:
        return for_records(about, deposit, publisher=publisher, today=today)

    def make(self, metadata: Mapping[str, Any]) -> Held:
        answer = self.line.ask("POST", ("records",), json=metadata)
        if answer.status != 201:
            refuse(answer, self.line, self.variable, "make a draft")
        return self._held(a_record(answer, self.line.base))

    def look(self, identifier: str) -> Held | None:
        for path in (("records", identifier, "draft"), ("records", identifier)):
            answer = self.line.ask("GET", path)
            if answer.status == 200:
                return self._held(a_record(answer, self.line.base))
            if answer.status not in (404, 410):
                refuse(answer, self.line, self.variable, "show the draft")
        return None

    def change(self, identifier: str, metadata: Mapping[str, Any]) -> Held:
        before = a_record(self._must(self.line.ask("GET", ("records", identifier, "draft")), 200, "show the draft"), "")
        body = {**metadata, "pids": before.get("pids") or {}}  # what is left out of a draft is taken out of it
        answer = self.line.ask("PUT", ("records", identifier, "draft"), json=body)
        return self._held(a_record(self._must(answer, 200, "take the new metadata"), self.line.base))

    def reserve_doi(self, identifier: str) -> str:
        answer = self.line.ask("POST", ("records", identifier, "draft", "pids", "doi"))
        if answer.status in _NO_DOI:
            return ""
        if answer.status == 400:  # there may be one since the answer to an earlier request was lost
            there = self.look(identifier)
            if there is not None and there.doi:
                return there.doi
        self._must(answer, 201, "reserve a DOI")
        return self._held(a_record(answer, self.line.base)).doi

    def file(self, held: Held, name: str) -> StoredFile | None:
        answer = self.line.ask("GET", (*_files(held), name))
        if answer.status == 404:
            return None
        return self._stored(self._must(answer, 200, "show the file"))

    def names(self, held: Held) -> list[str]:
        answer = self._must(self.line.ask("GET", _files(held)), 200, "list the files")
        rows = a_record(answer, self.line.base).get("entries")
        return names_of(rows, "key", self.line.base)

    def send(self, held: Held, there: StoredFile | None, parcel: Parcel, progress: Progress) -> StoredFile:
        files = _files(held)
        if there is not None and not there.md5:  # the bytes may have arrived, and the answer been lost
            kept = self.line.ask("POST", (*files, parcel.name, "commit"))
            if kept.status == 200 and (stored := self._stored(kept)).md5 == parcel.md5:
                progress(parcel.size_bytes)
                return stored
        if there is not None:  # half of it, or another: a file that has begun is not begun again
            gone = self.line.ask("DELETE", (*files, parcel.name))
            if gone.status != 404:
                self._must(gone, 204, "take the earlier file away")
        self._must(self.line.ask("POST", files, json=[{"key": parcel.name}]), 201, "begin the file")
        sent = self.line.put_file((*files, parcel.name, "content"), parcel, progress)
        self._must(sent, 200, "take the file")
        answer = self.line.ask("POST", (*files, parcel.name, "commit"))
        return self._stored(self._must(answer, 200, "keep the file"))

    def publish(self, identifier: str) -> Held:
        answer = self.line.ask("POST", ("records", identifier, "draft", "actions", "publish"))
        return self._held(a_record(self._must(answer, 202, "publish the draft"), self.line.base))

    def page(self, held: Held) -> str:
        return f"/records/{held.identifier}" if held.is_published else f"/uploads/{held.identifier}"

    def _must(self, answer: Answer, status: int, doing: str) -> Answer:
        if answer.status not in (status, 200, 201):
            refuse(answer, self.line, self.variable, doing)
        return answer

    def _held(self, row: Mapping[str, Any]) -> Held:
        where = self.line.base
        pids = row.get("pids")
        doi = pids.get("doi") if isinstance(pids, dict) else None
        published = row.get("is_published")
        if not isinstance(published, bool):
            raise unbelievable(where, "the word on whether it is published")
        return Held(
            identifier=an_identifier(row.get("id"), where),
            is_published=published,
            doi=a_doi(doi.get("identifier") if isinstance(doi, dict) else None, where),
            # a draft without files is said to lack them, and they come later
            faults=tuple(self.line.cut(one) for one in faults_in(row) if not one.startswith("files")),
        )

    def _stored(self, answer: Answer) -> StoredFile:
        row = a_record(answer, self.line.base)
        if row.get("status") != "completed":
            return StoredFile(0, "")
        size_bytes = row.get("size")
        if not isinstance(size_bytes, int):
            raise unbelievable(self.line.base, "the size of a file")
        return StoredFile(size_bytes, an_md5(row.get("checksum"), self.line.base))


def _files(held: Held) -> tuple[str, ...]:
    return ("records", held.identifier, *(() if held.is_published else ("draft",)), "files")


def _identifiers(row: Mapping[str, Any]) -> list[str]:
    metadata = row.get("metadata")
    rows = metadata.get("identifiers") if isinstance(metadata, dict) else None
    return [one["identifier"] for one in rows or [] if isinstance(one, dict) and isinstance(one.get("identifier"), str)]
