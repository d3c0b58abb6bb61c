"""A witness that lies, breaks off or answers nonsense: one clear error, and nothing of it in the ledger."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.conformance.raw_server import Behave, answer, hang, say, serving
from tests.e2e.installed import unchanged
from tests.e2e.witnessed import Witnessed
from tests.unit import note_signers as signers

from awo.errors import AwoError, CannotCheck, EvidenceError, UsageError
from awo.publish.witnesses import WitnessAt, cosign, last_cosigned
from awo.sign.note import NoteSignature, parse_note
from awo.sign.note_keys import KeySigner

OWN, PQ = signers.witness(), signers.witness_ml_dsa()
SIZE = "Content-Type: text/x.tlog.size"


@pytest.fixture
def team(tmp_path: Path) -> Witnessed:
    made = Witnessed(tmp_path)
    made.grow(3)
    return made


def text_of(team: Witnessed) -> str:
    signed = team.ledger.reader().signed
    assert signed is not None
    return signed.note.text


def line(team: Witnessed, signer: KeySigner, text: str = "", bit: int = 0) -> bytes:
    """The signature line of `signer` for the checkpoint, or for another text, or with a bit changed."""
    made = signer.sign(text or text_of(team))
    body = bytes([made.signature[0] ^ bit]) + made.signature[1:]
    return NoteSignature(made.name, made.key_id, body).line.encode()


def ask(team: Witnessed, *behaviours: Behave, keys: tuple[KeySigner, ...] = (OWN,), timeout_s: float = 10) -> None:
    with serving(*behaviours) as server:
        cosign(team.ledger, WitnessAt(server.url, tuple(key.vkey for key in keys)), timeout_s=timeout_s)


def refused(
    team: Witnessed, *behaviours: Behave, keys: tuple[KeySigner, ...] = (OWN,), timeout_s: float = 10
) -> AwoError:
    with unchanged(team.project.root), pytest.raises(AwoError) as error:
        ask(team, *behaviours, keys=keys, timeout_s=timeout_s)
    return error.value


def test_an_honest_answer_is_taken_with_nothing_but_the_lines_of_the_known_key(team: Witnessed) -> None:
    stranger = signers.witness(seed=9, name="example.org/stranger")
    later = signers.witness(at_s=signers.AT_S + 5)
    body = line(team, stranger) + line(team, OWN) + line(team, later) + line(team, PQ)
    ask(team, say(answer(200, body)))
    note = parse_note((team.ledger.folder / "checkpoint").read_bytes(), "")
    assert [one.line.encode() for one in note.signatures[1:]] == [line(team, OWN)]


def test_the_lines_of_several_witnesses_stand_together_and_a_newer_line_replaces_an_older(team: Witnessed) -> None:
    other = signers.witness(seed=9, name="example.org/other")
    ask(team, say(answer(200, line(team, OWN))))
    ask(team, say(answer(200, line(team, other))), keys=(other,))
    later = signers.witness(at_s=signers.AT_S + 5)
    ask(team, say(answer(200, line(team, later))))
    for name in ("checkpoint", "checkpoint.cosigned"):
        note = parse_note((team.ledger.folder / name).read_bytes(), name)
        assert {one.line.encode() for one in note.signatures[1:]} == {line(team, other), line(team, later)}


def test_a_ledger_that_grows_while_the_witness_thinks_keeps_the_cosigned_checkpoint_beside_it(team: Witnessed) -> None:
    text = text_of(team)
    made = line(team, OWN)

    def grow_then_answer(connection, _) -> None:  # type: ignore[no-untyped-def]
        team.grow(1)
        connection.sendall(answer(200, made))

    ask(team, grow_then_answer)
    assert text_of(team) != text
    cosigned = last_cosigned(team.ledger.folder)
    assert cosigned is not None
    assert cosigned.note.text == text
    assert made in cosigned.note.encode()


def test_an_older_cosignature_does_not_replace_a_newer_one(team: Witnessed) -> None:
    old_text, old_line = text_of(team), line(team, OWN)
    other = signers.witness(seed=9, name="example.org/other")

    def overtaken(connection, _) -> None:  # type: ignore[no-untyped-def]
        team.grow(1)
        ask(team, say(answer(200, line(team, other))), keys=(other,))
        connection.sendall(answer(200, old_line))

    ask(team, overtaken)
    cosigned = last_cosigned(team.ledger.folder)
    assert cosigned is not None
    assert cosigned.state.size == 4
    assert cosigned.note.text != old_text


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("a changed signature", "a signature of the note does not hold"),
        ("a signature over another tree", "a signature of the note does not hold"),
        ("another key", "no cosignature by the key"),
        ("a note signature for a cosignature", "no cosignature by the key"),
        ("a good line and a bad one", "a signature of the note does not hold"),
        ("no time", "states no time"),
        ("nothing", "not the signature lines"),
        ("no newline", "not the signature lines"),
        ("a page", "not the signature lines"),
        ("no text", "answers no text"),
    ],
)
def test_a_lie_is_evidence_against_the_witness_and_changes_nothing(team: Witnessed, what: str, says: str) -> None:
    other = signers.state(3, "other", origin=text_of(team).split("\n")[0]).text
    body = {
        "a changed signature": line(team, OWN, bit=1),
        "a signature over another tree": line(team, OWN, other),
        "another key": line(team, signers.witness(seed=9)),
        "a note signature for a cosignature": line(team, signers.log(seed=7, name=signers.WITNESS)),
        "a good line and a bad one": line(team, OWN) + line(team, OWN, bit=1),
        "no time": line(team, signers.witness_ml_dsa(at_s=0)),
        "nothing": b"",
        "no newline": line(team, OWN)[:-1],
        "a page": b"<html>\x1b[31m</html>\n",
        "no text": b"\xff\xfe\n",
    }[what]
    error = refused(team, say(answer(200, body)), keys=(PQ,) if what == "no time" else (OWN,))
    assert isinstance(error, EvidenceError)
    assert says in str(error)
    assert "\x1b" not in str(error)


@pytest.mark.parametrize(
    ("data", "kind", "says"),
    [
        (answer(409, b"4\n", SIZE), EvidenceError, "larger tree of this ledger was cosigned than is here"),
        (answer(409, b"9223372036854775808\n", SIZE), CannotCheck, "does not say which size"),
        (answer(409, b"-1\n", SIZE), CannotCheck, "does not say which size"),
        (answer(409, b"\xff", SIZE), CannotCheck, "does not say which size"),
        (answer(409, b"2\n", SIZE), CannotCheck, "another size each time"),
        (answer(422, b"no\n"), EvidenceError, "does not continue what it has cosigned"),
        (answer(403, b"no\n"), CannotCheck, "must be given the ledger's key"),
        (answer(404, b"no\n"), CannotCheck, "does not watch awo-ledger/"),
        (answer(400, b"\x1b]0;x\x07"), CannotCheck, "status 400"),
        (answer(500, b"no\n"), CannotCheck, "status 500"),
        (answer(302, b"", "Location: http://127.0.0.1:1/"), CannotCheck, "no redirect is followed"),
        (answer(200, b"x" * 100_000), CannotCheck, "answers too much"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", CannotCheck, "no whole answer"),
    ],
)
def test_every_other_answer_is_one_clear_error_and_changes_nothing(
    team: Witnessed, data: bytes, kind: type[AwoError], says: str
) -> None:
    error = refused(team, say(data))
    assert isinstance(error, kind)
    assert says in str(error)
    assert "\x1b" not in str(error)


def test_a_witness_that_hangs_is_left(team: Witnessed) -> None:
    error = refused(team, hang, timeout_s=0.3)
    assert isinstance(error, CannotCheck)
    assert "did not answer in time" in str(error)


def test_the_size_that_a_witness_names_is_where_the_proof_starts(team: Witnessed) -> None:
    expected = [team.request(size).encode() for size in (0, 2)]
    with serving(say(answer(409, b"2\n", SIZE)), say(answer(200, line(team, OWN)))) as server:
        cosign(team.ledger, WitnessAt(server.url + "/some/where/", (OWN.vkey,)))
    first, second = server.requests
    assert first.startswith(b"POST /some/where/add-checkpoint HTTP/1.1\r\n")
    assert first.endswith(expected[0])
    assert second.endswith(expected[1])


def test_a_key_of_a_log_is_not_taken_for_one_of_a_witness() -> None:
    with pytest.raises(UsageError, match="not of a witness"):
        WitnessAt("http://127.0.0.1:1", (signers.log().vkey,))


def test_what_is_remembered_of_a_witness_and_cannot_be_read_is_said(team: Witnessed) -> None:
    ask(team, say(answer(200, line(team, OWN))))
    (kept,) = (team.ledger.folder / "witnesses").iterdir()
    kept.write_bytes(b"nonsense")
    assert isinstance(refused(team, say(answer(200, line(team, OWN)))), EvidenceError)
