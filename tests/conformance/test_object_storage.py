"""Object storage over real HTTP: locks that the server keeps, kills and cuts on the way, and what a server can say."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import msgspec
import pytest
from botocore.exceptions import ClientError
from tests import object_store
from tests.conformance.raw_server import answer, say, serving
from tests.cutting_proxy import Where, cutting
from tests.deposits import ABOUT, SEAL, new_deposit

from awo.errors import AwoError, CannotCheck, EvidenceError, UsageError
from awo.evidence.publication import Deposit
from awo.publish.targets import s3_bucket
from awo.publish.targets.opening import Wanted
from awo.publish.targets.s3 import ObjectStorage, open_s3
from awo.publish.targets.seam import Parcel
from awo.testing.publishing_targets import parcel_of

PART_BYTES = 5 << 20
UNTIL = "2036-12-31"
LOCK = "2036-12-31T23:59:59.000000Z COMPLIANCE"

numbers = itertools.count()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with object_store.served(tmp_path_factory.mktemp("store")) as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def outsider(store: str) -> Any:
    """A client with the same rights: whoever holds the account."""
    return boto3.client(
        "s3",
        endpoint_url=store,
        region_name=object_store.REGION,
        aws_access_key_id=object_store.ACCESS_KEY,
        aws_secret_access_key=object_store.SECRET_KEY,
    )


@dataclass(frozen=True)
class Place:
    """A bucket of one test, a client of an outsider, and what is sent there."""

    client: Any
    bucket: str
    endpoint: str
    small: Parcel
    large: Parcel

    def open(self, mode: str = "compliance", until: str = UNTIL) -> ObjectStorage:
        wanted = Wanted(f"s3://{self.bucket}/runs", {}, retain_until=until, retain_mode=mode)  # type: ignore[arg-type]
        return replace(open_s3(wanted), part_bytes=PART_BYTES)

    def deposit(self, seal_sha256: str = SEAL) -> Deposit:
        return new_deposit(0, kind="s3", place=f"s3://{self.bucket}/runs", seal_sha256=seal_sha256)

    def publish(self, target: ObjectStorage | None = None, deposit: Deposit | None = None) -> Deposit:
        """The whole way, from the beginning or from what is on record."""
        target = target or self.open()
        kept: list[Deposit] = []
        made = target.reserve(deposit or self.deposit(), ABOUT, kept.append)
        arrivals = [target.send(made, parcel, lambda _: None) for parcel in (self.small, self.large)]
        return target.publish(msgspec.structs.replace(made, arrivals=arrivals), ABOUT, [self.small, self.large])

    def versions(self) -> list[tuple[str, str]]:
        found = self.client.list_object_versions(Bucket=self.bucket)
        return sorted((one["Key"].rpartition("/")[2], one["VersionId"]) for one in found.get("Versions", []))


@pytest.fixture
def place(store: str, outsider: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    for name, value in object_store.environment(store).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(s3_bucket, "ATTEMPTS", 1)  # a cut is seen by us, and not mended by the library
    bucket = f"locked-{next(numbers)}"
    outsider.create_bucket(
        Bucket=bucket,
        ObjectLockEnabledForBucket=True,
        CreateBucketConfiguration={"LocationConstraint": object_store.REGION},
    )
    small, large = tmp_path / "report.md", tmp_path / "run.tar.gz"
    small.write_bytes(b"# A report\n")
    large.write_bytes(os.urandom(1 << 10) * (11 << 10))
    return Place(outsider, bucket, store, parcel_of(small, "report.md"), parcel_of(large, "run.tar.gz"))


def refusal(act: Any, *arguments: Any, **named: Any) -> str:
    with pytest.raises(ClientError) as caught:
        act(*arguments, **named)
    answered = caught.value.response
    return f"{answered['Error']['Code']} {answered['ResponseMetadata']['HTTPStatusCode']}"


def test_what_was_published_can_be_neither_deleted_nor_overwritten_and_comes_back_as_it_was(place: Place) -> None:
    made = place.publish()
    assert made.address == f"s3://{place.bucket}/runs/{made.run_id}"
    assert [one.retained_until for one in made.arrivals] == [LOCK, LOCK]
    assert [one.name for one in made.arrivals] == ["report.md", "run.tar.gz"]
    assert made.arrivals[0].checksum == f"sha256:{place.small.sha256}"
    assert made.arrivals[1].checksum.endswith("=-3")  # base64, and of how many parts
    assert place.versions() == sorted((one.name, one.version) for one in made.arrivals)
    for arrival, parcel in zip(made.arrivals, (place.small, place.large), strict=True):
        one = {"Bucket": place.bucket, "Key": f"{made.identifier}/{arrival.name}", "VersionId": arrival.version}
        assert refusal(place.client.delete_object, **one) == "AccessDenied 403"
        assert refusal(place.client.delete_object, **one, BypassGovernanceRetention=True) == "AccessDenied 403"
        named = {"Bucket": one["Bucket"], "Key": one["Key"]}
        assert refusal(place.client.put_object, **named, Body=b"x", IfNoneMatch="*") == "PreconditionFailed 412"
        place.client.put_object(**named, Body=b"a version on top, which S3 takes")
        place.client.delete_object(**named)  # hides all versions behind a marker
        assert place.open().arrived(made, parcel) == arrival
        assert place.client.get_object(**one)["Body"].read() == parcel.path.read_bytes()


def test_before_publish_nothing_is_locked_and_what_was_sent_can_be_taken_back(place: Place) -> None:
    target = place.open()
    deposit = target.reserve(place.deposit(), ABOUT, lambda _: None)
    sent = target.send(deposit, place.small, lambda _: None)
    assert sent.retained_until == ""
    place.client.delete_object(
        Bucket=place.bucket, Key=f"{deposit.identifier}/{place.small.name}", VersionId=sent.version
    )
    assert place.versions() == []


def test_a_lock_is_made_longer_and_stronger_but_never_shorter_or_weaker(place: Place) -> None:
    assert place.publish(place.open("governance")).arrivals[0].retained_until.endswith(" GOVERNANCE")
    assert place.publish(place.open()).arrivals[0].retained_until == LOCK
    assert place.publish(place.open(until="2030-01-01")).arrivals[0].retained_until == LOCK
    assert place.publish(place.open("governance", "2030-01-01")).arrivals[0].retained_until == LOCK
    assert len(place.versions()) == 2


KILLED = """
import os, signal, sys
from dataclasses import replace
from pathlib import Path
from tests.deposits import ABOUT, new_deposit
from awo.publish.targets.opening import Wanted
from awo.publish.targets.s3 import open_s3
from awo.testing.publishing_targets import parcel_of

