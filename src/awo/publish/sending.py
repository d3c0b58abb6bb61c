"""Publishes a sealed run: reserve, pack, send, compare, make public, sign. Each step is on disk before the next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from msgspec.structs import replace

from awo.canon import time
from awo.errors import EvidenceError, UsageError
from awo.evidence.events import FileRef, Software, Starter
from awo.evidence.publication import Arrival, Deposit
from awo.publish.about.shapes import About
from awo.publish.addenda import addendum_of, write_addendum
from awo.publish.deposits import DepositFile, alone_publishing
from awo.publish.parcels import Package, digest_of, pack, workshop
from awo.publish.targets.seam import Parcel, Target
from awo.sign.seam import Signer

OTHERS_NAMED: Final = 10

Described = Callable[[str], Mapping[str, bytes]]
"""The files that the bundle has beside the run, with the DOI that was reserved ('' for none)."""


class Watcher(Protocol):
    """Is told of progress. Nothing depends on it."""

    def step(self, text: str, total_bytes: int = 0) -> None:
        """A new step begins; `total_bytes` of it are to come, where that is known."""

    def done(self, done_bytes: int) -> None:
        """So much of the step is done."""


class Silent:
    """Watches, and says nothing."""

    def step(self, text: str, total_bytes: int = 0) -> None: ...

    def done(self, done_bytes: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be published, and on whose word.

    `folder` is where what publishing leaves stands (`publications_of`). `is_yes` lets a target that cannot take it back
    make the run public. `sign` opens the key of the addendum, and is called only when one will be written.
    """

    package: Package
    folder: Path
    about: About
    described: Described
    software: Software
    sign: Callable[[], tuple[Starter, Signer]]
    is_yes: bool = False


@dataclass(frozen=True, slots=True)
class Sent:
    """How publishing ended. `addendum` is the path of the signed addendum, None while there is only a draft. `is_old`
    says that all of it was done by an earlier command."""

    deposit: Deposit
    parcels: tuple[Parcel, ...]
    addendum: Path | None
    is_old: bool = False


def done_before(target: Target, package: Package, folder: Path) -> Sent | None:
    """What an earlier command published at this place and signed; None where something is left to do, or where it was
    another bundle. Asks nobody.

    Raises `EvidenceError` where the addendum does not hold, and `DiskTrouble`.
    """
    deposit = DepositFile.at(folder, target.kind, target.place).read()
    if deposit is None or deposit.phase != "published" or deposit.seal_sha256 != package.seal_sha256:
        return None
    names = [one.name for one in deposit.arrivals]
    if package.bundle_name not in names or (package.is_bundle and digest_of(package) != deposit.bundle_sha256):
        return None
    said = addendum_of(folder, deposit)
    if said is None:
        return None
    if said.faults:
        raise EvidenceError("the addendum of this publication does not hold", where=str(said.path), got=said.faults[0])
    return Sent(deposit, (), said.path, is_old=True)


def send_package(target: Target, order: Order, watch: Watcher) -> Sent:
    """Publishes at `target`, going on where an earlier command stopped, however it ended.

    Nothing becomes public where `target.is_final` and not `order.is_yes`: the answer is then the draft. Raises
    `UsageError`, `CannotCheck`, `EvidenceError` and `DiskTrouble`; after each of them the same command goes on.
    """
    package, folder = order.package, order.folder
    with alone_publishing(folder):
        file = DepositFile.at(folder, target.kind, target.place)
        deposit = file.begun(package.run_id, package.seal_sha256, target.kind, target.place)
        early = order.sign() if order.is_yes or not target.is_final else None  # a passphrase is asked for before it all
        watch.step(f"asking {target.place}")
        deposit = target.reserve(deposit, order.about, file.keep)
        with workshop(folder, file.path.name.partition(".")[0]) as place:
            parcels = _packed(deposit, order, place, watch)
            deposit = _same_bundle(deposit, parcels[0], order)
            file.keep(deposit)
            _refuse_others(target, deposit, parcels)
            for parcel in parcels:
                deposit = _arrived(target, deposit, parcel, watch)
                file.keep(deposit)
            if deposit.phase != "published":
                deposit = replace(deposit, phase="sent", at=time.now())
                file.keep(deposit)
            if target.is_final and not order.is_yes and deposit.phase != "published":
                return Sent(deposit, parcels, None)
            watch.step(f"publishing at {target.place}")
            _refuse_others(target, deposit, parcels)  # a place may have been written to while the files went there
            deposit = replace(target.publish(deposit, order.about, parcels), phase="published", at=time.now())
            file.keep(deposit)
        who, signer = early if early is not None else order.sign()
        found = addendum_of(folder, deposit)
        if found is not None:
            return Sent(deposit, parcels, found.path)
        files = [FileRef(path=one.name, sha256=one.sha256, size_bytes=one.size_bytes) for one in parcels]
        return Sent(deposit, parcels, write_addendum(folder, deposit, files, order.software, who, signer))


