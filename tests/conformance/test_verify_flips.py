"""Whatever is done to one file of a sealed package, the judge says that it fails, names the file, and never breaks."""

from __future__ import annotations

import gzip
import os
import random
import shutil
from pathlib import Path

import pytest
from tests.vectors.builder import RUN_ID, Package, gzip_of, in_bundle_order, member, tar_of
from tests.vectors.fan_out import greeted
from tests.vectors.stories import approved

from awo.canon.ustar import END
from awo.evidence.layout import SUMS
from awo.verify.judge import verify
from awo.verify.report import Report

PACKAGE = approved().freeze()
PATHS = in_bundle_order(PACKAGE.files)
WIDE = greeted().freeze()
"""A run that fans out; only what it has beside the other package is spoilt."""
WIDE_PATHS = [path for path in in_bundle_order(WIDE.files) if path not in PACKAGE.files or path.endswith(".jsonl")]
SAMPLE = 40
"""Places of a file that are tried in the usual run; `make campaign` tries every byte."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The package as a folder that a test may spoil."""
    return PACKAGE.write(tmp_path)


def places(data: bytes, count: int) -> list[int]:
    """Places in a file: all of them, or the ends and a sample that is the same each time."""
    if len(data) <= count:
        return list(range(len(data)))
    return sorted({0, len(data) - 1, *random.Random(len(data)).sample(range(len(data)), count)})


def flipped(data: bytes, place: int, bit: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :]


def assert_blamed(report: Report, path: str) -> None:
    failed = report.results("failed")
    assert report.verdict == "failed"
    assert any(path in finding.where for one in failed for finding in one.findings), [one.findings for one in failed]


def flip_each(folder: Path, path: str, count: int, package: Package = PACKAGE) -> None:
    data = package.files[path]
    for place in places(data, count):
        (folder / path).write_bytes(flipped(data, place, place % 8))
        assert_blamed(verify(folder), path)


def test_the_package_verifies_as_it_is(folder: Path) -> None:
    assert verify(folder).verdict == "passed"


@pytest.mark.parametrize("path", PATHS)
def test_a_flipped_bit_is_found_and_its_file_named(folder: Path, path: str) -> None:
    flip_each(folder, path, SAMPLE)


@pytest.mark.parametrize("path", WIDE_PATHS)
def test_a_flipped_bit_of_a_run_that_fans_out_is_found_and_its_file_named(tmp_path: Path, path: str) -> None:
    folder = WIDE.write(tmp_path)
    assert verify(folder).verdict == "passed"
    flip_each(folder, path, SAMPLE, WIDE)


