"""The suite for publishing targets: what every `Target` must do, as functions that raise `AssertionError`.

With pytest, and a fixture `trial` that names a place where nothing of its run is yet:

    @pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
    def test_my_target(check, trial):
        check(trial)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from awo.canon.digest import md5_hex, sha256_hex
from awo.errors import AwoError, EvidenceError
from awo.evidence.publication import Arrival, Deposit
from awo.publish.about.shapes import About
from awo.publish.targets.seam import Parcel, Target

_DIGEST_CHARACTERS = {"sha256": 64, "md5": 32}


@dataclass(frozen=True, slots=True)
class Trial:
    """One place, and what is sent there.

    `open` opens it anew, as another process would. `deposit` is new, of a run of its own. `large_bytes` is a size that
    the target tells the progress of at least once before its end. `folder` is an empty folder of this machine.
    `secrets` are planted in the environment that the target is opened with. `has_drafts` says that other bytes may take
    the place of a file until it is public.
    """

    open: Callable[[], Target]
    deposit: Deposit
    about: About
    folder: Path
    large_bytes: int
    secrets: tuple[str, ...] = ()
    has_drafts: bool = False


Check = Callable[[Trial], None]


class Cut(Exception):
    """Raised where a process would die."""


def a_deposit_that_is_reserved_twice_is_one(trial: Trial) -> None:
    """From each state that was kept on disk, asking again finds the same deposit."""
    kept: list[Deposit] = []
    made = trial.open().reserve(trial.deposit, trial.about, kept.append)
    assert kept, "the deposit was never kept"
    assert made.identifier, "the deposit has no identifier"
    assert (made.run_id, made.seal_sha256) == (trial.deposit.run_id, trial.deposit.seal_sha256)
    for state in (*kept, made):
        again = trial.open().reserve(state, trial.about, lambda _: None)
        assert again.identifier == made.identifier, f"after {state.phase!r} another deposit was made"
        assert (again.address, again.doi) == (made.address, made.doi)
    sent = trial.open().reserve(msgspec.structs.replace(made, phase="sent"), trial.about, lambda _: None)
    assert sent.phase == "sent", f"the deposit went back to {sent.phase!r}"


def nothing_has_arrived_before_it_is_sent(trial: Trial) -> None:
    """A reserved deposit is empty."""
    deposit = _reserved(trial)
    assert trial.open().arrived(deposit, _small(trial)) is None


def what_was_sent_has_arrived(trial: Trial) -> None:
    """What `send` gives is what the place says afterwards, to another process too; progress ends at the size."""
    deposit = _reserved(trial)
    for parcel in (_small(trial), _large(trial), _empty(trial)):
        told: list[int] = []
        sent = trial.open().send(deposit, parcel, told.append)
        _is_of(sent, parcel)
        assert trial.open().arrived(deposit, parcel) == sent, "the place says something else than `send` gave"
        assert told == sorted(told), f"progress went back: {told}"
        assert not parcel.size_bytes or told[-1:] == [parcel.size_bytes], f"progress ended at {told[-1:]}"


def sending_again_changes_nothing(trial: Trial) -> None:
    """No second version, no new time: the arrival is the same, with and without the first on record."""
    deposit, parcel = _reserved(trial), _small(trial)
    sent = trial.open().send(deposit, parcel, _deaf)
    assert trial.open().send(deposit, parcel, _deaf) == sent
    assert trial.open().send(_with(deposit, sent), parcel, _deaf) == sent


def other_bytes_under_the_same_name_are_refused(trial: Trial) -> None:
    """`EvidenceError`, with what was expected and what is there; what is there stays."""
    deposit, parcel = _reserved(trial), _small(trial)
    sent = trial.open().send(deposit, parcel, _deaf)
    if trial.has_drafts:
        deposit = _public(trial.open().publish(_with(deposit, sent), trial.about, [parcel]))
    for data in (b"other bytes", b"X" * parcel.size_bytes):
        other = _parcel(trial, parcel.name, data)
        error = _refused(EvidenceError, trial.open().send, deposit, other, _deaf)
        assert error.expected, "the error does not say what was expected"
        assert error.got, "the error does not say what is there"
        _refused(EvidenceError, trial.open().arrived, deposit, other)
    assert trial.open().arrived(deposit, _small(trial)) == sent, "the refused bytes changed what is there"


def a_file_that_was_sent_half_has_not_arrived(trial: Trial) -> None:
    """A transfer that dies on its way leaves nothing that counts, and the next one brings all of it."""
    deposit, parcel = _reserved(trial), _large(trial)
    told: list[int] = []

    def die(done_bytes: int) -> None:
        told.append(done_bytes)
        if 0 < done_bytes < parcel.size_bytes:
            raise Cut

    try:
        trial.open().send(deposit, parcel, die)
    except (Cut, AwoError) as error:
        if Cut not in (type(error), type(error.__cause__), type(error.__context__)):
            raise
    else:
        raise AssertionError(f"the progress of {parcel.size_bytes} bytes was told only at {told}")
    assert trial.open().arrived(deposit, parcel) is None, "half a file counts as arrived"
    _is_of(trial.open().send(deposit, parcel, _deaf), parcel)


def a_file_that_changes_here_is_refused(trial: Trial) -> None:
    """Bytes that are not the announced ones never count as arrived, in a small file or a large one."""
    deposit = _reserved(trial)
    for parcel in (_small(trial), _large(trial)):
        data = parcel.path.read_bytes()
        parcel.path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        _refused(EvidenceError, trial.open().send, deposit, parcel, _deaf)
        parcel.path.write_bytes(data)
        assert trial.open().arrived(deposit, parcel) is None, "bytes that nobody announced have arrived"
        _is_of(trial.open().send(deposit, parcel, _deaf), parcel)


def nothing_is_published_before_all_of_it_has_arrived(trial: Trial) -> None:
    """Asking for it too early is refused, and afterwards it goes on."""
    deposit, small, large = _reserved(trial), _small(trial), _large(trial)
    sent = _with(deposit, trial.open().send(deposit, small, _deaf))
    _refused(AwoError, trial.open().publish, sent, trial.about, [small, large])
    whole = _with(sent, trial.open().send(sent, large, _deaf))
    assert trial.open().publish(whole, trial.about, [small, large]).identifier == deposit.identifier


def publishing_twice_is_one_publication(trial: Trial) -> None:
    """From before and from after: the same address, DOI and arrivals."""
    deposit, parcel = _reserved(trial), _small(trial)
    whole = _with(deposit, trial.open().send(deposit, parcel, _deaf))
    made = trial.open().publish(whole, trial.about, [parcel])
    for state in (whole, made):
        again = trial.open().publish(state, trial.about, [parcel])
        assert (again.identifier, again.address, again.doi) == (made.identifier, made.address, made.doi)
        assert again.arrivals == made.arrivals
    there = trial.open().arrived(made, parcel)
    assert there is not None, "what was published is not there"
    _is_of(there, parcel)


def no_secret_is_shown(trial: Trial) -> None:
    """Not in the place, a record, an error, or the target's own printed form."""
    deposit, parcel = _reserved(trial), _small(trial)
    target = trial.open()
    whole = _with(deposit, target.send(deposit, parcel, _deaf))
    deposit = _public(target.publish(whole, trial.about, [parcel]))
    error = _refused(EvidenceError, target.send, deposit, _parcel(trial, parcel.name, b"other"), _deaf)
    shown = f"{target!r} {target.place} {msgspec.json.encode(whole).decode()} {error} {error.as_dict()}"
    for secret in trial.secrets:
        assert secret not in shown, "a secret is shown"


