"""A folder that is published to: processes killed at every call to the system, disks that refuse, files of others."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.deposits import ABOUT, new_deposit

from awo.errors import CannotCheck, DiskTrouble, EvidenceError, UsageError
from awo.evidence.publication import Deposit
from awo.publish.targets.folder import LIST, Folder, open_folder
from awo.publish.targets.opening import Wanted
from awo.publish.targets.seam import Parcel
from awo.testing.publishing_targets import parcel_of

SIZE_BYTES = 2_500_000
"""Three writes of a megabyte at most: the last is short."""

SENDER = """
import os, signal, sys
from pathlib import Path
from tests.deposits import ABOUT, new_deposit
from awo.publish.targets.folder import open_folder
from awo.publish.targets.opening import Wanted
from awo.testing.publishing_targets import parcel_of

place, path, last = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
target, parcel, calls = open_folder(Wanted(f"folder:{place}", {})), parcel_of(path, "run.tar.gz"), 0

def counted(name, real):
    def call(*arguments, **named):
        global calls
        calls += 1
        if calls == last:
            if name == "write":  # as much as was on its way when the power went
                real(arguments[0], bytes(arguments[1])[:1000])
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **named)
    return call

for name in ("mkdir", "open", "write", "ftruncate", "fsync", "link", "unlink", "rename", "close"):
    setattr(os, name, counted(name, getattr(os, name)))
