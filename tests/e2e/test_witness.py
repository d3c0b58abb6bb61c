"""A real witness and the real client: growth is cosigned; a ledger that was put back or branched off is not."""

from __future__ import annotations

import contextlib
import shutil
import socket
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from tests.e2e.installed import LOOK_EVERY_S, unchanged
from tests.e2e.witnessed import NAME, Running, Witnessed
from tests.unit import note_signers as signers

from awo.canon.digest import sha256_hex
from awo.errors import CannotCheck, EvidenceError
from awo.ledger.add_checkpoint import AddCheckpoint
from awo.publish.post import Reply, post
from awo.publish.witnesses import cosign, last_cosigned
from awo.sign.note import Kind, Note, VerifierKey, parse_note, verify_note
from awo.web.witness_server import MOST_CONNECTIONS


@pytest.fixture
def team(tmp_path: Path) -> Witnessed:
    """A ledger with three entries."""
    made = Witnessed(tmp_path)
    made.grow(3)
    return made


def send(witness: Running, request: AddCheckpoint | bytes) -> Reply:
    body = request if isinstance(request, bytes) else request.encode()
    return post(f"{witness.url}add-checkpoint", body, "text/plain", timeout_s=30)


def cosigned_by(team: Witnessed, *vkeys: str, name: str = "checkpoint") -> int:
    """The size of the ledger's checkpoint when every one of these keys has signed it, else -1."""
    note = parse_note((team.ledger.folder / name).read_bytes(), name)
    keys = [VerifierKey.parse(vkey, where="") for vkey in vkeys]
    is_held = [held.key for held in verify_note(note, keys)] == keys
    return int(note.text.split("\n")[1]) if is_held else -1


def test_a_ledger_is_cosigned_as_it_grows_and_the_newest_cosigned_checkpoint_is_kept(team: Witnessed) -> None:
    with team.witness("--ml-dsa") as witness:
        keys = [word for vkey in witness.vkeys for word in ("--key", vkey)]
        done = team.project.awo("ledger", "cosign", "--witness", witness.url, *keys, "--json").expect(0).json
        (row,) = done["witnesses"]
        assert (row["names"], row["size"], row["server"]) == ([NAME], 3, witness.url.rstrip("/"))
        assert cosigned_by(team, *witness.vkeys) == 3
        assert (team.ledger.folder / "checkpoint").read_bytes() == (
            team.ledger.folder / "checkpoint.cosigned"
        ).read_bytes()
        team.grow(2)
        assert cosigned_by(team, *witness.vkeys) == -1
        assert cosigned_by(team, *witness.vkeys, name="checkpoint.cosigned") == 3
        assert cosign(team.ledger, witness.at).size == 5
        assert cosign(team.ledger, witness.at).size == 5
        assert cosigned_by(team, *witness.vkeys) == cosigned_by(team, *witness.vkeys, name="checkpoint.cosigned") == 5
        served = team.state / sha256_hex(team.ledger.reader().keys()[0].name.encode()) / "checkpoint"
        assert cosigned_by(team, *witness.vkeys, name=str(served)) == 5
        assert witness.stop() == 0
    assert team.told().count("cosigned at size") == 3


def test_a_ledger_that_was_put_back_is_found_though_nothing_on_this_machine_remembers(team: Witnessed) -> None:
    with team.witness() as witness:
        cosign(team.ledger, witness.at)
        team.save()
        team.grow(2)
        cosign(team.ledger, witness.at)
        team.put_back()
        with (
            unchanged(team.project.root),
            pytest.raises(EvidenceError, match="larger tree of this ledger was cosigned"),
        ):
            cosign(team.ledger, witness.at)


def test_a_branch_of_the_ledger_is_refused_by_the_witness_and_by_itself_when_it_remembers(team: Witnessed) -> None:
    with team.witness() as witness:
        team.save()
        team.grow(2)
        cosign(team.ledger, witness.at)
        remembered = next((team.ledger.folder / "witnesses").iterdir())
        memory = remembered.read_bytes()
        team.put_back()
        team.grow(4, word="f")
        team.project.awo("ledger", "cosign", "--witness", witness.url, "--key", witness.vkeys[0]).refused(
            3, "does not continue what it has cosigned", "422"
        )
        assert cosigned_by(team, *witness.vkeys) == -1
        assert last_cosigned(team.ledger.folder) is None
        remembered.parent.mkdir()
        remembered.write_bytes(memory)
        asked = team.told()
        with pytest.raises(EvidenceError, match="two branches of one log"):
            cosign(team.ledger, witness.at)
        assert team.told() == asked


