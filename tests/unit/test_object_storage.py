"""What is believed of an object store: its checksum where it has one, the bytes themselves where not, its lock."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest
from msgspec.structs import replace
from tests.deposits import ABOUT, SEAL, new_deposit

from awo.canon.digest import md5_hex, sha256_hex
from awo.errors import CannotCheck, EvidenceError, UsageError
from awo.evidence.publication import Deposit
from awo.publish.targets.retention import Retention
from awo.publish.targets.s3 import ObjectStorage
from awo.publish.targets.s3_bucket import Bucket, Stored
from awo.publish.targets.s3_parts import MOST_PARTS, PART_BYTES, part_size
from awo.publish.targets.seam import Parcel

DATA = b"a report"
DIGEST = base64.b64encode(bytes.fromhex(sha256_hex(DATA))).decode()
ASKED = Retention("COMPLIANCE", datetime(2036, 12, 31, tzinfo=UTC))
WEAKER = Retention("GOVERNANCE", datetime(2036, 12, 31, tzinfo=UTC))
SHORTER = Retention("COMPLIANCE", datetime(2036, 12, 30, tzinfo=UTC))

PARCEL = Parcel("report.md", Path("/nowhere"), len(DATA), sha256_hex(DATA), md5_hex(DATA))


@dataclass
class Store:
    """A bucket that shows what a test says, and gives `data` back."""

    stored: Stored | None
    data: bytes = DATA
    keeps_locks: bool = True
    locked: list[Retention] = field(default_factory=list)
    name: str = "bucket"
    endpoint: str = ""

    def head(self, key: str, version: str = "") -> Stored | None:
        return self.stored

    def read_back(self, key: str, version: str) -> tuple[str, int]:
        return sha256_hex(self.data), len(self.data)

    def retain(self, key: str, version: str, retention: Retention) -> None:
        self.locked.append(retention)
        if self.keeps_locks and self.stored is not None:
            self.stored = shown(retention=retention)


def shown(
    sha256: str = DIGEST, *, is_of_parts: bool = False, size: int = len(DATA), retention: Retention | None = None
) -> Stored:
    return Stored("version-1", size, sha256, is_of_parts, retention, SEAL)


def target(store: Store) -> ObjectStorage:
    return ObjectStorage(cast("Bucket", store), "runs", ASKED)


def deposit() -> Deposit:
    return replace(new_deposit(0, kind="s3", place="s3://bucket/runs"), identifier="runs/run")


def test_a_store_without_checksums_has_to_give_the_bytes_back() -> None:
    there = target(Store(shown(""))).arrived(deposit(), PARCEL)
    assert there is not None
    assert there.checksum == f"sha256:{PARCEL.sha256}"
    with pytest.raises(EvidenceError, match="other bytes") as caught:
        target(Store(shown(""), data=b"A report")).arrived(deposit(), PARCEL)
    assert caught.value.got == f"SHA-256 {sha256_hex(b'A report')}"


@pytest.mark.parametrize("sha256", [base64.b64encode(bytes(32)).decode(), "not base64", "AAAA"])
def test_another_checksum_than_that_of_the_file_is_refused(sha256: str) -> None:
    with pytest.raises(EvidenceError, match="other bytes"):
        target(Store(shown(sha256))).arrived(deposit(), PARCEL)


def test_another_size_is_refused_whatever_the_checksum_says() -> None:
    with pytest.raises(EvidenceError, match="other bytes") as caught:
        target(Store(shown(size=9))).arrived(deposit(), PARCEL)
    assert caught.value.got == "9 bytes"


@pytest.mark.parametrize("before", [None, WEAKER, SHORTER])
def test_a_lock_that_is_not_shown_as_it_was_given_is_no_lock(before: Retention | None) -> None:
    store = Store(shown(retention=before), keeps_locks=False)
    with pytest.raises(EvidenceError, match="does not show the lock") as caught:
        target(store).publish(deposit(), ABOUT, [PARCEL])
    assert caught.value.expected == str(ASKED)
    assert caught.value.got == ("no lock" if before is None else str(before))
    assert store.locked == [ASKED]


def test_a_lock_that_is_as_good_is_not_touched() -> None:
    longer = Retention("COMPLIANCE", datetime(2040, 1, 1, tzinfo=UTC))
    store = Store(shown(retention=longer))
    made = target(store).publish(deposit(), ABOUT, [PARCEL])
    assert store.locked == []
    assert made.arrivals[0].retained_until == "2040-01-01T00:00:00.000000Z COMPLIANCE"


def test_nothing_is_locked_before_all_of_it_has_arrived() -> None:
    store = Store(None)
    with pytest.raises(CannotCheck, match="has not arrived"):
        target(store).publish(deposit(), ABOUT, [PARCEL])
    assert store.locked == []


def test_who_asks_for_compliance_cannot_take_it_back_and_who_asks_for_governance_can() -> None:
    assert target(Store(None)).is_final
    assert not ObjectStorage(cast("Bucket", Store(None)), "runs", WEAKER).is_final


def test_the_place_names_the_server_where_it_is_not_amazon() -> None:
    assert target(Store(None)).place == "s3://bucket/runs"
    assert target(Store(None, endpoint="https://store.example")).place == "s3://bucket/runs at https://store.example"


def test_a_file_of_any_size_fits_into_as_many_parts_as_s3_takes() -> None:
    for size_bytes in (PART_BYTES + 1, MOST_PARTS * PART_BYTES, MOST_PARTS * PART_BYTES + 1, 5 << 40):
        part_bytes = part_size(size_bytes, PART_BYTES)
        assert part_bytes >= PART_BYTES
        assert -(-size_bytes // part_bytes) <= MOST_PARTS


@pytest.mark.parametrize(
    "name", ["../report.md", "/report.md", "", "..", ".report.md.part", "a/b", "a\nb", "a\\b", "con"]
)
def test_a_file_cannot_be_sent_under_a_name_that_could_mean_another_place(name: str) -> None:
    with pytest.raises(UsageError, match="under this name"):
        Parcel(name, Path("/nowhere"), 0, "", "")