def _packed(deposit: Deposit, order: Order, place: Path, watch: Watcher) -> tuple[Parcel, ...]:
    if order.package.is_bundle:
        watch.step("reading the bundle")
        return pack(order.package, place, {}, watch.done)
    watch.step("writing the bundle")
    return pack(order.package, place, order.described(deposit.doi), watch.done)


def _same_bundle(deposit: Deposit, bundle: Parcel, order: Order) -> Deposit:
    """The deposit of this bundle. What becomes public is what was in the draft: another one needs a look first."""
    if deposit.bundle_sha256 in ("", bundle.sha256):
        return replace(deposit, bundle_sha256=bundle.sha256)
    if deposit.phase == "published":
        raise EvidenceError(
            "this run is published there with another bundle, and nothing was changed",
            where=deposit.address or deposit.place,
            expected=f"SHA-256 {deposit.bundle_sha256}",
            got=bundle.sha256,
            hint="one seal is published once at each place; `awo publish --list` shows it. Where its addendum is "
            "missing, put back the CITATION.cff, the version of AWO or the bundle of then, and publish again",
        )
    if order.is_yes:
        raise EvidenceError(
            "the bundle changed between draft and publish, and nothing was published",
            where=deposit.address or deposit.place,
            expected=f"SHA-256 {deposit.bundle_sha256}",
            got=bundle.sha256,
            hint="what the authors say, the version of AWO or the bundle file is another one: put the earlier back, or "
            "leave out --yes to bring the draft up to date, and look at it",
        )
    return replace(deposit, bundle_sha256=bundle.sha256, phase="reserved", arrivals=[])


def _refuse_others(target: Target, deposit: Deposit, parcels: tuple[Parcel, ...]) -> None:
    """Raises `UsageError` where the draft has other files. A whole bundle that was sent before its redacted one would
    become public with it, and nobody could take that back."""
    found = () if deposit.phase == "published" else target.others(deposit, parcels)
    if found:
        raise UsageError(
            "the draft has files that are none of this bundle's, and they would become public with it",
            where=deposit.address,
            expected=", ".join(one.name for one in parcels),
            got=", ".join(found[:OTHERS_NAMED]) + (" and more" if len(found) > OTHERS_NAMED else ""),
            hint="delete them on the draft's page (and do not publish it there), then type the command again",
        )


def _arrived(target: Target, deposit: Deposit, parcel: Parcel, watch: Watcher) -> Deposit:
    """The deposit with the parcel there, sent where it was not, and the place's checksum compared."""
    arrival = target.arrived(deposit, parcel)
    if arrival is None:
        if deposit.phase == "published":
            raise EvidenceError(
                "this run is public there, without a file that belongs to it",
                where=deposit.address,
                expected=parcel.name,
                hint="it was published by other means: compare by hand",
            )
        watch.step(f"sending {parcel.name}", parcel.size_bytes)
        arrival = target.send(deposit, parcel, watch.done)
    _compare(arrival, parcel)
    others = [one for one in deposit.arrivals if one.name != parcel.name]
    return replace(deposit, arrivals=sorted([*others, arrival], key=lambda one: one.name))


def _compare(arrival: Arrival, parcel: Parcel) -> None:
    kind, _, value = arrival.checksum.partition(":")
    expected = {"md5": parcel.md5, "sha256": parcel.sha256}.get(kind)
    if expected is None or (value != expected and len(value) == len(expected)) or arrival.sha256 != parcel.sha256:
        raise EvidenceError(
            "the place names another checksum than that of the file",
            where=arrival.address or parcel.name,
            expected=f"{kind}:{expected}" if expected else "an MD5 or a SHA-256",
            got=arrival.checksum,
        )