CHECKS: tuple[Check, ...] = (
    a_deposit_that_is_reserved_twice_is_one,
    nothing_has_arrived_before_it_is_sent,
    what_was_sent_has_arrived,
    sending_again_changes_nothing,
    other_bytes_under_the_same_name_are_refused,
    a_file_that_was_sent_half_has_not_arrived,
    a_file_that_changes_here_is_refused,
    nothing_is_published_before_all_of_it_has_arrived,
    publishing_twice_is_one_publication,
    no_secret_is_shown,
)


def parcel_of(path: Path, name: str) -> Parcel:
    """The parcel of a file as it is now."""
    data = path.read_bytes()
    return Parcel(name, path, len(data), sha256_hex(data), md5_hex(data))


def _reserved(trial: Trial) -> Deposit:
    return trial.open().reserve(trial.deposit, trial.about, lambda _: None)


def _parcel(trial: Trial, name: str, data: bytes) -> Parcel:
    path = trial.folder / f"{sha256_hex(data)[:12]}-{name}"
    path.write_bytes(data)
    return parcel_of(path, name)


def _small(trial: Trial) -> Parcel:
    return _parcel(trial, "small.txt", b"a few bytes\n")


def _empty(trial: Trial) -> Parcel:
    return _parcel(trial, "empty.txt", b"")


def _large(trial: Trial) -> Parcel:
    piece = bytes(range(251)) * 41  # a length that no block size divides: a piece that is sent twice or left out shows
    return _parcel(trial, "large.tar.gz", (piece * (trial.large_bytes // len(piece) + 1))[: trial.large_bytes])


def _with(deposit: Deposit, arrival: Arrival) -> Deposit:
    others = [one for one in deposit.arrivals if one.name != arrival.name]
    return msgspec.structs.replace(deposit, arrivals=[*others, arrival])


def _public(deposit: Deposit) -> Deposit:
    return msgspec.structs.replace(deposit, phase="published")


def _is_of(arrival: Arrival, parcel: Parcel) -> None:
    assert (arrival.name, arrival.sha256, arrival.size_bytes) == (parcel.name, parcel.sha256, parcel.size_bytes)
    kind, _, value = arrival.checksum.partition(":")
    assert kind in _DIGEST_CHARACTERS, f"{arrival.checksum!r} is no checksum"
    # a digest over the digests of parts is spelt otherwise, and compared by the target
    assert value in (parcel.sha256, parcel.md5) or len(value) != _DIGEST_CHARACTERS[kind], arrival.checksum
    assert arrival.address, "the file has no address"


def _refused(kind: type[AwoError], act: Callable[..., object], *arguments: object) -> AwoError:
    try:
        act(*arguments)
    except kind as error:
        return error
    except AwoError as error:
        raise AssertionError(f"expected {kind.__name__}, got {type(error).__name__}: {error}") from error
    raise AssertionError("what must be refused was taken")


def _deaf(done_bytes: int) -> None:
    """A listener who does not care."""
