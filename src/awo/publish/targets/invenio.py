"""Zenodo and every other InvenioRDM as a place to publish to: a draft with a reserved DOI, then files, then public."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from msgspec.structs import replace

from awo.canon import time
from awo.errors import AwoError, CannotCheck, EvidenceError, UsageError
from awo.evidence.publication import Arrival, Deposit
from awo.publish.about.shapes import About
from awo.publish.targets.deposit_api import DepositApi
from awo.publish.targets.opening import Wanted
from awo.publish.targets.records_api import RecordsApi
from awo.publish.targets.repository import Held, Refused, Repository, StoredFile
from awo.publish.targets.repository_metadata import digest_of, refuse_incomplete, seal_urn
from awo.publish.targets.seam import Keep, Parcel, Progress
from awo.publish.targets.wire import Line, NotAnswered, check_base

SETTLED: Final = timedelta(seconds=120)
"""How long a request whose answer was lost may still be at work there, and a draft be missing in the search."""

_TOKEN: Final = re.compile(r"[\x21-\x7e]{8,1000}")


class _Host(NamedTuple):
    base: str
    variable: str


ZENODO: Final[Mapping[bool, _Host]] = {
    False: _Host("https://zenodo.org", "ZENODO_TOKEN"),
    True: _Host("https://sandbox.zenodo.org", "ZENODO_SANDBOX_TOKEN"),
}
"""Zenodo itself, and its sandbox."""

INVENIO_TOKEN: Final = "INVENIO_TOKEN"  # noqa: S105 (the name of a variable)


@dataclass(slots=True)
class DataRepository:
    """The target. `kind` is `zenodo` or `invenio`, `place` the server; `apis` are tried in their order, and the first
    that is spoken there is kept."""

    kind: str
    place: str
    publisher: str
    apis: tuple[Repository, ...]
    is_final: bool = True
    gives_doi: bool = True

    def reserve(self, deposit: Deposit, about: About, keep: Keep) -> Deposit:
        """Finds the deposit of this seal or makes one, brings its metadata up to date, and reserves its DOI.

        Never makes a second one: that it is about to ask stands on disk before it asks, and after a request whose
        answer was lost it asks again only once the place's own search has had time and finds nothing.
        """
        refuse_incomplete(about)
        held = self._found(deposit)
        api = self._api(deposit)
        metadata = api.metadata(about, deposit, publisher=self.publisher, today=time.now()[:10])
        if held is None:
            deposit, held = self._make(deposit, metadata, keep)
        deposit = replace(
            deposit,
            phase="sent" if deposit.phase in ("sent", "published") else "reserved",
            identifier=held.identifier,
            address=self._address(held),
        )
        keep(deposit)
        if held.is_published:
            deposit = replace(deposit, phase="published", doi=held.doi)
            keep(deposit)
            return deposit
        wanted = digest_of(metadata)
        if deposit.about_sha256 != wanted:
            held = api.change(held.identifier, metadata)
        if held.faults:
            raise UsageError(
                "the repository does not take these metadata",
                where=deposit.address,
                got="; ".join(held.faults),
                hint="correct them in CITATION.cff, .zenodo.json or the workflow, and type the command again",
            )
        deposit = replace(deposit, about_sha256=wanted)
        keep(deposit)
        deposit = replace(deposit, doi=held.doi or api.reserve_doi(held.identifier))
        keep(deposit)
        return deposit

    def arrived(self, deposit: Deposit, parcel: Parcel) -> Arrival | None:
        """Compares the repository's own MD5. Other bytes are an error where these have been there before, else a file
        that is not the parcel's: a draft's files may still be replaced."""
        held = self._held(deposit)
        there = self._api(deposit).file(held, parcel.name)
        if there is None or (there.md5, there.size_bytes) != (parcel.md5, parcel.size_bytes):
            was_there = any(one.name == parcel.name and one.sha256 == parcel.sha256 for one in deposit.arrivals)
            if there is not None and there.md5 and (was_there or held.is_published):
                raise self._other_bytes(deposit, parcel, there)
            return None
        return self._arrival(held, parcel, there)

    def send(self, deposit: Deposit, parcel: Parcel, progress: Progress) -> Arrival:
        """Sends the parcel whole, in place of half a file or another one; nothing is sent where it is already."""
        there = self.arrived(deposit, parcel)
        if there is not None:
            progress(parcel.size_bytes)
            return there
        held = self._held(deposit)
        if held.is_published:
            raise EvidenceError(
                "the record is public and does not have this file", where=deposit.address, expected=parcel.name
            )
        api = self._api(deposit)
        stored = api.send(held, api.file(held, parcel.name), parcel, progress)
        if (stored.md5, stored.size_bytes) != (parcel.md5, parcel.size_bytes):
            raise self._other_bytes(deposit, parcel, stored)
        return self._arrival(held, parcel, stored)

    def others(self, deposit: Deposit, parcels: Sequence[Parcel]) -> tuple[str, ...]:
        """Those of a bundle that was sent before this one, and those that somebody else put there."""
        held = self._held(deposit)
        ours = {one.name for one in parcels}
        return tuple(sorted(name for name in self._api(deposit).names(held) if name not in ours))

    def publish(self, deposit: Deposit, about: About, parcels: Sequence[Parcel]) -> Deposit:
        """Publishes the draft, unless an earlier command did. The DOI must be the one that was reserved."""
        for parcel in parcels:
            if self.arrived(deposit, parcel) is None:
                raise CannotCheck("a file has not arrived, and nothing was published", where=parcel.name)
        held = self._held(deposit)
        if not held.is_published:
            if deposit.doi != held.doi:
                raise EvidenceError(
                    "the draft has another DOI than the one that was reserved; nothing was published",
                    where=deposit.address,
                    expected=deposit.doi or "none",
                    got=held.doi or "none",
                )
            self._api(deposit).publish(held.identifier)
            held = self._held(deposit)
        if not held.is_published:
            raise CannotCheck(
                "the repository took the request and does not show the record as public yet",
                where=deposit.address,
                hint="type the same command again in a minute",
            )
        if deposit.doi and held.doi != deposit.doi:
            raise EvidenceError(
                "the record is public under another DOI than the one in its citation files",
                where=self._address(held),
                expected=deposit.doi,
                got=held.doi or "none",
            )
        return replace(deposit, address=self._address(held), doi=held.doi)

    def _api(self, deposit: Deposit) -> Repository:
        """The API that is spoken there. Raises `CannotCheck` where it is neither."""
        if len(self.apis) > 1:
            self._search(deposit)
        return self.apis[0]

    def _search(self, deposit: Deposit) -> list[Held]:
        """The deposits there that have the seal's identifier."""
        for api in self.apis:
            found = api.find(seal_urn(deposit.seal_sha256))
            if found is not None:
                self.apis = (api,)
                return found
        raise CannotCheck(
            "this server speaks no API for deposits that AWO knows",
            where=self.place,
            expected="InvenioRDM's records API, or Zenodo's older deposit API",
            got="status 404",
            hint="check the address: it is that of the repository itself, without a path",
        )

    def _found(self, deposit: Deposit) -> Held | None:
        """The one deposit of this seal at the place. Raises `UsageError` for several, and where it is gone."""
        found = self._search(deposit)
        names = {one.identifier for one in found} | ({deposit.identifier} if deposit.identifier else set())
        if len(names) > 1:
            raise UsageError(
                "there are several deposits of this run at the repository",
                where=self.place,
                got=", ".join(sorted(names)),
                hint="delete the drafts but one there, then type the command again",
            )
        if not deposit.identifier:
            return found[0] if found else None
        held = self._api(deposit).look(deposit.identifier)
        if held is None:
            raise UsageError(
                "the draft is no longer at the repository",
                where=deposit.address,
                hint="if you deleted it there, remove the deposit file of this run in runs/publications/ and publish "
                "again",
            )
        return held

    def _make(self, deposit: Deposit, metadata: dict[str, Any], keep: Keep) -> tuple[Deposit, Held]:
        now = time.now()
        if deposit.phase == "asked" and time.read(now) - time.read(deposit.at) < SETTLED:
            raise CannotCheck(
                "a draft was asked for a moment ago, no answer came, and the repository does not show one yet",
                where=self.place,
                hint=f"type the same command again in {SETTLED.seconds} s: it finds the draft, or makes the only one",
            )
        asked = replace(deposit, phase="asked", at=now)
        keep(asked)
        try:
            held = self._api(deposit).make(metadata)
        except AwoError as error:
            if isinstance(error, Refused) or (isinstance(error, NotAnswered) and not error.was_sent):
                keep(replace(asked, phase="new"))
            raise
        return replace(asked, about_sha256=digest_of(metadata)), held

    def _held(self, deposit: Deposit) -> Held:
        held = self._api(deposit).look(deposit.identifier)
        if held is None:
            raise CannotCheck("the deposit cannot be found at the repository", where=deposit.address)
        return held

    def _address(self, held: Held) -> str:
        return f"{self.place}{self.apis[0].page(held)}"

    def _arrival(self, held: Held, parcel: Parcel, there: StoredFile) -> Arrival:
        return Arrival(
            name=parcel.name,
            sha256=parcel.sha256,
            size_bytes=parcel.size_bytes,
            address=f"{self.place}/records/{held.identifier}/files/{parcel.name}",
            checksum=f"md5:{there.md5}",
            version="",
            retained_until="",
        )

    def _other_bytes(self, deposit: Deposit, parcel: Parcel, there: StoredFile) -> EvidenceError:
        return EvidenceError(
            "the repository has other bytes than those that were sent",
            where=f"{deposit.address}: {parcel.name}",
            expected=f"md5:{parcel.md5}, {parcel.size_bytes} bytes",
            got=f"md5:{there.md5 or 'none'}, {there.size_bytes} bytes",
            hint="the record is public, and stays as it is: it was published with another CITATION.cff, version of "
            "AWO or bundle, and with those the same command writes the addendum"
            if deposit.phase == "published"
            else "look who changed the draft; nothing was published",
        )