def test_a_witness_that_is_started_again_goes_on_from_what_it_cosigned(team: Witnessed) -> None:
    with team.witness() as witness:
        cosign(team.ledger, witness.at)
        first = witness.vkeys
        assert witness.stop() == 0
    team.grow(1)
    with team.witness() as witness:
        assert witness.vkeys == first
        reply = send(witness, team.request(0))
        assert (reply.status, reply.body, reply.headers["content-type"]) == (409, b"3\n", "text/x.tlog.size")
        assert cosign(team.ledger, witness.at).size == 4


def test_each_wrong_request_has_the_answer_of_the_protocol(team: Witnessed) -> None:
    good = team.request(0)
    with team.witness() as witness:
        assert b"".join(vkey.encode() + b"\n" for vkey in witness.vkeys) == _get(witness.url)
        origin = team.ledger.reader().keys()[0].name
        other = good.encode().replace(origin.encode() + b"\n3\n", b"example.org/other\n3\n")
        note = parse_note(good.note, "")
        for request, status in (
            (b"nonsense", 400),
            (other, 404),
            (AddCheckpoint(0, (), Note(note.text.replace("\n3\n", "\n2\n"), note.signatures).encode()), 403),
            (AddCheckpoint(4, (), good.note), 400),
            (AddCheckpoint(3, (), good.note), 409),
            (AddCheckpoint(0, (bytes(32),), good.note), 422),
            (b"old 0\n" + b"A" * 300_000, 413),
            (good, 200),
        ):
            assert send(witness, request).status == status
        for path, status in (("checkpoint", 404), (f"{'0' * 64}/checkpoint", 404), ("add-checkpoint", 405)):
            assert _status(f"{witness.url}{path}") == status
        assert _get(f"{witness.url}{sha256_hex(origin.encode())}/checkpoint").startswith(note.text.encode())
        team.project.awo(
            "ledger", "cosign", "--witness", witness.url, "--key", witness.vkeys[0], "--origin", "x"
        ).refused(2, "this is another ledger")
        stranger = Witnessed(team.project.top / "stranger")
        stranger.grow(1)
        with pytest.raises(CannotCheck, match="the witness does not cosign") as refused:
            cosign(stranger.ledger, witness.at)
        assert "does not watch" in refused.value.hint


def test_clients_that_hold_connections_open_and_send_nothing_do_not_keep_others_out(team: Witnessed) -> None:
    with team.witness() as witness, contextlib.ExitStack() as held:
        host, _, port = witness.url.removeprefix("http://").rstrip("/").partition(":")
        idle = []
        for _ in range(MOST_CONNECTIONS + 20):
            idle.append(held.enter_context(socket.create_connection((host, int(port)), timeout=30)))
            idle[-1].sendall(b"POST /add-checkpoint HTTP/1.1\r\nHost: x\r\n")
        assert idle[0].recv(1) == b""
        assert cosign(team.ledger, witness.at).size == 3


def test_of_two_checkpoints_that_come_at_once_from_one_size_one_is_cosigned(team: Witnessed) -> None:
    with team.witness() as witness, ThreadPoolExecutor(4) as pool:
        send(witness, team.request(0))
        for _ in range(5):
            old = team.ledger.reader().size
            requests = []
            for _ in range(4):
                team.grow(1)
                requests.append(team.request(old))
            statuses = sorted(reply.status for reply in pool.map(lambda request: send(witness, request), requests))
            assert statuses == [200, 409, 409, 409]
            cosign(team.ledger, witness.at)


def test_what_a_witness_answered_it_remembers_after_kill_9(team: Witnessed) -> None:
    answered = 0
    for moment in (1, 2, 4):
        with team.witness() as witness, ThreadPoolExecutor(1) as pool:
            known = int(send(witness, team.request(team.ledger.reader().size)).body) if answered else 0
            assert known >= answered
            begun = pool.submit(_feed, team, witness, known)
            while not begun.done() and team.told().count("cosigned") < moment * 3:
                time.sleep(LOOK_EVERY_S)
            witness.kill()
            answered = max(begun.result(), known)
        team.grow(1)
    with team.witness() as witness:
        assert int(send(witness, team.request(team.ledger.reader().size)).body) >= answered
        assert cosign(team.ledger, witness.at).size == team.ledger.reader().size


