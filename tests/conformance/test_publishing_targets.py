"""Every publishing target passes the suite of the seam, at a place that answers over real HTTP or on a real disk."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import boto3
import pytest
from tests import object_store
from tests.deposits import ABOUT, new_deposit
from tests.invenio.deposit_stub import TOKEN as STUB_TOKEN
from tests.invenio.deposit_stub import deposit_stub

from awo.publish.targets.folder import open_folder
from awo.publish.targets.invenio import open_invenio
from awo.publish.targets.opening import Wanted
from awo.publish.targets.s3 import ObjectStorage, open_s3
from awo.testing.publishing_targets import CHECKS, Trial

PART_BYTES = 5 << 20
"""The least that S3 takes as a part that is not the last."""

numbers = itertools.count()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with object_store.served(tmp_path_factory.mktemp("store")) as endpoint:
        yield endpoint


@pytest.fixture
def at_folder(tmp_path: Path) -> Trial:
    place, folder = tmp_path / "place", tmp_path / "here"
    place.mkdir()
    folder.mkdir()
    wanted = Wanted(f"folder:{place}", {})
    return Trial(
        open=lambda: open_folder(wanted),
        deposit=new_deposit(next(numbers), kind="folder", place=wanted.address),
        about=ABOUT,
        folder=folder,
        large_bytes=3_000_000,
    )


@pytest.fixture
def at_store(store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trial:
    settings = object_store.environment(store)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    bucket = f"bucket-{next(numbers)}"
    boto3.client("s3").create_bucket(
        Bucket=bucket,
        ObjectLockEnabledForBucket=True,
        CreateBucketConfiguration={"LocationConstraint": object_store.REGION},
    )
    wanted = Wanted(f"s3://{bucket}/runs", settings, retain_days=3650)

    def opened() -> ObjectStorage:
        return replace(open_s3(wanted), part_bytes=PART_BYTES)

    return Trial(
        open=opened,
        deposit=new_deposit(next(numbers), kind="s3", place=wanted.address),
        about=ABOUT,
        folder=tmp_path,
        large_bytes=PART_BYTES * 2 + 77,
        secrets=(object_store.SECRET_KEY, object_store.ACCESS_KEY, object_store.TOKEN),
    )


@pytest.fixture
def at_deposit_api(tmp_path: Path) -> Iterator[Trial]:
    """Zenodo's older API, as our own stub of it. The newer one is tried in tests/invenio, at the real application."""
    with deposit_stub() as stub:
        wanted = Wanted(f"invenio:{stub.base}", {"INVENIO_TOKEN": STUB_TOKEN}, api="deposit")
        yield Trial(
            open=lambda: open_invenio(wanted),
            deposit=new_deposit(next(numbers), kind="invenio", place=stub.base),
            about=ABOUT,
            folder=tmp_path,
            large_bytes=3_000_000,
            secrets=(STUB_TOKEN,),
            has_drafts=True,
        )


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_folder_keeps_the_rules_of_targets(check: Callable[[Trial], None], at_folder: Trial) -> None:
    check(at_folder)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_object_storage_keeps_the_rules_of_targets(check: Callable[[Trial], None], at_store: Trial) -> None:
    check(at_store)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_older_api_of_zenodo_keeps_the_rules_of_targets(
    check: Callable[[Trial], None], at_deposit_api: Trial
) -> None:
    check(at_deposit_api)