@pytest.mark.parametrize("path", WIDE_PATHS)
def test_what_a_run_that_fans_out_wrote_can_be_neither_cut_nor_grown_nor_removed(tmp_path: Path, path: str) -> None:
    folder = WIDE.write(tmp_path)
    data = WIDE.files[path]
    for changed in (data[:-1], b"", data + b"\n", data + b"\0", data[: len(data) // 2], data + data):
        (folder / path).write_bytes(changed)
        assert_blamed(verify(folder), path)
    (folder / path).unlink()
    assert_blamed(verify(folder), path)


@pytest.mark.campaign
@pytest.mark.parametrize("path", WIDE_PATHS)
def test_every_flipped_byte_of_a_run_that_fans_out_is_found(tmp_path: Path, path: str) -> None:
    flip_each(WIDE.write(tmp_path), path, 1 << 30, WIDE)


@pytest.mark.campaign
@pytest.mark.parametrize("path", PATHS)
def test_every_flipped_byte_is_found_and_its_file_named(folder: Path, path: str) -> None:
    flip_each(folder, path, 1 << 30)


@pytest.mark.parametrize("path", PATHS)
def test_a_file_cut_emptied_or_grown_is_named(folder: Path, path: str) -> None:
    data = PACKAGE.files[path]
    for changed in (data[:-1], b"", data + b"\n", data + b"\0", data[: len(data) // 2], data + data):
        (folder / path).write_bytes(changed)
        assert_blamed(verify(folder), path)


@pytest.mark.parametrize("path", PATHS)
def test_a_removed_file_is_named(folder: Path, path: str) -> None:
    (folder / path).unlink()
    assert_blamed(verify(folder), path)


@pytest.mark.parametrize("path", PATHS)
def test_a_renamed_file_is_named_under_both_names(folder: Path, path: str) -> None:
    (folder / path).rename(folder / f"{path}.bak")
    report = verify(folder)
    assert_blamed(report, path)
    if path != SUMS:  # without the list nobody knows what was added
        assert_blamed(report, f"{path}.bak")


@pytest.mark.parametrize("path", PATHS)
def test_a_copy_of_a_file_is_named(folder: Path, path: str) -> None:
    shutil.copy(folder / path, folder / f"{path}.copy")
    assert_blamed(verify(folder), f"{path}.copy")


@pytest.mark.parametrize("path", PATHS)
def test_a_link_in_place_of_a_file_is_named(folder: Path, path: str, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (folder / path).rename(outside)
    (folder / path).symlink_to(outside)
    assert_blamed(verify(folder), path)


def test_a_link_in_place_of_a_folder_is_not_followed(folder: Path, tmp_path: Path) -> None:
    (folder / "outputs").rename(tmp_path / "outside")
    (folder / "outputs").symlink_to(tmp_path / "outside")
    report = verify(folder)
    assert_blamed(report, "outputs")
    assert report.counts["files"] == len([path for path in PATHS if not path.startswith("outputs/")])


def test_a_fifo_is_refused_without_waiting_for_it(folder: Path) -> None:
    os.mkfifo(folder / "audit" / "pipe")
    (folder / "report.md").unlink()
    os.mkfifo(folder / "report.md")
    report = verify(folder)
    assert_blamed(report, "audit/pipe")
    assert_blamed(report, "report.md")


@pytest.mark.parametrize(
    "name", ["Report.md", "audit/STATUS.json", "OUTPUTS/x", "a\nb", "tab\there", "nul.txt", "e\u0301"]
)
def test_a_name_that_may_not_be_there_is_refused(folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"")
    report = verify(folder)
    assert "EP-1.2" in {one.check.id for one in report.results("failed")}


def test_a_name_that_is_not_utf8_is_refused_and_can_be_printed(folder: Path) -> None:
    with open(os.fsencode(folder) + b"/caf\xe9", "wb"):
        pass
    report = verify(folder)
    findings = [finding for one in report.results("failed") for finding in one.findings]
    assert any("caf" in finding.where for finding in findings)
    assert str(report.as_dict()).encode("utf-8")


# --- bundles -------------------------------------------------------------------------------------------------


def judged_tar(tmp_path: Path, tar: bytes) -> Report:
    bundle = tmp_path / "package.tar.gz"
    bundle.write_bytes(gzip_of(tar))
    return verify(bundle)


def offsets(package: Package) -> dict[str, int]:
    """Where the content of each file begins in the archive."""
    place, found = 0, {}
    for path in in_bundle_order(package.files):
        found[path] = place + 512
        size = len(package.files[path])
        place += 512 + size + -size % 512
    return found


@pytest.mark.parametrize("path", PATHS)
def test_a_flipped_bit_inside_the_archive_is_found_and_its_file_named(tmp_path: Path, path: str) -> None:
    tar, begin = tar_of(PACKAGE), offsets(PACKAGE)[path]
    for place in places(PACKAGE.files[path], SAMPLE // 2):
        assert_blamed(judged_tar(tmp_path, flipped(tar, begin + place, place % 8)), path)


@pytest.mark.parametrize("path", WIDE_PATHS)
def test_a_flipped_bit_inside_the_archive_of_a_run_that_fans_out_is_found(tmp_path: Path, path: str) -> None:
    tar, begin = tar_of(WIDE), offsets(WIDE)[path]
    assert judged_tar(tmp_path, tar).verdict == "passed"
    for place in places(WIDE.files[path], SAMPLE // 2):
        assert_blamed(judged_tar(tmp_path, flipped(tar, begin + place, place % 8)), path)


def test_a_flipped_bit_in_a_header_or_a_padding_is_found(tmp_path: Path) -> None:
    tar, begin = tar_of(PACKAGE), offsets(PACKAGE)["audit/status.json"]
    size = len(PACKAGE.files["audit/status.json"])
    for place in [*range(begin - 512, begin), *range(begin + size, begin + size + -size % 512)]:
        assert judged_tar(tmp_path, flipped(tar, place, place % 8)).verdict == "failed", place - begin


def test_a_flipped_bit_of_the_compressed_bytes_never_changes_what_is_believed(tmp_path: Path) -> None:
    packed = gzip_of(tar_of(PACKAGE))
    bundle = tmp_path / "package.tar.gz"
    for place in places(packed, 300):
        spoilt = flipped(packed, place, place % 8)
        bundle.write_bytes(spoilt)
        report = verify(bundle)
        if report.verdict == "passed":  # another spelling of the same bytes: a match that points to an equal place
            assert gzip.decompress(spoilt) == tar_of(PACKAGE), place
            continue
        assert f"{bundle.name}" in report.results("failed")[0].findings[0].where


def test_a_bundle_cut_anywhere_fails(tmp_path: Path) -> None:
    packed = gzip_of(tar_of(PACKAGE))
    bundle = tmp_path / "package.tar.gz"
    for place in places(packed, 200):
        bundle.write_bytes(packed[:place])
        assert verify(bundle).verdict == "failed", place


def test_a_bundle_that_is_called_as_another_run_fails(tmp_path: Path) -> None:
    other = RUN_ID.replace("2026", "2027")
    members = (member(f"{other}/{path}", PACKAGE.files[path], PACKAGE.mtime) for path in PATHS)
    report = judged_tar(tmp_path, b"".join(members) + END)
    assert [one.check.id for one in report.results("failed")] == ["EP-3.2"]


def test_a_bundle_with_another_time_than_the_seal_fails(tmp_path: Path) -> None:
    members = (member(f"{RUN_ID}/{path}", PACKAGE.files[path], PACKAGE.mtime + 1) for path in PATHS)
    report = judged_tar(tmp_path, b"".join(members) + END)
    assert [one.check.id for one in report.results("failed")] == ["EP-1.1"]