deposit = target.reserve(new_deposit(0, kind="folder", place=place), ABOUT, lambda _: None)
target.send(deposit, parcel, lambda _: None)
target.publish(deposit, ABOUT, [parcel])
print("done", calls)
"""


@dataclass(frozen=True)
class Place:
    root: Path
    parcel: Parcel

    @property
    def target(self) -> Folder:
        return open_folder(Wanted(f"folder:{self.root}", {}))

    @property
    def deposit(self) -> Deposit:
        return new_deposit(0, kind="folder", place=str(self.root))

    @property
    def folder(self) -> Path:
        return self.root / self.deposit.run_id

    def reserved(self) -> Deposit:
        return self.target.reserve(self.deposit, ABOUT, lambda _: None)

    def publish(self) -> Deposit:
        deposit = self.reserved()
        self.target.send(deposit, self.parcel, lambda _: None)
        return self.target.publish(deposit, ABOUT, [self.parcel])

    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "place").mkdir()
    path = tmp_path / "made.tar.gz"
    path.write_bytes(os.urandom(SIZE_BYTES))
    return Place(tmp_path / "place", parcel_of(path, "run.tar.gz"))


def send(place: Place, last: int = 0, most_bytes: int = 0) -> subprocess.CompletedProcess[str]:
    """Sends in another process, which is killed at call `last`, or may write files of `most_bytes` only."""

    def limit() -> None:
        if most_bytes:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))

    return subprocess.run(
        [sys.executable, "-c", SENDER, str(place.root), str(place.parcel.path), str(last)],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"PYTHONPATH": ".", "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=limit,
        capture_output=True,
        text=True,
    )


def test_what_arrived_is_listed_for_sha256sum(place: Place) -> None:
    made = place.publish()
    assert made.address == str(place.folder)
    assert place.names() == [LIST, "run.tar.gz"]
    told = subprocess.run(["sha256sum", "--strict", "-c", LIST], cwd=place.folder, capture_output=True, text=True)
    assert (told.returncode, told.stdout) == (0, "run.tar.gz: OK\n")


def test_a_kill_at_any_call_leaves_nothing_half_under_the_final_name_and_the_next_one_finishes(place: Place) -> None:
    whole = send(place)
    assert whole.stdout.startswith("done "), whole.stderr
    calls = int(whole.stdout.split()[1])
    assert calls > 20
    path = place.folder / "run.tar.gz"
    for last in range(1, calls + 1):
        subprocess.run(["rm", "-rf", place.folder], check=True)
        assert send(place, last).returncode == -signal.SIGKILL
        assert not path.exists() or path.read_bytes() == place.parcel.path.read_bytes()
        assert not (place.folder / LIST).exists() or (path.exists() and (place.folder / LIST).stat().st_size > 0)
        place.publish()
        assert place.names() == [LIST, "run.tar.gz"]


def test_a_transfer_that_broke_off_goes_on_where_it_was(place: Place) -> None:
    deposit = place.reserved()
    half = place.folder / ".run.tar.gz.part"
    half.write_bytes(place.parcel.path.read_bytes()[:1_234_567])
    told: list[int] = []
    place.target.send(deposit, place.parcel, told.append)
    assert told[0] == 1_234_567


@pytest.mark.parametrize("there", [b"other bytes" * 1000, b"\0" * (SIZE_BYTES + 1)], ids=["other", "longer"])
def test_a_half_file_of_other_bytes_is_begun_anew(place: Place, there: bytes) -> None:
    deposit = place.reserved()
    (place.folder / ".run.tar.gz.part").write_bytes(there)
    told: list[int] = []
    place.target.send(deposit, place.parcel, told.append)
    assert told[0] == 0
    assert (place.folder / "run.tar.gz").read_bytes() == place.parcel.path.read_bytes()


def test_a_half_file_that_is_the_whole_one_under_another_name_is_never_written_to(place: Place) -> None:
    deposit = place.reserved()
    other = place.root / "of somebody else"
    other.write_bytes(b"theirs")
    (place.folder / ".run.tar.gz.part").hardlink_to(other)
    place.target.send(deposit, place.parcel, lambda _: None)
    assert other.read_bytes() == b"theirs"


def test_a_full_disk_is_one_clear_error_and_the_next_attempt_goes_on(place: Place) -> None:
    done = send(place, most_bytes=1_500_000)
    assert "awo.errors.DiskTrouble" in done.stderr
    assert "the folder has no room left" in done.stderr
    assert place.names() == [".run.tar.gz.part"]
    told: list[int] = []
    place.target.send(place.reserved(), place.parcel, told.append)
    assert told[0] == 1_500_000


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (errno.ENOSPC, "no room left"),
        (errno.EDQUOT, "no room left"),
        (errno.EROFS, "cannot be written to"),
        (errno.EACCES, "cannot be written to"),
        (errno.ESTALE, "cannot be reached"),
        (errno.EIO, "cannot be reached"),
    ],
)
@pytest.mark.parametrize("call", ["open", "write", "fsync", "link"])
def test_what_the_system_refuses_is_said_and_nothing_is_left_under_the_name(
    place: Place, monkeypatch: pytest.MonkeyPatch, call: str, number: int, says: str
) -> None:
    deposit = place.reserved()

    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(os, call, refuse)
        with pytest.raises(DiskTrouble, match=says) as caught:
            place.target.send(deposit, place.parcel, lambda _: None)
    assert caught.value.got == os.strerror(number)
    assert caught.value.hint
    assert "run.tar.gz" not in place.names()
    place.publish()


def test_a_share_without_links_gets_the_file_all_the_same_and_keeps_what_is_there(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    monkeypatch.setattr(os, "link", refuse)
    place.publish()
    assert place.names() == [LIST, "run.tar.gz"]


def test_a_folder_that_is_not_there_is_not_made(place: Place) -> None:
    place.root.rename(place.root.with_name("elsewhere"))
    with pytest.raises(CannotCheck, match="is not there") as caught:
        place.reserved()
    assert "mount" in caught.value.hint
    assert not place.root.exists()


def test_a_run_folder_that_vanished_on_the_way_is_not_made_again(place: Place) -> None:
    deposit = place.reserved()
    place.folder.rmdir()
    with pytest.raises(CannotCheck, match="is gone"):
        place.target.send(deposit, place.parcel, lambda _: None)


def test_a_list_of_somebody_else_is_not_overwritten(place: Place) -> None:
    deposit = place.reserved()
    place.target.send(deposit, place.parcel, lambda _: None)
    (place.folder / LIST).write_text("theirs\n")
    with pytest.raises(EvidenceError, match="another list"):
        place.target.publish(deposit, ABOUT, [place.parcel])
    assert (place.folder / LIST).read_text() == "theirs\n"


def test_the_name_of_the_list_is_not_to_be_had(place: Place) -> None:
    deposit = place.reserved()
    with pytest.raises(UsageError, match="cannot have this name"):
        place.target.send(deposit, replace(place.parcel, name=LIST), lambda _: None)


def test_links_are_not_followed(place: Place, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("keep me")
    deposit = place.reserved()
    for name in (".run.tar.gz.part", "run.tar.gz"):
        (place.folder / name).symlink_to(outside)
        with pytest.raises(EvidenceError, match="a link has the name"):
            place.target.send(deposit, place.parcel, lambda _: None)
        (place.folder / name).unlink()
    place.folder.rmdir()
    (tmp_path / "trap").mkdir()
    place.folder.symlink_to(tmp_path / "trap")
    with pytest.raises(UsageError, match="something else has the name"):
        place.reserved()
    assert outside.read_text() == "keep me"


def test_a_pipe_with_the_name_of_a_file_holds_nobody_up(place: Place) -> None:
    deposit = place.reserved()
    os.mkfifo(place.folder / "run.tar.gz")
    with pytest.raises(EvidenceError, match="something else has the name"):
        place.target.send(deposit, place.parcel, lambda _: None)


def test_the_folder_of_runs_is_no_place_to_publish_to(place: Place) -> None:
    (place.folder / "audit").mkdir(parents=True)
    with pytest.raises(UsageError, match="the folder of a run itself"):
        place.reserved()


def test_two_processes_do_not_write_to_one_half_file(place: Place) -> None:
    deposit = place.reserved()

    def second(done_bytes: int) -> None:
        with pytest.raises(UsageError, match="another process is sending"):
            place.target.send(deposit, place.parcel, lambda _: None)

    place.target.send(deposit, place.parcel, second)
    place.publish()
