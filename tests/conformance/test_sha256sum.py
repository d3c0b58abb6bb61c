"""A package that AWO seals and a bundle that it writes are accepted by outsiders, and by its own judge."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, get_args

import pytest
from tests.vectors.builder import OPERATOR, OPERATOR_ID, RUN_ID, SOFTWARE, STRANGER, Package
from tests.vectors.stories import approved, completed

from awo.canon.digest import sha256_file, sha256_hex
from awo.canon.ustar import END
from awo.errors import DiskTrouble, EvidenceError, UsageError
from awo.evidence.layout import ALLOWED_SIGNERS, GATE_PENDING, SEAL, SEAL_SIGNATURE, SUMS
from awo.evidence.records import Outcome, Seal
from awo.publish.bundle import Bundle, export_bundle
from awo.seal.seal import is_sealed, seal_run
from awo.sign.seam import Signer
from awo.verify.judge import verify

Intruder = Literal["link", "folder link", "fifo", "reserved name", "clashing case", "back slash"]
NAME = "a name with spaces & é.txt"
LONG_NAME = f"{'deep/' * 15}{'n' * 95}.json"
AT = "2026-01-02T03:05:00.123456Z"


def run(*words: str | Path, cwd: Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([str(word) for word in words], cwd=cwd, input=stdin, capture_output=True)


def seal(folder: Path, package: Package, *, signer: Signer = OPERATOR, **changes: Outcome) -> Seal:
    outcome: Outcome = changes.get("outcome", "approved" if package.gates else "completed")
    return seal_run(
        folder,
        checkpoint=package.checkpoint(),
        outcome=outcome,
        run_id=RUN_ID,
        supersedes="",
        sealer=package.starter,
        signer=signer,
        software=SOFTWARE,
        at=AT,
    )


@pytest.fixture
def package() -> Package:
    """A run that was approved; one of its files has a name that needs care, another is long."""
    return approved(files={NAME: "été\n", LONG_NAME: "{}" * 700})


@pytest.fixture
def folder(tmp_path: Path, package: Package) -> Iterator[Path]:
    """A finished run, not yet sealed; writable again afterwards, so that it can be removed."""
    yield package.write(tmp_path)
    for parent, _, _ in os.walk(tmp_path):
        os.chmod(parent, 0o755)


# --- seal ----------------------------------------------------------------------------------------------------


def test_sha256sum_accepts_the_list_and_every_file_stands_in_it(folder: Path, package: Package) -> None:
    seal(folder, package)
    answer = run("sha256sum", "--check", "--strict", SUMS, cwd=folder)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.count(b": OK\n") == len(package.files) + 1  # the key that sealing makes


def test_ssh_keygen_accepts_the_seal_and_the_decision(folder: Path, package: Package) -> None:
    seal(folder, package)
    decision = folder / "audit/decisions/0001-review.json"
    for data, signature, namespace, who in (
        (folder / SEAL, folder / SEAL_SIGNATURE, "awo-seal", OPERATOR_ID),
        (decision, decision.with_name(f"{decision.name}.sig"), "awo-decision", "rita@example.org"),
    ):
        words: list[str | Path] = [
            "-Y",
            "verify",
            "-f",
            folder / ALLOWED_SIGNERS,
            "-I",
            who,
            "-n",
            namespace,
            "-s",
            signature,
        ]
        answer = run("ssh-keygen", *words, cwd=folder, stdin=data.read_bytes())
        assert answer.returncode == 0, answer.stdout + answer.stderr


def test_the_judge_accepts_what_was_sealed(folder: Path, package: Package) -> None:
    seal(folder, package)
    assert verify(folder).verdict == "passed"


def test_everything_in_a_sealed_run_is_read_only(folder: Path, package: Package) -> None:
    seal(folder, package)
    modes = {stat.S_IMODE(os.lstat(path).st_mode) for path in folder.rglob("*") if path.is_file()}
    folders = {stat.S_IMODE(os.lstat(path).st_mode) for path in (folder, *folder.rglob("*")) if path.is_dir()}
    assert (modes, folders) == ({0o444}, {0o555})


def test_sealing_twice_gives_the_same_seal(folder: Path, package: Package) -> None:
    first = seal(folder, package)
    before = (folder / SEAL_SIGNATURE).read_bytes()
    assert seal(folder, package) == first
    assert (folder / SEAL_SIGNATURE).read_bytes() == before


def test_a_sealed_run_is_not_sealed_as_something_else(folder: Path, package: Package) -> None:
    seal(folder, package)
    with pytest.raises(UsageError, match="sealed already"):
        seal(folder, package, outcome="abandoned")


@pytest.mark.parametrize(
    "left", [(SUMS,), (SUMS, SEAL), (SUMS, SEAL, "audit/.seal.json.sig.new"), (".SHA256SUMS.new",)]
)
def test_sealing_goes_on_after_a_crash_in_the_middle(folder: Path, package: Package, left: tuple[str, ...]) -> None:
    for path in left:
        (folder / path).write_bytes(b"half")
    assert not is_sealed(folder)
    seal(folder, package)
    assert is_sealed(folder)
    assert verify(folder).verdict == "passed"


def test_a_crash_before_the_modes_were_set_is_mended(folder: Path, package: Package) -> None:
    first = seal(folder, package)
    (folder / "report.md").chmod(0o644)
    assert seal(folder, package) == first
    assert stat.S_IMODE((folder / "report.md").stat().st_mode) == 0o444


@pytest.mark.parametrize("kind", get_args(Intruder))
def test_what_may_not_be_in_a_package_is_not_sealed(folder: Path, package: Package, kind: Intruder) -> None:
    match kind:
        case "link":
            (folder / "audit/link").symlink_to("journal.jsonl")
        case "folder link":
            (folder / "more").symlink_to("outputs", target_is_directory=True)
        case "fifo":
            os.mkfifo(folder / "audit/pipe")
        case "reserved name":
            (folder / "outputs/aux.txt").touch()
        case "clashing case":
            (folder / "Report.MD").touch()
        case "back slash":
            (folder / "a\\b").touch()
    with pytest.raises(UsageError, match="may not be in a sealed run"):
        seal(folder, package)
    assert not is_sealed(folder)


def test_a_run_that_is_not_ready_is_not_sealed(folder: Path, package: Package) -> None:
    (folder / GATE_PENDING).touch()
    with pytest.raises(UsageError, match="waits for a person"):
        seal(folder, package)
    (folder / GATE_PENDING).unlink()
    (folder / "report.md").unlink()
    with pytest.raises(UsageError, match="missing"):
        seal(folder, package)


def test_a_seal_names_the_key_that_signs_it(folder: Path, package: Package) -> None:
    with pytest.raises(UsageError, match="another key"):
        seal(folder, package, signer=STRANGER)


def test_a_known_digest_is_not_taken_again_and_a_changed_file_shows(folder: Path, package: Package) -> None:
    (folder / "report.md").write_bytes(b"changed by somebody else\n")
    known = {"report.md": sha256_hex(package.files["report.md"])}
    seal_run(
        folder,
        checkpoint=package.checkpoint(),
        outcome="approved",
        run_id=RUN_ID,
        supersedes="",
        sealer=package.starter,
        signer=OPERATOR,
        software=SOFTWARE,
        at=AT,
        known=known,
    )
    (failed,) = verify(folder).results("failed")
    assert (failed.check.id, failed.findings[0].where) == ("EP-2.2", "report.md")


# --- bundle --------------------------------------------------------------------------------------------------


@pytest.fixture
def sealed(folder: Path, package: Package) -> Path:
    seal(folder, package)
    return folder


@pytest.fixture
def bundle(sealed: Path, tmp_path: Path) -> Bundle:
    return export_bundle(sealed, tmp_path / "run.tar.gz")


def test_gzip_and_tar_accept_the_bundle_and_unpack_what_was_sealed(
    bundle: Bundle, sealed: Path, tmp_path: Path
) -> None:
    assert run("gzip", "-t", bundle.path, cwd=tmp_path).returncode == 0
    listing = run("tar", "tzf", bundle.path, cwd=tmp_path)
    assert (listing.returncode, listing.stderr) == (0, b"")
    first = [f"{RUN_ID}/{path}".encode() for path in (SEAL, SEAL_SIGNATURE, SUMS)]
    assert listing.stdout.splitlines()[:3] == first
    away = tmp_path / "away"
    away.mkdir()
    unpacked = run("tar", "xzf", bundle.path, cwd=away)
    assert (unpacked.returncode, unpacked.stderr) == (0, b"")
    assert run("sha256sum", "--check", "--strict", "--quiet", SUMS, cwd=away / RUN_ID).returncode == 0
    assert run("diff", "-r", sealed, away / RUN_ID, cwd=tmp_path).stdout == b""


def test_the_bundle_says_its_own_digests(bundle: Bundle, tmp_path: Path) -> None:
    assert sha256_file(bundle.path) == (bundle.sha256, bundle.size_bytes)
    tar = run("gzip", "-dc", bundle.path, cwd=tmp_path).stdout
    assert sha256_hex(tar) == bundle.tar_sha256
    assert tar.endswith(END)


def test_the_judge_finds_in_the_bundle_what_it_finds_in_the_folder(bundle: Bundle, sealed: Path) -> None:
    inside, outside = verify(bundle.path), verify(sealed)
    assert [(one.check.id, one.verdict, one.findings) for one in inside.checks] == [
        (one.check.id, one.verdict, one.findings) for one in outside.checks
    ]
    assert inside.counts == outside.counts


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_same_run_gives_the_same_bytes_whatever_the_threads(
    bundle: Bundle, sealed: Path, tmp_path: Path, threads: int
) -> None:
    copy = tmp_path / "elsewhere" / "copied"
    shutil.copytree(sealed, copy)
    again = export_bundle(copy, tmp_path / "again.tar.gz", threads=threads)
    assert (again.sha256, again.tar_sha256) == (bundle.sha256, bundle.tar_sha256)


def test_more_than_a_block_gives_the_same_bytes_whatever_the_threads(tmp_path: Path) -> None:
    package = completed(extra={"audit/large.bin": bytes(range(256)) * 20_000})
    folder = package.freeze().write(tmp_path)
    made = [export_bundle(folder, tmp_path / f"{threads}.tar.gz", threads=threads).sha256 for threads in (1, 2, 3)]
    assert len(set(made)) == 1


def test_an_existing_bundle_with_the_same_bytes_is_kept_and_another_is_not_overwritten(
    bundle: Bundle, sealed: Path
) -> None:
    before = bundle.path.stat()
    assert export_bundle(sealed, bundle.path) == bundle
    assert bundle.path.stat().st_mtime_ns == before.st_mtime_ns
    bundle.path.write_bytes(b"something else")
    with pytest.raises(UsageError, match="not overwritten"):
        export_bundle(sealed, bundle.path)
    assert bundle.path.read_bytes() == b"something else"
    assert [path.name for path in bundle.path.parent.iterdir() if path.name.startswith(".")] == []


def test_progress_is_told_until_every_byte_is_done(sealed: Path, tmp_path: Path) -> None:
    told: list[int] = []
    export_bundle(sealed, tmp_path / "p.tar.gz", told.append)
    assert told == sorted(told)
    assert told[-1] == sum(path.stat().st_size for path in sealed.rglob("*") if path.is_file())


def test_an_unsealed_run_is_not_exported(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="only a sealed run"):
        export_bundle(folder, tmp_path / "x.tar.gz")


def test_a_bundle_is_not_written_where_it_cannot_be(sealed: Path, tmp_path: Path) -> None:
    for out in (sealed / "x.tar.gz", tmp_path, tmp_path / "nowhere" / "x.tar.gz"):
        with pytest.raises(UsageError):
            export_bundle(sealed, out)


def test_a_link_in_a_sealed_run_is_not_exported(sealed: Path, tmp_path: Path) -> None:
    sealed.chmod(0o755)
    (sealed / "more").symlink_to("report.md")
    with pytest.raises(EvidenceError, match="may not be in a bundle"):
        export_bundle(sealed, tmp_path / "x.tar.gz")
    assert list(tmp_path.glob(".*.new")) == []


def test_a_run_that_compresses_like_a_bomb_is_not_exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("awo.verify.limits.RATIO", 100)  # isal packs nothing 500 times
    folder = completed().freeze().write(tmp_path)
    with (folder / "zeros").open("wb") as stream:
        stream.truncate(80 << 20)
    with pytest.raises(UsageError, match="bomb"):
        export_bundle(folder, tmp_path / "x.tar.gz")


def test_a_full_disk_is_one_error_and_leaves_nothing(sealed: Path, tmp_path: Path) -> None:
    code = (
        "import resource, sys; from pathlib import Path; from awo.publish.bundle import export_bundle\n"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try: export_bundle(Path(sys.argv[1]), Path(sys.argv[2]))\n"
        "except Exception as error: print(type(error).__name__)\n"
    )
    answer = run(sys.executable, "-B", "-c", code, sealed, tmp_path / "x.tar.gz", cwd=tmp_path)
    assert answer.stdout == f"{DiskTrouble.__name__}\n".encode(), answer.stderr
    assert list(tmp_path.glob("*.tar.gz")) + list(tmp_path.glob(".*.new")) == []
