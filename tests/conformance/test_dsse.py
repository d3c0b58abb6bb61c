"""Attestations of decisions, checked by tools of other houses: openssl, ssh-keygen and securesystemslib."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]
from tests.conformance.engine.a_gate import REVIEWER, STEPS, AtGate, start
from tests.conformance.ssh.openssh import KINDS, ssh_keygen

from awo import api
from awo.engine.decide import Choice
from awo.errors import CannotCheck, EvidenceError, UsageError
from awo.evidence.schemas import schema_of
from awo.publish.reviews import Attested
from awo.sign.dsse import IN_TOTO, pae
from awo.sign.key_file import open_key_file
from awo.sign.sshkeys import PublicKey

OPTIONS = {
    "ed25519": [],
    "ecdsa-256": ["-digest", "sha256"],
    "ecdsa-384": ["-digest", "sha384"],
    "ecdsa-521": ["-digest", "sha512"],
    "rsa": ["-digest", "sha256", "-pkeyopt", "rsa_padding_mode:pss", "-pkeyopt", "rsa_pss_saltlen:32"],
}


def no_passphrase() -> str:
    raise AssertionError("the passphrase was asked for")


def make_key(kind: str, folder: Path) -> Path:
    path = folder / kind
    assert ssh_keygen("-q", *KINDS[kind], "-N", "", "-f", path).returncode == 0
    return path


@dataclass(frozen=True)
class Decided:
    """A sealed run with one decision, and what is needed to attest it."""

    gate: AtGate
    top: Path

    def export(self, out: Path | None, key: Path, *, has_texts: bool = True) -> Attested:
        return api.export_reviews(self.gate.project, self.gate.run, out, key, no_passphrase, has_texts=has_texts)

    def envelope(self, out: Path, key: Path, *, has_texts: bool = True) -> dict[str, Any]:
        self.export(out, key, has_texts=has_texts)
        (line,) = out.read_text().splitlines()
        found: dict[str, Any] = json.loads(line)
        return found

    def statement(self, out: Path, *, has_texts: bool = True) -> dict[str, Any]:
        envelope = self.envelope(out, self.top / REVIEWER, has_texts=has_texts)
        found: dict[str, Any] = json.loads(base64.b64decode(envelope["payload"]), parse_float=no_float)
        return found


def no_float(text: str) -> float:
    raise AssertionError(f"a floating-point number: {text}")


def approve(gate: AtGate) -> None:
    choice = Choice(verdict="approve", signer_id=REVIEWER, meaning="approval", answers=["read=yes"], comment="because")
    api.decide(gate.project, gate.run, choice, lambda: gate.reviewer.signer)


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Decided]:
    top = tmp_path_factory.mktemp("project")
    gate = start(top, STEPS)
    approve(gate)
    gate.resume()
    yield Decided(gate, top)
    for path in [gate.run, *gate.run.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)


@pytest.mark.parametrize("kind", KINDS)
def test_openssl_finds_the_signature_over_the_encoded_bytes_and_not_over_others(
    kind: str, decided: Decided, tmp_path: Path
) -> None:
    out = tmp_path / "reviews.intoto.jsonl"
    made = decided.export(out, make_key(kind, tmp_path))
    envelope = json.loads(out.read_text())
    (tmp_path / "key.pem").write_text(made.public_key)
    (tmp_path / "sig").write_bytes(base64.b64decode(envelope["signatures"][0]["sig"]))
    encoded = pae(envelope["payloadType"], base64.b64decode(envelope["payload"]))
    assert openssl_holds(kind, tmp_path, encoded)
    assert not openssl_holds(kind, tmp_path, encoded[:-1] + b"]")


def openssl_holds(kind: str, folder: Path, data: bytes) -> bool:
    (folder / "data").write_bytes(data)
    done = subprocess.run(
        [
            *("openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", str(folder / "key.pem")),
            *("-sigfile", str(folder / "sig"), "-in", str(folder / "data"), *OPTIONS[kind]),
        ],
        capture_output=True,
        text=True,
    )
    assert "Signature Verif" in done.stdout, done.stderr
    return done.returncode == 0


@pytest.mark.parametrize("kind", KINDS)
def test_securesystemslib_accepts_the_envelope_under_its_own_id_of_the_key(
    kind: str, decided: Decided, tmp_path: Path
) -> None:
    out = tmp_path / "reviews.intoto.jsonl"
    made = decided.export(out, make_key(kind, tmp_path))
    key = SSlibKey.from_crypto(load_pem_public_key(made.public_key.encode()))
    assert key.keyid == made.keyid
    envelope = Envelope.from_dict(json.loads(out.read_text()))
    assert list(envelope.verify([key], 1)) == [made.keyid]
    envelope.payload = envelope.payload.replace(b'"verdict":"approve"', b'"verdict":"reject" ')
    with pytest.raises(VerificationError):
        envelope.verify([key], 1)


def test_the_statement_follows_the_published_schema_and_names_what_was_shown(decided: Decided, tmp_path: Path) -> None:
    statement = decided.statement(tmp_path / "reviews.intoto.jsonl")
    validator = jsonschema_rs.Draft202012Validator(schema_of("human-review"))
    assert [str(fault) for fault in validator.iter_errors(statement)] == []
    said = statement["predicate"]
    decision = json.loads((decided.gate.run / said["signature"]["decision"]).read_bytes())
    subjects = {one["name"]: one["digest"]["sha256"] for one in statement["subject"]}
    assert subjects == {ref["path"]: ref["sha256"] for ref in decision["shows"]} | {
        said["signature"]["decision"]: said["signature"]["decision_sha256"]
    }
    assert {"input.json", "outputs/gate/gate.json", "outputs/gate/report.md"} <= set(subjects)
    assert (said["verdict"], said["meaning"], said["reviewer"]) == ("approve", "approval", decision["signer"])
    assert (said["comment"], said["checklist"][0]["answer"]) == ("because", "yes")
    assert said["outcome"]["has_quorum"]
    assert said["outcome"]["decision_stands"]
    assert said["attester"]["id"] == REVIEWER


def test_ssh_keygen_accepts_the_reviewers_own_signature_that_the_statement_carries(
    decided: Decided, tmp_path: Path
) -> None:
    own = decided.statement(tmp_path / "reviews.intoto.jsonl")["predicate"]["signature"]
    (tmp_path / "sig").write_text(own["sshsig"])
    done = ssh_keygen(
        *("-Y", "verify", "-n", own["namespace"], "-I", REVIEWER),
        *("-f", decided.gate.run / "audit/allowed_signers", "-s", tmp_path / "sig"),
        data=(decided.gate.run / own["decision"]).read_bytes(),
    )
    assert done.returncode == 0, done.stderr


def test_the_commands_of_the_published_predicate_check_an_envelope(decided: Decided, tmp_path: Path) -> None:
    page = Path(__file__).parents[2] / "docs" / "spec" / "human-review-v1.md"
    (commands,) = re.findall(r"^```sh\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    made = decided.export(tmp_path / "review.json", decided.top / REVIEWER)
    (tmp_path / "key.pem").write_text(made.public_key)
    assert shell(commands, tmp_path) == 0
    envelope = json.loads((tmp_path / "review.json").read_text())
    payload = base64.b64decode(envelope["payload"]).replace(b'"solo":false', b'"solo":true')
    envelope["payload"] = base64.b64encode(payload).decode()
    (tmp_path / "review.json").write_text(json.dumps(envelope))
    assert shell(commands, tmp_path) != 0


def shell(commands: str, folder: Path) -> int:
    return subprocess.run(["bash", "-e", "-c", commands], cwd=folder, capture_output=True).returncode


def test_without_comments_no_word_of_a_person_is_in_the_statement(decided: Decided, tmp_path: Path) -> None:
    told = decided.statement(tmp_path / "told.jsonl")["predicate"]
    said = decided.statement(tmp_path / "silent.jsonl", has_texts=False)["predicate"]
    assert (said["has_texts"], said["comment"]) == (False, "")
    assert said["comment_sha256"] == told["comment_sha256"]
    assert said["checklist"][0]["answer"] == "yes"


def test_the_same_run_and_key_give_the_same_bytes_and_another_file_is_not_overwritten(
    decided: Decided, tmp_path: Path
) -> None:
    out, key = tmp_path / "reviews.intoto.jsonl", make_key("ed25519", tmp_path)
    decided.export(out, key)
    first = out.read_bytes()
    decided.export(out, key)
    assert out.read_bytes() == first
    with pytest.raises(UsageError, match="another file of this name"):
        decided.export(out, decided.top / REVIEWER)
    assert out.read_bytes() == first


def test_into_a_folder_goes_one_file_for_each_decision(decided: Decided, tmp_path: Path) -> None:
    made = decided.export(tmp_path, decided.top / REVIEWER)
    assert [path.name for path in made.paths] == [f"{decided.gate.run.name}-0001-gate.json"]
    assert json.loads(made.paths[0].read_text())["payloadType"] == IN_TOTO


def test_an_encrypted_key_asks_for_its_passphrase_once(decided: Decided, tmp_path: Path) -> None:
    assert ssh_keygen("-q", "-t", "ed25519", "-N", "a b c", "-f", tmp_path / "locked").returncode == 0
    out = tmp_path / "reviews.intoto.jsonl"
    asked = iter(["a b c"])
    gate = decided.gate
    api.export_reviews(gate.project, gate.run, out, tmp_path / "locked", lambda: next(asked), has_texts=True)
    assert next(asked, "") == ""
    public = PublicKey.parse((tmp_path / "locked.pub").read_text(), where="test")
    assert json.loads(base64.b64decode(json.loads(out.read_text())["payload"]))["predicate"]["attester"] == {
        "id": "",
        "key": public.fingerprint,
        "software": f"awo {api_version()}",
    }


def api_version() -> str:
    import awo

    return awo.__version__


def test_a_key_that_only_an_agent_has_is_told_apart_with_the_next_step(decided: Decided, tmp_path: Path) -> None:
    make_key("ed25519", tmp_path)
    with pytest.raises(CannotCheck, match="cannot sign an envelope") as caught:
        decided.export(tmp_path / "out.jsonl", tmp_path / "ed25519.pub")
    assert "awo keys new" in caught.value.hint


def test_a_run_that_is_not_sealed_is_not_attested(tmp_path: Path) -> None:
    gate = start(tmp_path, STEPS)
    approve(gate)
    with pytest.raises(UsageError, match="sealed run"):
        Decided(gate, tmp_path).export(tmp_path / "out.jsonl", tmp_path / REVIEWER)


def test_a_run_without_a_decision_has_nothing_to_attest(tmp_path: Path) -> None:
    gate = start(tmp_path, STEPS[:1])
    with pytest.raises(UsageError, match="nothing to attest"):
        Decided(gate, tmp_path).export(tmp_path / "out.jsonl", tmp_path / REVIEWER)


@pytest.mark.parametrize(
    "path",
    [
        "input.json",
        "audit/decisions/0001-gate.json",
        "audit/decisions/0001-gate.json.sig",
        "audit/seal.json",
        "audit/journal.jsonl",
        "outputs/gate/gate.json",
        "outputs/gate/report.md",
        "outputs/make/files/made.txt",
        "outputs/ask/responses.jsonl",
    ],
)
def test_altered_evidence_is_not_attested(path: str, decided: Decided, tmp_path: Path) -> None:
    file = decided.gate.run / path
    before = file.read_bytes()
    file.chmod(0o644)
    middle = len(before) // 2
    file.write_bytes(before[:middle] + bytes([before[middle] ^ 1]) + before[middle + 1 :])
    try:
        with pytest.raises(EvidenceError):
            decided.export(tmp_path / "out.jsonl", decided.top / REVIEWER)
    finally:
        file.write_bytes(before)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_bare_signature_is_no_signature_of_a_decision_by_the_same_key(kind: str, tmp_path: Path) -> None:
    signer = open_key_file(make_key(kind, tmp_path), no_passphrase)
    assert pae(IN_TOTO, b"{}").startswith(b"DSSEv1 ")
    (tmp_path / "bare.sig").write_bytes(signer.sign_bare(pae(IN_TOTO, b"{}")))
    (tmp_path / "signers").write_text(f"{REVIEWER} {signer.key.line}\n")
    done = ssh_keygen(
        *("-Y", "verify", "-n", "awo-decision", "-I", REVIEWER, "-f", tmp_path / "signers"),
        *("-s", tmp_path / "bare.sig"),
        data=b"{}",
    )
    assert done.returncode != 0
