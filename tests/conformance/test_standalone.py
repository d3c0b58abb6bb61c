"""verify.py: one file of the standard library that says of every vector what AWO's own judge says."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from copy import copy
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import pytest
from tests.conformance.standalone import PATH, load
from tests.vectors import fan_out, gated, stories
from tests.vectors.builder import RUN_ID, Package, gzip_of, member, tar_of
from tests.vectors.make import BUNDLE, HERE, PROOFS

from awo.canon.json import canonical, encode_sorted, parse_canonical
from awo.errors import EvidenceError
from awo.evidence import events as ev
from awo.evidence.event_blocks import decode_block
from awo.evidence.gates import Decision
from awo.evidence.layout import REDACTIONS
from awo.evidence.records import Seal
from awo.sign.allowed_signers import AllowedSigners
from awo.verify.judge import verify
from awo.verify.report import exit_code

FOLDERS = sorted(path.parent for path in HERE.glob("*/*/expected.json"))
PROOF_FILES = sorted((HERE / PROOFS).glob("*/*.json"))
GOOD = HERE / "good" / "panel" / RUN_ID


@pytest.fixture(scope="module")
def standalone() -> ModuleType:
    return load()


def source_of(vector: Path) -> Path:
    return vector / BUNDLE if (vector / BUNDLE).exists() else vector / RUN_ID


def is_redacted(source: Path) -> bool:
    return (source / REDACTIONS).is_dir() or (source.suffix == ".gz" and "redact" in str(source))


def run(*words: str | Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-S", str(PATH), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, env=env)


# --- the file ----------------------------------------------------------------------------------------------------


def test_it_is_one_file_of_the_standard_library_under_600_lines_for_python_3_9() -> None:
    text = PATH.read_text(encoding="utf-8")
    lines = text.splitlines()
    assert len(lines) < 600
    assert max(map(len, lines)) <= 120
    tree = ast.parse(text, feature_version=(3, 9))
    imports = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    imports |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imports - {"__future__"} <= sys.stdlib_module_names
    assert not imports & {"socket", "ssl", "urllib", "http", "ctypes", "pickle", "importlib", "tarfile", "gzip"}


# --- agreement ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vector", FOLDERS, ids=lambda path: path.name)
def test_of_each_vector_it_says_what_the_judge_says(vector: Path, standalone: ModuleType) -> None:
    source, expected = source_of(vector), json.loads((vector / "expected.json").read_text())
    report = standalone.verify(str(source))
    failed = [check for check in report.found if report.verdict(check) == standalone.FAILED]
    if is_redacted(source):  # what is withheld it does not judge, so that it never calls such a package verified
        assert failed == [] or expected["failed"]
        assert report.verdict() != "passed"
        return
    made = [check for check in expected["failed"] if check in report.found]
    assert failed == made
    is_sealed = "EP-2.1" not in expected["not_checked"]
    if not made and is_sealed:
        assert report.verdict() == "passed", report.found


@pytest.mark.parametrize("path", PROOF_FILES, ids=lambda path: path.stem)
def test_of_each_proof_it_says_what_the_judge_says(path: Path, standalone: ModuleType) -> None:
    trust = (HERE / PROOFS / "trust").read_bytes()
    judged = verify(path, trust=AllowedSigners.parse(trust.decode(), where="trust"), trust_name="trust")
    report = standalone.verify(str(path), trust)
    code = {standalone.FAILED: 3, standalone.OPEN: 7}.get(report.verdict(), 0)
    assert code == exit_code(judged, frozenset({"authority"})), report.found
    failed = {check for check in report.found if report.verdict(check) == standalone.FAILED}
    assert {one.check.id for one in judged.results("failed")} <= failed


PACKAGES: dict[str, Callable[[], Package]] = {
    "approved": stories.approved,
    "fan-out": fan_out.greeted,
    "panel": lambda: gated.closed(gated.panel()),
    "escalated": lambda: gated.closed(gated.escalated()),
    "lapsed": lambda: gated.closed(gated.lapsed()),
    "rejected": stories.rejected,
    "failed": stories.failed,
}


def another_story(random: Random, lines: list[bytes]) -> list[bytes]:
    """The journal with one event less, twice, elsewhere or changed; counted anew, and in canonical form."""
    events = [json.loads(line) for line in lines]
    place = random.randrange(1, len(events))
    match random.randrange(4):
        case 0:
            del events[place]
        case 1:
            events.insert(random.randrange(1, len(events)), events[place])
        case 2:
            other = random.randrange(1, len(events))
            events[place], events[other] = events[other], events[place]
        case _:
            _change(random, events[place], events)
    return [canonical({**event, "seq": number}) for number, event in enumerate(events)]


def _change(random: Random, event: dict[str, Any], events: list[dict[str, Any]]) -> None:
    name = random.choice([name for name in event if name not in ("seq", "at", "kind")])
    match event[name]:
        case bool(said):
            event[name] = not said
        case int(said):
            event[name] = max(0, said + random.choice((-1, 1)))
        case _:
            others = [one[name] for one in events if name in one]
            event[name] = random.choice(others)


@pytest.mark.parametrize("name", PACKAGES)
def test_of_a_journal_that_was_rewritten_and_sealed_again_it_says_what_the_judge_says(
    name: str, tmp_path: Path, standalone: ModuleType
) -> None:
    package = PACKAGES[name]()
    lines, files = list(package.lines), dict(package.files)
    for number in range(25):
        again = copy(package)
        again.files = dict(files)
        again.lines = another_story(Random(f"{name} {number}"), lines)
        again.write_journal()
        place = tmp_path / "package.tar.gz"
        place.write_bytes(gzip_of(tar_of(again.freeze())))
        report, judged = standalone.verify(str(place)), verify(place)
        failed = {check for check in report.found if report.verdict(check) == standalone.FAILED}
        expected = {one.check.id for one in judged.results("failed") if one.check.id in report.found}
        assert failed == expected, (number, report.found, [one.findings for one in judged.results("failed")])


@pytest.mark.parametrize("number", [0.5, 1e-5, 2**53, -(2**53)])
def test_a_number_outside_canonical_json_is_refused_in_the_journal_by_both(
    number: float, standalone: ModuleType
) -> None:
    fields = {"at": "2026-01-02T03:04:05.000000Z", "environment": {"load": number}, "kind": "environment_recorded"}
    line = encode_sorted({**fields, "seq": 0})
    with pytest.raises(standalone.Bad):
        standalone.parse(line, "journal")
    with pytest.raises(EvidenceError):
        ev.decode(line, 0)


@pytest.mark.parametrize("environment", [{"gr\u00f6\u00dfe": 1}, {"cpu": [{"\u00b5": "x"}]}])
def test_a_key_that_is_not_ascii_is_refused_in_the_journal_by_both(
    environment: dict[str, Any], standalone: ModuleType
) -> None:
    at = "2026-01-02T03:04:05.000000Z"
    for values in (
        {"environment": environment, "kind": "environment_recorded"},
        {"facts": environment, "kind": "model_recorded", "model": "m"},
    ):
        line = encode_sorted({"at": at, "seq": 0, **values})
        with pytest.raises(standalone.Bad):
            standalone.parse(line, "journal")
        with pytest.raises(EvidenceError):
            ev.decode(line, 0)
        assert decode_block(line + b"\n", 1) is None


ABSENT: dict[str, tuple[Any, str, bytes]] = {
    "journal": (ev.AnyEvent, "audit/journal.jsonl", b'"report_layout":0,'),
    "seal": (Seal, "audit/seal.json", b'"report_layout":0,'),
    "decision": (Decision, "audit/decisions/0001-review.json", b',"evidence":""'),
}


@pytest.mark.parametrize("kind", ABSENT)
def test_a_key_with_a_default_must_stand_in_canonical_json_for_both(kind: str, standalone: ModuleType) -> None:
    shape, path, key = ABSENT[kind]
    data = (GOOD.parents[1] / "approved" / RUN_ID / path).read_bytes()
    line = data.partition(b"\n")[0] if kind == "journal" else data
    lacking = line.replace(key, b"", 1)
    for text in (line, lacking):
        is_whole = text == line
        with nullcontext() if is_whole else pytest.raises(standalone.Bad):
            standalone.parse(text, kind)
        with nullcontext() if is_whole else pytest.raises(EvidenceError):
            parse_canonical(text, shape, where=path)
    assert lacking != line


# --- as a program ------------------------------------------------------------------------------------------------


def test_it_verifies_a_folder_a_bundle_and_a_proof_alone(tmp_path: Path) -> None:
    bundle = tmp_path / "b.tar.gz"
    package = stories.approved().freeze()
    bundle.write_bytes(gzip_of(tar_of(package)))
    trust = GOOD.parent / "trust"
    for words in ((GOOD,), (bundle,), (GOOD, "--signers", trust), (HERE / PROOFS / "good" / "record.json",)):
        answer = run(*words)
        assert (answer.returncode, answer.stderr) == (0, ""), answer.stdout
        assert answer.stdout.endswith(f"{RUN_ID}: verified\n")
    assert "EP-4.8  passed" in run(GOOD, "--signers", trust).stdout
    assert "EP-4.8" not in run(GOOD).stdout


def test_it_prints_one_object_when_asked(tmp_path: Path) -> None:
    said = json.loads(run(HERE / "bad" / "EP-2.2" / RUN_ID, "--json").stdout)
    assert (said["verdict"], said["run_id"], said["checks"]["EP-2.2"]) == ("FAILED", RUN_ID, "FAILED")
    assert said["findings"]["EP-2.2"][0][1] == "report.md"


def test_a_package_that_does_not_verify_gives_code_3_and_its_place() -> None:
    answer = run(HERE / "bad" / "EP-3.1" / RUN_ID)
    assert (answer.returncode, answer.stderr) == (3, "")
    assert "EP-3.1 FAILED: audit/journal.jsonl:" in answer.stdout


def test_a_signer_whom_the_reader_does_not_believe_gives_code_7(tmp_path: Path) -> None:
    nobody = tmp_path / "signers"
    nobody.write_text("# nobody\n")
    answer = run(GOOD, "--signers", nobody)
    assert answer.returncode == 7
    assert "EP-4.7  not checked" in answer.stdout


def test_without_ssh_keygen_a_signature_is_not_checked_and_the_code_is_7() -> None:
    answer = run(GOOD, env={"PATH": os.devnull})
    assert (answer.returncode, answer.stderr) == (7, "")
    for check in ("EP-4.1", "EP-4.2", "EP-4.3"):
        assert f"{check}  not checked" in answer.stdout


def test_a_redacted_package_is_said_to_be_none_of_its_business() -> None:
    answer = run(HERE / "good" / "redacted" / RUN_ID)
    assert answer.returncode == 7
    assert "does not judge what is withheld" in answer.stdout


@pytest.mark.parametrize("words", [(), ("--what",), ("nowhere",), (GOOD, "--signers", "nowhere")])
def test_wrong_use_gives_code_2(words: tuple[str | Path, ...]) -> None:
    assert run(*words).returncode == 2


def test_of_a_file_that_is_no_package_the_last_line_names_the_file(tmp_path: Path) -> None:
    (notes := tmp_path / "notes.txt").write_text("these are my notes")
    answer = run(notes)
    assert answer.returncode == 3
    assert answer.stdout.endswith(f"{notes}: FAILED\n")


# --- hostile packages --------------------------------------------------------------------------------------------


def test_a_hostile_name_moves_no_cursor_and_forges_no_line(tmp_path: Path) -> None:
    package = stories.completed().freeze()
    name = f"{RUN_ID}/a\x1b[2J\nEP-1.1  passed"
    bundle = tmp_path / "b.tar.gz"
    bundle.write_bytes(gzip_of(tar_of(package)[:-1024] + member(name, b"", package.mtime) + bytes(1024)))
    answer = run(bundle)
    assert answer.returncode == 3
    assert "\x1b" not in answer.stdout
    assert answer.stdout.splitlines()[0] == "EP-1.1  passed"  # its own, and no other
    assert answer.stdout.count("\nEP-1.1") == 0


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"{}",
        b'{"format":"awo/proof/v1"}',
        b"[" * 100_000,
        b"{" + b'"a":{' * 50_000,
        bytes.fromhex("1f8b08000000000000ff"),
        gzip_of(b""),
        gzip_of(bytes(1024)),
        gzip_of(b"x" * 512),
        b"\x1f\x8b\x08",
    ],
)
def test_arbitrary_bytes_are_refused_without_a_traceback(data: bytes, tmp_path: Path, standalone: ModuleType) -> None:
    place = tmp_path / "package"
    place.write_bytes(data)
    assert standalone.verify(str(place)).verdict() == standalone.FAILED


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, standalone: ModuleType) -> None:
    package = stories.completed(extra={"zeros": bytes(100 << 20)})
    place = tmp_path / "bomb.tar.gz"
    place.write_bytes(gzip_of(tar_of(package.freeze())))
    report = standalone.verify(str(place))
    assert "bomb" in report.found["EP-1.1"][0][2]


def test_links_and_devices_are_refused_and_not_followed(tmp_path: Path, standalone: ModuleType) -> None:
    folder = stories.completed().freeze().write(tmp_path)
    (folder / "report.md").unlink()
    (folder / "report.md").symlink_to("/etc/passwd")
    os.mkfifo(folder / "audit" / "pipe")
    (folder / "more").symlink_to("outputs", target_is_directory=True)
    report = standalone.verify(str(folder))
    assert {where for _, where, _ in report.found["EP-1.2"]} == {"report.md", "audit/pipe", "more"}


@pytest.mark.parametrize("text", [b"a" * 200_000, b"x ssh-a b " * 20_000, (b"x ssh-a b ssh-c d\n" * 2_000) + b"!"])
def test_a_hostile_list_of_signers_takes_no_time(text: bytes, tmp_path: Path, standalone: ModuleType) -> None:
    package = stories.completed()
    package.files["audit/allowed_signers"] = text
    place = tmp_path / "b.tar.gz"
    place.write_bytes(gzip_of(tar_of(package.freeze())))
    assert standalone.verify(str(place)).verdict() == standalone.FAILED
