"""Go's package for notes and OpenSSL open what we sign; Go's package for logs agrees with every proof that we make.

ML-DSA-44 is not in OpenSSL 3.0 nor in this Go: its signatures meet only Wycheproof's vectors (test_foreign_vectors).
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit import note_signers as signers
from tests.unit.note_signers import state

from awo.canon.digest import leaf_hash
from awo.evidence.merkle_proofs import Leaves, consistency_path, inclusion_path
from awo.sign.note import Note, cosigned_bytes
from awo.sign.note_keys import KeySigner

GO = {"GO111MODULE": "off", "GOFLAGS": "", "GOTOOLCHAIN": "local"}
GO_PACKAGES = Path("/usr/share/gocode")
"""Where Debian's package of Go's `mod` puts its source."""

MOST = 40


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our program in Go, compiled once. It names Go's packages without the host that they are known by."""
    top = tmp_path_factory.mktemp("notes")
    (top / "own" / "src").mkdir(parents=True)
    (top / "own" / "src" / "sumdb").symlink_to(next(GO_PACKAGES.glob("src/*/x/mod/sumdb")))
    shutil.copy(Path(__file__).parent / "go" / "notes.go", top)
    cache = os.environ.get("GOCACHE", "/tmp/awo-go-cache")
    made = subprocess.run(
        ["go", "build", "-o", "notes", "notes.go"],
        cwd=top,
        env=os.environ | GO | {"GOCACHE": cache, "GOPATH": f"{top / 'own'}:{GO_PACKAGES}"},
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stderr
    return top / "notes"


def opened(notes: Path, signer: KeySigner, note: Note) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([notes, "open", str(signer.vkey)], input=note.encode(), capture_output=True)


def note(*by: KeySigner, text: str) -> Note:
    return Note(text, tuple(signer.sign(text) for signer in by))


def test_go_opens_a_checkpoint_with_the_lines_of_witnesses_under_it(notes: Path) -> None:
    everybody = (signers.witness(), signers.log(), signers.witness_ml_dsa(), signers.log_ml_dsa())
    done = opened(notes, signers.log(), note(*everybody, text=state(5).text))
    assert (done.returncode, done.stdout.decode()) == (0, state(5).text), done.stderr


def test_go_refuses_what_we_refuse(notes: Path) -> None:
    good = note(signers.log(), text=state(5).text)
    other = Note(state(6).text, good.signatures)
    stranger = note(signers.log(seed=2), text=state(5).text)
    for bad in (other, stranger):
        assert opened(notes, signers.log(), bad).returncode == 1


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20), min_size=1).map("\n".join),
    st.sampled_from(["example.org/log", "a", "ключ", "x/y.z"]),
)
@settings(max_examples=20)
def test_go_opens_a_note_with_any_text(notes: Path, text: str, name: str) -> None:
    signer = signers.log(name=name)
    done = opened(notes, signer, note(signer, text=text + "\n"))
    assert (done.returncode, done.stdout.decode()) == (0, text + "\n"), done.stderr


def test_go_agrees_with_every_proof_of_every_small_tree_and_with_no_other(notes: Path) -> None:
    leaves = [str(number).encode() for number in range(MOST)]
    lines, expected = [], []
    for size in range(1, MOST):
        tree = Leaves.of_lines(leaves[:size])
        root = tree.root_of(0, size)
        for index in range(size):
            path = inclusion_path(index, size, tree.root_of)
            leaf = leaf_hash(leaves[index])
            lines.append(_line("record", size, root, index, leaf, path))
            lines.append(_line("record", size, root, index, leaf, [*path, root]))
            expected += [True, False]
        for first in range(1, size + 1):
            older = Leaves.of_lines(leaves[:first]).root_of(0, first)
            path = consistency_path(first, size, tree.root_of)
            lines.append(_line("tree", size, root, first, older, path))
            lines.append(_line("tree", size, root, first, leaf_hash(b"other"), path))
            expected += [True, False]
    done = subprocess.run([notes, "proofs"], input="\n".join(lines), capture_output=True, text=True, check=True)
    assert [answer == "ok" for answer in done.stdout.split("\n")[:-1]] == expected


@pytest.mark.parametrize("signer", [signers.log(), signers.witness()], ids=["note", "cosignature"])
def test_openssl_verifies_our_ed25519_signatures(signer: KeySigner, tmp_path: Path) -> None:
    text = state(5).text
    made = signer.sign(text).signature
    message = text.encode() if len(made) == 64 else cosigned_bytes(text, signers.AT_S)
    (tmp_path / "key.der").write_bytes(bytes.fromhex("302a300506032b6570032100") + signer.vkey.public)
    (tmp_path / "message").write_bytes(message)
    (tmp_path / "signature").write_bytes(made[-64:])
    words = "pkeyutl -verify -pubin -keyform DER -inkey key.der -rawin -in message -sigfile signature"
    command = ["openssl", *words.split()]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 0
    (tmp_path / "message").write_bytes(message + b" ")
    assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 1


def _line(kind: str, size: int, root: bytes, second: int, other: bytes, path: list[bytes]) -> str:
    return " ".join((kind, str(size), root.hex(), str(second), other.hex(), *(node.hex() for node in path)))