def open_zenodo(wanted: Wanted) -> DataRepository:
    """Zenodo, or with `sandbox` its sandbox. Raises `UsageError`, and `CannotCheck` without its token."""
    if wanted.address != "zenodo":
        raise UsageError(
            "Zenodo has one address", expected="zenodo", got=wanted.address, hint="--sandbox for its sandbox"
        )
    host = ZENODO[wanted.sandbox]
    return _open("zenodo", host, "Zenodo", wanted)


def open_invenio(wanted: Wanted) -> DataRepository:
    """The InvenioRDM at `invenio:https://HOST`. Raises `UsageError`, and `CannotCheck` without its token."""
    base = check_base(wanted.address.removeprefix("invenio:"))
    return _open("invenio", _Host(base, INVENIO_TOKEN), urlsplit(base).hostname or base, wanted)


def _open(kind: str, host: _Host, publisher: str, wanted: Wanted) -> DataRepository:
    token = wanted.environment.get(host.variable, "").strip()
    if not _TOKEN.fullmatch(token):
        raise CannotCheck(
            "there is no token for the repository" if not token else "this cannot be a token",
            where=host.variable,
            expected=f"a personal access token of {host.base} in the variable {host.variable}",
            got="nothing" if not token else "a space, a line break or a character that no token has",
            hint="make one there, under Applications, that may deposit (deposit:write, deposit:actions)",
        )
    line = Line(f"{host.base}/api", token)
    records, deposits = RecordsApi(line, host.variable), DepositApi(line, host.variable)
    apis: dict[str, tuple[Repository, ...]] = {"": (records, deposits), "records": (records,), "deposit": (deposits,)}
    return DataRepository(kind, host.base, publisher, apis[wanted.api])
