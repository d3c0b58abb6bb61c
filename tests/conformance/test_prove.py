"""Proofs made from folders and bundles hold, for `ssh-keygen` too; what cannot be proved is refused and says why."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.vectors.builder import OPERATOR_ID, SEALER_LINE, Package, gzip_of, tar_of
from tests.vectors.fan_out import GREET, greeted
from tests.vectors.proved import of_event, of_line, of_state, spelled
from tests.vectors.stories import GATE, approved, at_gate_written, completed

from awo.canon.digest import leaf_hash
from awo.canon.json import encode_sorted
from awo.errors import AwoError, EvidenceError, UsageError
from awo.evidence import layout
from awo.evidence.disclosure import cut_line
from awo.evidence.redaction import PartialText, ShownValue
from awo.publish.proving import State, prove_event, prove_record, prove_state, read_state, write_proof
from awo.publish.wanted_record import WantedCall, WantedItem, WantedLine, read_wanted
from awo.sign.allowed_signers import AllowedSigners
from awo.verify.judge import verify
from awo.verify.report import exit_code

ADA, BO = "88bab6d8f6dc68a8", "81b9013cc1352f96"
RESPONSES = layout.responses_path(GREET)
KEY = bytes(32)


@pytest.fixture(scope="module")
def wide() -> Package:
    return greeted().freeze()


@pytest.fixture(params=["folder", "bundle"])
def run(wide: Package, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """The sealed run as a folder, and as a bundle."""
    if request.param == "folder":
        return wide.write(tmp_path)
    bundle = tmp_path / "run.tar.gz"
    bundle.write_bytes(gzip_of(tar_of(wide)))
    return bundle


@pytest.fixture
def folder(wide: Package, tmp_path: Path) -> Path:
    return wide.write(tmp_path)


def test_a_line_is_proved_as_the_definition_says(run: Path, wide: Package) -> None:
    for line in (0, 1, 2):
        assert prove_record(run, WantedLine(GREET, line)).data == spelled(of_line(wide, GREET, line))


def test_a_call_an_item_and_a_line_name_the_same_response(run: Path, wide: Package) -> None:
    expected = spelled(of_line(wide, GREET, 1))
    assert prove_record(run, WantedCall("2")).data == expected
    assert prove_record(run, read_wanted(f"{GREET}:1")).data == expected
    assert prove_record(run, WantedItem(GREET, BO)).data == spelled(of_line(wide, GREET, 2))


def test_an_event_and_an_earlier_state_are_proved(run: Path, wide: Package) -> None:
    for number in (0, 7, len(wide.lines) - 1):
        assert prove_event(run, number).data == spelled(of_event(wide, number))
    for first in (0, 1, 8, 13, len(wide.lines)):
        assert prove_state(run, State(first)).data == spelled(of_state(wide, first))


def test_a_written_proof_verifies_and_is_written_beside_the_run(run: Path) -> None:
    proved = prove_record(run, WantedLine(GREET, 0))
    path = write_proof(run, proved, None)
    assert path == run.parent / f"{run.name.removesuffix('.tar.gz')}.{GREET}-0.proof.json"
    trust = AllowedSigners.parse(SEALER_LINE, where="trust")
    assert exit_code(verify(path, trust=trust, trust_name="trust"), frozenset({"authority"})) == 0
    assert len(proved.data) < 5000
    assert proved.opening_s > 0
    assert proved.proving_s > 0
    write_proof(run, proved, path)
    path.write_bytes(b"something else")
    with pytest.raises(UsageError, match="not overwritten"):
        write_proof(run, proved, path)


def test_ssh_keygen_says_yes_to_what_a_proof_leads_to(folder: Path, tmp_path: Path) -> None:
    sealed = json.loads(prove_event(folder, 3).data)["sealed"]
    for name, text in sealed.items():
        (tmp_path / name).write_text(text)
    said = subprocess.run(
        ["ssh-keygen", "-Y", "verify", "-f", "allowed_signers", "-I", OPERATOR_ID, "-n", "awo-seal", "-s", "signature"],
        cwd=tmp_path,
        input=sealed["seal"].encode(),
        capture_output=True,
    )
    assert (said.returncode, said.stdout[:30]) == (0, b'Good "awo-seal" signature for ')


@pytest.mark.parametrize("name", ["", "greet", "greet:", "greet:-1", "call:x", "greet:01", "[x]", "../x:1", "greet[]"])
def test_what_names_no_record_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="names no record"):
        read_wanted(name)


def test_a_step_may_be_followed_by_any_item() -> None:
    assert read_wanted("greet[a]b\n]") == WantedItem("greet", "a]b\n")
    assert read_wanted("call:12") == WantedCall("12")


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda run: prove_record(run, WantedLine(GREET, 3)), "no response of this name"),
        (lambda run: prove_record(run, WantedLine("nowhere", 0)), "no response of this name"),
        (lambda run: prove_record(run, WantedCall("1")), "no response of this name"),
        (lambda run: prove_record(run, WantedItem("nowhere", ADA)), "this step has no items"),
        (lambda run: prove_record(run, WantedItem(GREET, "zzz")), "no result of this item has a response"),
        (lambda run: prove_record(run, WantedItem(GREET, ADA)), "2 responses for this item"),
        (lambda run: prove_event(run, 1000), "the journal has no such event"),
        (lambda run: prove_state(run, State(5, run_id="run_2026-01-02T03-04-06Z")), "a state of another run"),
    ],
)
def test_what_is_not_there_cannot_be_proved(run: Path, act: Callable[[Path], Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        act(run)


def test_a_state_that_is_no_beginning_is_evidence_against_the_run(run: Path, wide: Package) -> None:
    with pytest.raises(EvidenceError, match="no continuation"):
        prove_state(run, State(5, "00" * 32))
    with pytest.raises(EvidenceError, match="shorter"):
        prove_state(run, State(len(wide.lines) + 1))


def test_a_run_that_is_not_sealed_has_no_proofs(tmp_path: Path) -> None:
    open_run = completed().write(tmp_path)
    with pytest.raises(UsageError, match="sealed run"):
        prove_event(open_run, 0)


@pytest.mark.parametrize(
    ("path", "change", "said"),
    [
        (layout.JOURNAL, lambda data: data.replace(b'"cells":4', b'"cells":5', 1), "not the one that was sealed"),
        (layout.JOURNAL, lambda data: data[:-1], "no newline"),
        (layout.JOURNAL, lambda data: b"", "missing"),
        (layout.ALLOWED_SIGNERS, lambda data: b"", "does not name its sealer"),
        (layout.SEAL_SIGNATURE, lambda data: data.replace(b"A", b"B", 9), "signature"),
        (layout.SEAL, lambda data: data.replace(b"2026", b"2027", 1), "signature"),
        (RESPONSES, lambda data: data.replace(b"Ada", b"Eve", 1), "not the recorded one"),
        (RESPONSES, lambda data: data[: data.index(b"\n")], "missing"),
    ],
)
def test_an_altered_run_gives_no_proof(
    wide: Package, tmp_path: Path, path: str, change: Callable[[bytes], bytes], said: str
) -> None:
    folder = wide.write(tmp_path)
    (folder / path).write_bytes(change((folder / path).read_bytes()))
    with pytest.raises(EvidenceError, match=said):
        prove_record(folder, WantedLine(GREET, 0))


def test_a_cut_bundle_gives_no_proof_and_no_traceback(wide: Package, tmp_path: Path) -> None:
    whole = gzip_of(tar_of(wide))
    for size in (0, 5, 40, len(whole) // 2):
        bundle = tmp_path / f"{size}.tar.gz"
        bundle.write_bytes(whole[:size])
        with pytest.raises(EvidenceError):
            prove_record(bundle, WantedLine(GREET, 2))


# --- earlier states -----------------------------------------------------------------------------------------


def test_a_number_a_gate_and_a_decision_name_an_earlier_state(tmp_path: Path) -> None:
    waiting, judged = at_gate_written().write(tmp_path / "waiting"), approved().freeze()
    folder = judged.write(tmp_path / "sealed")
    states = {read_state("7")}
    assert states == {State(7)}
    decision = read_state(str(folder / layout.decision_path(1, GATE)))
    opened = next(n for n, line in enumerate(judged.lines) if b'"kind":"gate_opened"' in line) + 1
    assert (decision.size, decision.run_id) == (opened, folder.name)
    assert prove_state(folder, decision).data == spelled(of_state(judged, opened))
    assert read_state(str(folder / layout.SEAL)).size == len(judged.lines)
    assert not (waiting / layout.GATE_PENDING).exists()


def test_gate_pending_and_a_registration_name_an_earlier_state(tmp_path: Path) -> None:
    checkpoint = {"size": 4, "root": "ab" * 32}
    sealed = {"kind": "run_sealed", "run_id": "r", "checkpoint": checkpoint}
    entries = [{"entry": json.dumps({"kind": "run_started"})}, {"entry": json.dumps(sealed)}]
    files = {
        "gate": {"format": "awo/gate/v1", "run_id": "r", "checkpoint": checkpoint},
        "registration": {"format": "awo/registration/v1", "run_id": "r", "entries": entries, "checkpoint": "a note"},
        "consistency": {"format": "awo/consistency/v1", "run_id": "r", "first": checkpoint},
    }
    for name, value in files.items():
        (tmp_path / name).write_text(json.dumps(value))
        assert read_state(str(tmp_path / name)) == State(4, "ab" * 32, "r")


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "{}", "nothing", "[" * 100_000, '{"checkpoint": 3}', '{"checkpoint": {"size": -1, "root": "x"}}'),
        *('{"format": "awo/registration/v1", "entries": [3]}', '{"format": "awo/registration/v1"}'),
    ],
)
def test_a_file_without_a_state_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "state.json"
    path.write_text(text)
    with pytest.raises(UsageError, match="no checkpoint"):
        read_state(str(path))
    with pytest.raises(UsageError, match="cannot be read"):
        read_state(str(tmp_path / "nowhere"))


# --- redacted packages --------------------------------------------------------------------------------------


def lines_of(package: Package) -> Iterator[bytes]:
    yield from package.files[RESPONSES].splitlines()


def redacted(package: Package, tmp_path: Path, keep: Callable[[int, str], bool]) -> Path:
    """The package with some texts of its responses withheld, as far as proofs look at it."""
    folder = package.write(tmp_path)
    partial = b""
    for number, line in enumerate(lines_of(package)):
        cut = cut_line(KEY, RESPONSES, number, line, "responses")
        shown = {
            place: ShownValue(salt=value.salt.hex(), json=value.json.decode())
            for place, value in cut.values.items()
            if keep(number, place)
        }
        is_whole = number < 2
        text = PartialText(
            leaf="" if is_whole else leaf_hash(cut.skeleton).hex(),
            skeleton=cut.skeleton.decode() if is_whole else "",
            shown=shown if is_whole else {},
        )
        partial += encode_sorted(text) + b"\n"
    (folder / RESPONSES).unlink()
    (folder / f"{RESPONSES}{layout.PARTIAL}").write_bytes(partial)
    (folder / layout.redaction_path(1)).parent.mkdir()
    (folder / layout.redaction_path(1)).write_bytes(b"{}")
    return folder


def test_a_line_that_is_shown_whole_in_a_redacted_package_still_proves(wide: Package, tmp_path: Path) -> None:
    folder = redacted(wide, tmp_path, lambda number, place: (number, place) != (1, "/text"))
    assert prove_record(folder, WantedLine(GREET, 0)).data == spelled(of_line(wide, GREET, 0))
    with pytest.raises(UsageError, match="text of this line is withheld"):
        prove_record(folder, WantedLine(GREET, 1))
    with pytest.raises(UsageError, match="this line is withheld"):
        prove_record(folder, WantedLine(GREET, 2))


def test_responses_that_are_withheld_as_a_whole_cannot_be_proved(wide: Package, tmp_path: Path) -> None:
    folder = redacted(wide, tmp_path, lambda number, place: True)
    (folder / f"{RESPONSES}{layout.PARTIAL}").unlink()
    with pytest.raises(UsageError, match="these responses are withheld"):
        prove_record(folder, WantedLine(GREET, 0))


def test_a_shown_value_that_was_not_committed_to_is_refused(wide: Package, tmp_path: Path) -> None:
    folder = redacted(wide, tmp_path, lambda number, place: True)
    partial = folder / f"{RESPONSES}{layout.PARTIAL}"
    partial.write_bytes(partial.read_bytes().replace(b'\\"greet Ada, calm\\"', b'\\"greet Eve, calm\\"'))
    with pytest.raises(AwoError, match="not the one that was committed to"):
        prove_record(folder, WantedLine(GREET, 0))
