"""`awo publish` to object storage and to a folder: sent, locked, fetched elsewhere with other tools, and verified."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from tests import object_store
from tests.e2e.installed import Project, unchanged

UNTIL = "2036-12-31"
NAMES = ["SHA256SUMS", "report.md"]

numbers = itertools.count()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with object_store.served(tmp_path_factory.mktemp("store")) as endpoint:
        yield endpoint


@pytest.fixture
def outsider(store: str) -> Any:
    """A client with the same rights as `awo`."""
    return boto3.client(
        "s3",
        endpoint_url=store,
        region_name=object_store.REGION,
        aws_access_key_id=object_store.ACCESS_KEY,
        aws_secret_access_key=object_store.SECRET_KEY,
    )


@pytest.fixture
def bucket(outsider: Any) -> str:
    name = f"evidence-{next(numbers)}"
    where = {"LocationConstraint": object_store.REGION}
    outsider.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True, CreateBucketConfiguration=where)
    return name


def everything_below(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_a_run_goes_to_locked_storage_and_comes_back_elsewhere_as_it_was(
    sealed: Project, store: str, outsider: Any, bucket: str, tmp_path: Path
) -> None:
    variables = object_store.environment(store)
    address = f"s3://{bucket}/evidence"
    run = sealed.latest()
    with unchanged(run):
        draft = sealed.awo("publish", address, "latest", "--retain-until", UNTIL, variables=variables).expect(0)
        assert f"--retain-until {UNTIL} --as runner@example.org --yes, which cannot be taken back" in draft.out
        versions = outsider.list_object_versions(Bucket=bucket)["Versions"]
        assert len(versions) == 3
        asked = ("publish", address, "latest", "--retain-until", UNTIL, "--yes")
        made = sealed.awo(*asked, "--json", variables=variables).expect(0).json
        again = sealed.awo(*asked, "--json", variables=variables).expect(0).json
    assert made["published"]
    assert again["before"]
    assert outsider.list_object_versions(Bucket=bucket)["Versions"] == versions
    assert [one["name"] for one in made["files"]] == [*NAMES, f"{run.name}.tar.gz"]
    assert {one["retained_until"] for one in made["files"]} == {"2036-12-31T23:59:59.000000Z COMPLIANCE"}
    for one in made["files"]:
        named = {"Bucket": bucket, "Key": one["address"].removeprefix(f"s3://{bucket}/")}
        with pytest.raises(ClientError, match="AccessDenied"):
            outsider.delete_object(**named, VersionId=one["version"])
        with pytest.raises(ClientError, match="PreconditionFailed"):
            outsider.put_object(**named, Body=b"other bytes", IfNoneMatch="*")
        found = outsider.get_object(**named, VersionId=one["version"])
        (tmp_path / one["name"]).write_bytes(found["Body"].read())
    elsewhere = Project(tmp_path / "elsewhere")
    elsewhere.awo("verify", tmp_path / f"{run.name}.tar.gz").expect(0)
    assert (tmp_path / "SHA256SUMS").read_bytes() == (run / "SHA256SUMS").read_bytes()
    left = everything_below(sealed.root)
    for secret in (object_store.SECRET_KEY, object_store.ACCESS_KEY, object_store.TOKEN):
        assert secret.encode() not in left
    sealed.awo("publish", "--list", "latest").expect(0)


def test_what_is_missing_for_storage_is_said_before_anything_is_sent(
    sealed: Project, store: str, outsider: Any, bucket: str
) -> None:
    variables = object_store.environment(store)
    address = f"s3://{bucket}"
    sealed.awo("publish", address, "latest", variables=variables).refused(2, "--retain-until DATE or --retain-days N")
    sealed.awo("publish", address, "latest", "--retain-days", "0", variables=variables).refused(2, "--retain-days")
    keyless = {name: value for name, value in variables.items() if "KEY" not in name and "TOKEN" not in name}
    sealed.awo("publish", address, "latest", "--retain-days", "1", variables=keyless).refused(7, "AWS_ACCESS_KEY_ID")
    wrong = f"s3://{object_store.ACCESS_KEY}:{object_store.SECRET_KEY}@{bucket}"
    done = sealed.awo("publish", wrong, "latest", "--retain-days", "1", variables=variables)
    done.refused(2, "this is no address of a bucket")
    assert object_store.SECRET_KEY not in done.err
    assert outsider.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_a_run_goes_to_a_folder_where_sha256sum_checks_it_and_nothing_there_is_overwritten(
    sealed: Project, tmp_path: Path
) -> None:
    share = tmp_path / "share"
    sealed.awo("publish", f"folder:{share}", "latest").refused(7, "is not there", "mount")
    share.mkdir()
    run = sealed.latest()
    with unchanged(run):
        made = sealed.awo("publish", share, "latest", "--json").expect(0).json
    assert made["published"]
    folder = share / run.name
    assert sorted(path.name for path in folder.iterdir()) == ["ARRIVED.sha256", *NAMES, f"{run.name}.tar.gz"]
    assert subprocess.run(["sha256sum", "--strict", "--quiet", "-c", "ARRIVED.sha256"], cwd=folder).returncode == 0
    Project(tmp_path / "elsewhere").awo("verify", folder / f"{run.name}.tar.gz").expect(0)
    assert sealed.awo("publish", share, "latest", "--json").expect(0).json["before"]
    (folder / "report.md").write_text("another report\n")
    shutil.rmtree(sealed.runs / "publications")  # as on another machine, which knows of no deposit
    with unchanged(share):
        sealed.awo("publish", share, "latest").refused(3, "other bytes under this name", "expected: SHA-256", "got: ")
