"""Object storage with Object Lock as a place to publish to: `s3://BUCKET/PREFIX`, at Amazon or wherever speaks S3."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC
from typing import Literal

import msgspec

from awo.canon import time
from awo.canon.paths import why_not_inside
from awo.errors import CannotCheck, EvidenceError, UsageError
from awo.evidence.publication import Arrival, Deposit
from awo.publish.about.shapes import About
from awo.publish.targets.opening import Wanted
from awo.publish.targets.retention import Mode, Retention, read_retention
from awo.publish.targets.s3_bucket import Bucket, Stored
from awo.publish.targets.s3_parts import PART_BYTES, digest_of_parts, parts_of, send_in_parts
from awo.publish.targets.s3_refusals import Gone, Taken
from awo.publish.targets.seam import Keep, Parcel, Progress
from awo.publish.targets.source import Source

SCHEME = "s3://"
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
_MODES: dict[Literal["", "compliance", "governance"], Mode] = {
    "": "COMPLIANCE",
    "compliance": "COMPLIANCE",
    "governance": "GOVERNANCE",
}


@dataclass(frozen=True, slots=True)
class ObjectStorage:
    """The target. Files are sent unlocked and can still be deleted; `publish` locks each, and reads the lock back."""

    bucket: Bucket
    prefix: str
    retention: Retention
    part_bytes: int = PART_BYTES
    kind: str = "s3"
    gives_doi: bool = False
    is_final: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "is_final", self.retention.is_final)

    @property
    def place(self) -> str:
        address = f"{SCHEME}{self.bucket.name}{f'/{self.prefix}' if self.prefix else ''}"
        return f"{address} at {self.bucket.endpoint}" if self.bucket.endpoint else address

    def reserve(self, deposit: Deposit, about: About, keep: Keep) -> Deposit:
        """Looks whether the bucket locks, and whose files are there. Names are known beforehand: asking makes nothing.

        Raises `UsageError` for a bucket without versions or Object Lock, and where another run has the same id.
        """
        self.bucket.refuse_unlocked()
        identifier = f"{self.prefix}/{deposit.run_id}" if self.prefix else deposit.run_id
        key = self.bucket.some_key(f"{identifier}/")
        there = self.bucket.head(key) if key else None
        if there is not None and there.seal_sha256 != deposit.seal_sha256:
            raise UsageError(
                "another run with this id is there, or files that AWO did not put there",
                where=f"{SCHEME}{self.bucket.name}/{identifier}/",
                expected=f"seal {deposit.seal_sha256}",
                got=f"seal {there.seal_sha256[:64]}" if there.seal_sha256 else "files without a seal's digest",
                hint="publish under another prefix",
            )
        phase = "reserved" if deposit.phase in ("new", "asked") else deposit.phase
        address = f"{SCHEME}{self.bucket.name}/{identifier}"
        made = msgspec.structs.replace(deposit, phase=phase, identifier=identifier, address=address)
        keep(made)
        return made

    def arrived(self, deposit: Deposit, parcel: Parcel) -> Arrival | None:
        """Asks for the version on record, else for the newest; compares the store's own checksum of it.

        A store that gives none, or one over parts that were cut otherwise, is made to give the bytes back.
        """
        version = next((one.version for one in deposit.arrivals if one.name == parcel.name), "")
        return self._arrived(deposit, parcel, version)

    def send(self, deposit: Deposit, parcel: Parcel, progress: Progress) -> Arrival:
        """Sends the parcel on the condition that nothing has its name; a large one in parts, of which none twice."""
        there = self.arrived(deposit, parcel)
        if there is not None:
            progress(parcel.size_bytes)
            return there
        key = _key(deposit, parcel)
        try:
            if parcel.size_bytes <= self.part_bytes:
                version = self._put(key, parcel, deposit.seal_sha256)
                progress(parcel.size_bytes)
            else:
                version = send_in_parts(self.bucket, key, parcel, deposit.seal_sha256, self.part_bytes, progress)
        except (Taken, Gone) as error:
            # a request that was sent again by the library, or another process: what is there now decides
            there = self._arrived(deposit, parcel, "")
            if there is None:
                raise CannotCheck(error.what, where=error.where, got=error.got, hint="try again") from error
            return there
        there = self._arrived(deposit, parcel, version)
        if there is None:
            raise CannotCheck("the file is gone again", where=f"{SCHEME}{self.bucket.name}/{key}", hint="try again")
        return there

    def others(self, deposit: Deposit, parcels: Sequence[Parcel]) -> tuple[str, ...]:
        """Only the parcels are locked; what else is in the bucket stays as private as the bucket is."""
        return ()

    def publish(self, deposit: Deposit, about: About, parcels: Sequence[Parcel]) -> Deposit:
        """Locks the version of each file until the time that was asked for, and reads the lock back.

        A lock that is as long and as strong already stays as it is. Raises `CannotCheck`, and locks nothing, where a
        file has not arrived; `EvidenceError` where the store shows a weaker lock than it was given.
        """
        found = [(parcel, self.arrived(deposit, parcel)) for parcel in parcels]
        missing = [parcel.name for parcel, there in found if there is None]
        if missing:
            raise CannotCheck("a file has not arrived", where=missing[0], hint="send it again")
        locked = [self._locked(_key(deposit, parcel), there) for parcel, there in found if there is not None]
        return msgspec.structs.replace(deposit, arrivals=sorted(locked, key=lambda one: one.name))

    def _put(self, key: str, parcel: Parcel, seal_sha256: str) -> str:
        with Source(parcel) as source:
            body = source.read(parcel.size_bytes + 1)
            source.refuse_changed()
        return self.bucket.put(key, body, bytes.fromhex(parcel.sha256), seal_sha256)

    def _arrived(self, deposit: Deposit, parcel: Parcel, version: str) -> Arrival | None:
        key = _key(deposit, parcel)
        there = self.bucket.head(key, version)
        if there is None:
            return None
        checksum = self._checksum(key, there, parcel)
        return Arrival(
            name=parcel.name,
            sha256=parcel.sha256,
            size_bytes=there.size_bytes,
            address=f"{SCHEME}{self.bucket.name}/{key}",
            checksum=checksum,
            version=there.version,
            retained_until="" if there.retention is None else str(there.retention),
        )

    def _checksum(self, key: str, there: Stored, parcel: Parcel) -> str:
        """The store's checksum as it is recorded. Raises `EvidenceError` where it is of other bytes."""
        got = f"{there.size_bytes} bytes"
        if there.size_bytes == parcel.size_bytes:
            if there.sha256 and not there.is_of_parts:
                digest = _hex(there.sha256)
                if digest == parcel.sha256:
                    return f"sha256:{digest}"
                got = f"SHA-256 {digest}"
            elif there.sha256 and there.sha256 == digest_of_parts(parcel, self.part_bytes):
                return f"sha256:{there.sha256}-{parts_of(parcel, self.part_bytes)}"
            else:
                digest, _ = self.bucket.read_back(key, there.version)
                if digest == parcel.sha256:
                    return f"sha256:{digest}"
                got = f"SHA-256 {digest}"
        raise EvidenceError(
            "there are other bytes under this name, and they are not overwritten",
            where=f"{SCHEME}{self.bucket.name}/{key}",
            expected=f"SHA-256 {parcel.sha256}, {parcel.size_bytes} bytes",
            got=got,
            hint="publish under another prefix, or look who wrote there",
        )

    def _locked(self, key: str, arrival: Arrival) -> Arrival:
        there = self.bucket.head(key, arrival.version)
        if there is not None and not self.retention.holds(there.retention):
            self.bucket.retain(key, arrival.version, self.retention)
            there = self.bucket.head(key, arrival.version)
        if there is None or not self.retention.holds(there.retention):
            got = "no file" if there is None else "no lock" if there.retention is None else str(there.retention)
            raise EvidenceError(
                "the store does not show the lock that it was given",
                where=f"{SCHEME}{self.bucket.name}/{key}",
                expected=str(self.retention),
                got=got,
                hint="it is shown to those who have the permission s3:GetObjectRetention",
            )
        return msgspec.structs.replace(arrival, retained_until=str(there.retention))