def _feed(team: Witnessed, witness: Running, old: int) -> int:
    """Grows the ledger and has each size cosigned, until the witness is gone; the last size that was answered."""
    try:
        for _ in range(200):
            team.grow(1)
            assert send(witness, team.request(old)).status == 200
            old = team.ledger.reader().size
    except CannotCheck:
        pass
    return old


def test_a_state_is_for_one_witness_and_an_altered_one_is_refused(team: Witnessed) -> None:
    with team.witness() as witness:
        cosign(team.ledger, witness.at)
        team.project.awo(*team.command()).refused(2, "another witness is at work on this state")
    (kept,) = team.state.glob("*/checkpoint")
    before = kept.read_bytes()
    kept.write_bytes(before.replace(b"\n3\n", b"\n2\n"))
    team.project.awo(*team.command()).refused(3, "a signature of the note does not hold")
    kept.write_bytes(b"\n".join(before.split(b"\n")[:-2]) + b"\n")  # without the line of the witness
    team.project.awo(*team.command()).refused(3, "was not cosigned by it")


def test_the_witnesses_of_awo_toml_are_asked_and_one_that_is_away_does_not_hinder_the_other(team: Witnessed) -> None:
    with team.witness() as witness:
        key = witness.vkeys[0]
        rows = [
            f'{{ url = "http://127.0.0.1:1/s3cr3t", key = "{key}" }}',
            f'{{ url = "{witness.url}", key = "{key}" }}',
        ]
        team.project.write("awo.toml", f"[ledger]\nwitnesses = [{', '.join(rows)}]\n")
        done = team.project.awo("ledger", "cosign")
        assert "cosigned the ledger at size 3" in done.expect(7).out
        assert "cannot be reached" in done.err
        assert "s3cr3t" not in done.err
        assert cosigned_by(team, key) == 3
        team.project.awo("ledger", "cosign", "--json").refused_in_json(7)


def test_a_ledger_that_signs_with_ml_dsa_too_is_watched_by_either_of_its_keys(team: Witnessed) -> None:
    team.ledger = replace(team.ledger, ml_dsa=True)
    team.grow(1)
    reader = team.ledger.reader()
    assert reader.signed is not None
    own = reader.keys()
    assert [key.kind for key in own] == [Kind.ED25519, Kind.COSIGNATURE_ML_DSA_44]
    assert [held.key for held in verify_note(reader.signed.note, own)] == own
    (team.ledger.folder / "keys").write_text(f"{own[1]}\n")
    with team.witness("--ml-dsa") as witness:
        assert cosign(team.ledger, witness.at).size == 4
        assert cosigned_by(team, str(own[1]), *witness.vkeys) == 4


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        ("witnesses = 1", "has the wrong value"),
        ('witnesses = [{ url = "http://x" }]', "has no url or no key"),
        ('witnesses = [{ url = "ftp://x", key = "k" }]', "no address that can be sent to"),
        ('witnesses = [{ url = "http://x", key = "k" }]', "this is not a verifier key"),
        ('witnesses = [{ url = "http://x", key = "k", name = "n" }]', "name"),
        (
            f'witnesses = [{{ url = "http://x", key = "{signers.log().vkey}" }}]',
            "and not of a witness",
        ),
    ],
)
def test_a_witness_of_awo_toml_that_cannot_be_used_is_said(team: Witnessed, toml: str, says: str) -> None:
    team.project.write("awo.toml", f"[ledger]\n{toml}\n")
    team.project.awo("ledger", "cosign").refused(2, says)


def test_without_a_witness_or_a_ledger_the_command_says_so(team: Witnessed) -> None:
    team.project.awo("ledger", "cosign").refused(2, "no witness is named")
    team.project.awo("ledger", "cosign", "--witness", "http://x").refused(2, "go together")
    shutil.rmtree(team.ledger.folder)
    key = str(signers.witness().vkey)
    team.project.awo("ledger", "cosign", "--witness", "http://x", "--key", key).refused(
        2, "there is no ledger here yet"
    )
    team.project.awo(*team.command()).refused(2, "neither a verifier key nor a file")
    named: list[str | Path] = [
        "ledger",
        "witness",
        "--state",
        team.state,
        "--key",
        team.project.key,
        "--name",
        NAME,
        "--log",
        key,
    ]
    team.project.awo(*named, "--listen", "nowhere").refused(2, "not a place to listen at")
    team.project.awo(*named, "--listen", "192.0.2.1:80").refused(7, "cannot listen there")


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=30) as answer:
        body: bytes = answer.read()
        return body


def _status(url: str) -> int:
    try:
        _get(url)
    except urllib.error.HTTPError as error:
        return error.code
    return 200