def die(done_bytes: int) -> None:
    if done_bytes >= int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)

target = replace(open_s3(Wanted(f"s3://{sys.argv[1]}/runs", {}, retain_until="2036-12-31")), part_bytes=5 << 20)
deposit = target.reserve(new_deposit(0, kind="s3", place=""), ABOUT, lambda _: None)
target.send(deposit, parcel_of(Path(sys.argv[2]), "run.tar.gz"), die)
"""


def test_an_upload_that_was_killed_goes_on_with_the_parts_that_are_missing(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, place.bucket, str(place.large.path), str(2 * PART_BYTES)],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"PYTHONPATH": "."},
    )
    assert killed.returncode == -signal.SIGKILL
    target, deposit = place.open(), place.deposit()
    deposit = target.reserve(deposit, ABOUT, lambda _: None)
    assert target.arrived(deposit, place.large) is None
    with cutting(urlsplit(place.endpoint).port or 0) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
        place.open().send(deposit, place.large, lambda _: None)
        parts = [one for one in proxy.requests if "partNumber=" in one]
    assert len(parts) == 1, parts
    assert "partNumber=3" in parts[0]
    assert len(place.versions()) == 1


@pytest.mark.parametrize("where", ["before", "middle", "after"])
def test_a_network_that_is_cut_at_any_request_is_one_clear_error_and_the_next_attempt_finishes(
    place: Place, where: Where, monkeypatch: pytest.MonkeyPatch
) -> None:
    with cutting(urlsplit(place.endpoint).port or 0) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
        target = place.open()
        number, told = 0, set()
        made: Deposit | None = None
        while made is None:
            proxy.cut(number, where)
            try:
                made = place.publish(target)
            except CannotCheck as error:
                told.add((error.what, error.hint.partition("; ")[2]))
                number += 1
        assert number > 10, "no phase was cut"
        assert not proxy.is_cut
    again = "nothing is lost: the same command goes on where it was"
    assert told == {("the store cannot be reached, or the connection was cut", again)}
    assert [one.retained_until for one in made.arrivals] == [LOCK, LOCK]
    assert place.versions() == sorted((one.name, one.version) for one in made.arrivals), "something was sent twice"


def test_a_bucket_without_a_lock_is_refused_before_anything_is_sent(place: Place) -> None:
    bucket = f"plain-{next(numbers)}"
    where = {"CreateBucketConfiguration": {"LocationConstraint": object_store.REGION}}
    place.client.create_bucket(Bucket=bucket, **where)
    plain = replace(place, bucket=bucket)
    with pytest.raises(UsageError, match="no Object Lock") as caught:
        plain.publish()
    assert "create-bucket" in caught.value.hint
    assert plain.versions() == []
    with pytest.raises(UsageError, match="there is no such bucket"):
        replace(place, bucket="not-there").publish()


def test_a_bucket_whose_versions_are_suspended_is_refused(place: Place) -> None:
    place.client.put_bucket_versioning(Bucket=place.bucket, VersioningConfiguration={"Status": "Suspended"})
    with pytest.raises(UsageError, match="keeps no versions"):
        place.publish()


def test_another_run_with_the_same_id_is_refused_before_anything_is_sent(place: Place) -> None:
    place.publish()
    before = place.versions()
    with pytest.raises(UsageError, match="another run with this id") as caught:
        place.publish(deposit=place.deposit("0" * 64))
    assert caught.value.got == f"seal {SEAL}"
    assert place.versions() == before


def test_without_credentials_the_error_names_the_variables(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    with pytest.raises(CannotCheck, match="no credentials") as caught:
        place.publish()
    assert "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in caught.value.expected
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(UsageError, match="cannot work with these settings"):
        place.open()


def said(status: int, code: str) -> bytes:
    text = f"\x1b[2J{object_store.SECRET_KEY}"
    body = f"<Error><Code>{code}</Code><Message>{text}</Message><StringToSign>{text}</StringToSign></Error>"
    return answer(status, body.replace("\x1b", "&#155;").encode(), "Content-Type: application/xml")


@pytest.mark.parametrize(
    ("reply", "kind", "what"),
    [
        (said(403, "AccessDenied"), CannotCheck, "does not let us"),
        (said(403, "InvalidAccessKeyId"), CannotCheck, "does not know the access key"),
        (said(403, "SignatureDoesNotMatch"), CannotCheck, "does not fit"),
        (said(400, "ExpiredToken"), CannotCheck, "have run out"),
        (said(403, "RequestTimeTooSkewed"), CannotCheck, "clock"),
        (said(403, "QuotaExceeded"), UsageError, "no room"),
        (said(507, "XMinioStorageFull"), UsageError, "no room"),
        (said(503, "SlowDown"), CannotCheck, "cannot answer now"),
        (said(400, "Odd\x1b]0;x"), UsageError, "the store refuses this"),
        (answer(200, b"<html>no store at all"), CannotCheck, "cannot answer now"),
        (answer(500, b"\xff\xfe" * 100), CannotCheck, "cannot answer now"),
        (answer(301, b"", "Location: http://127.0.0.1:1/"), CannotCheck, "cannot be read"),
        (b"\x00\x01 nothing of HTTP\r\n\r\n", CannotCheck, "cannot be reached"),
        (b"", CannotCheck, "cannot be reached"),
    ],
)
def test_what_a_store_refuses_is_one_clear_error_without_its_own_words(
    place: Place, monkeypatch: pytest.MonkeyPatch, reply: bytes, kind: type[AwoError], what: str
) -> None:
    with serving(say(reply)) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        target = place.open()
        with pytest.raises(kind, match=what) as caught:
            target.reserve(place.deposit(), ABOUT, lambda _: None)
        with pytest.raises(AwoError):
            target.send(msgspec.structs.replace(place.deposit(), identifier="runs/x"), place.large, lambda _: None)
        assert server.requests
    shown = f"{caught.value}"
    assert "planted" not in shown
    assert "\x1b" not in shown


def test_a_store_that_keeps_other_bytes_than_its_checksum_says_is_found_when_they_come_back(place: Place) -> None:
    """moto stores bytes that its checksum does not fit; `read_back` is what such a store cannot pass."""
    target = place.open()
    deposit = target.reserve(place.deposit(), ABOUT, lambda _: None)
    place.client.put_object(
        Bucket=place.bucket, Key=f"{deposit.identifier}/{place.small.name}", Body=b"X" * place.small.size_bytes
    )
    with pytest.raises(EvidenceError, match="other bytes") as caught:
        target.arrived(deposit, place.small)
    assert place.small.sha256 in caught.value.expected
    assert caught.value.got.startswith("SHA-256 ")