def open_s3(wanted: Wanted) -> ObjectStorage:
    """The place that `s3://BUCKET/PREFIX` names. Credentials, region and endpoint come by the ordinary chain of boto3,
    which reads the environment of the process. Raises `UsageError` for an address or a time that cannot be, and
    `CannotCheck` without boto3."""
    bucket, _, prefix = wanted.address.removeprefix(SCHEME).partition("/")
    prefix = prefix.removesuffix("/")
    if not wanted.address.startswith(SCHEME) or not _BUCKET.fullmatch(bucket):
        raise UsageError(  # the address is not shown: who writes credentials into it shall not find them in a log
            "this is no address of a bucket",
            expected="s3://BUCKET/PREFIX, the bucket of 3 to 63 lower-case letters, digits, dots and hyphens",
            hint="credentials come from the environment, and never stand in the address",
        )
    why = why_not_inside(prefix) if prefix else ""
    if why:
        raise UsageError("this cannot be the beginning of names in a bucket", where=prefix, got=why)
    retention = read_retention(
        wanted.retain_until, wanted.retain_days, _MODES[wanted.retain_mode], time.read(time.now()).astimezone(UTC)
    )
    return ObjectStorage(Bucket(bucket), prefix, retention)


def _key(deposit: Deposit, parcel: Parcel) -> str:
    if not deposit.identifier:
        raise UsageError("no deposit is reserved", where=deposit.place)
    return f"{deposit.identifier}/{parcel.name}"


def _hex(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).hex()
    except ValueError:
        return "that cannot be read"
