"""Publishes sealed runs at data repositories, object storage and folders, and reads what was published."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from awo.api.keys import Identity
from awo.api.packages import verify
from awo.api.projects import Project, find_run
from awo.errors import EvidenceError, UsageError

if TYPE_CHECKING:  # what a command does not use is not loaded
    from awo.evidence.publication import Deposit
    from awo.publish.about.shapes import About
    from awo.publish.addenda import ReadAddendum
    from awo.publish.parcels import Package
    from awo.publish.sending import Sent, Watcher
    from awo.publish.targets.opening import Wanted
    from awo.publish.targets.seam import Target


@dataclass(frozen=True, slots=True)
class Publication:
    """One run and the place where it is to be published, nothing asked of it yet."""

    project: Project
    target: Target
    package: Package
    folder: Path
    """Where what publishing leaves stands, beside the run."""

    def done_before(self) -> Sent | None:
        """What an earlier command published there and signed; None where something is left to do. Asks nobody."""
        from awo.publish.sending import done_before

        return done_before(self.target, self.package, self.folder)

    def refuse_unverified(self) -> None:
        """Raises `EvidenceError` where the package does not verify. What cannot be checked here does not stop it."""
        report = verify(self.project, str(self.package.path), None)
        for result in report.results("failed"):
            raise EvidenceError(
                "this run does not verify, and what does not verify is not published",
                where=str(self.package.path),
                got=f"{result.check.id}: {result.check.title}",
                hint=f"awo verify {self.package.path.name}",
            )

    def send(self, who: Callable[[], Identity], watch: Watcher, *, is_yes: bool) -> Sent:
        """Publishes, or goes on where an earlier command stopped. Raises as `send_package`.

        `who` signs the addendum, and is asked for only when there will be one.
        """
        from awo.engine.run import SOFTWARE
        from awo.evidence.events import Starter
        from awo.publish.about.gather import refuse_unless_open
        from awo.publish.sending import Order, send_package
        from awo.sign.seam import Signer

        if self.target.gives_doi:
            refuse_unless_open(self.project.root)

        def sign() -> tuple[Starter, Signer]:
            identity = who()
            return identity.as_starter(), identity.signer

        about = about_of(self.project, self.package)
        if about.published_on < self.package.sealed_at[:10]:  # of another work, as in a citation: of an earlier release
            about = replace(about, published_on="")
        order = Order(
            package=self.package,
            folder=self.folder,
            about=about,
            described=lambda doi: _beside(self.package, about, doi),
            software=SOFTWARE,
            sign=sign,
            is_yes=is_yes,
        )
        return send_package(self.target, order, watch)


def publication(project: Project, wanted: Wanted, name: str) -> Publication:
    """The run or bundle that `name` means, and the place of `wanted`.

    Raises `UsageError` for no such run, bundle or place, and for a run that is not sealed; `CannotCheck` without the
    token or the extra that the place needs.
    """
    from awo.publish.deposits import publications_of
    from awo.publish.parcels import package_at
    from awo.publish.targets.opening import open_target

    target = open_target(wanted)
    _refuse_own_folder(project, target)
    path = Path(name)
    path = path.resolve() if path.is_file() and not path.is_symlink() else find_run(project, name).resolve()
    package = package_at(path)
    return Publication(project, target, package, publications_of(project.runs, package.run_id))


def _refuse_own_folder(project: Project, target: Target) -> None:
    """Raises `UsageError` for a folder in runs/: runs and what is on record of publishing them stand there."""
    from awo.publish.targets.opening import FOLDER

    place = Path(target.place.removeprefix(f"{FOLDER}:"))
    if target.kind == FOLDER and place.is_relative_to(project.runs.resolve()):
        raise UsageError(
            "runs are not published into the folder of the runs",
            where=str(place),
            expected="a folder outside",
            hint="mkdir ../published, then awo publish folder:../published RUN",
        )


def about_of(project: Project, package: Package) -> About:
    """What the project's files say of the work; its workflow's name and description where they say nothing."""
    from awo.engine.folder import read_input
    from awo.publish.about.gather import read_about

    if package.is_bundle:
        return read_about(project.root, name="", description="")
    plan, _ = read_input(package.path)
    return read_about(project.root, name=plan.name, description=plan.description)


def _beside(package: Package, about: About, doi: str) -> Mapping[str, bytes]:
    """What stands beside the run in its bundle; nothing beside one of which texts are withheld, as in an export."""
    from awo.publish.beside import describe_beside
    from awo.publish.described.reading import describe

    described = describe(package.path)
    return {} if described.withheld else describe_beside(described, about, doi)


@dataclass(frozen=True, slots=True)
class Published:
    """What is on record of publishing one run: its addenda in order, and deposits that have none yet."""

    run_id: str
    addenda: list[ReadAddendum]
    drafts: list[Deposit]
    sealer_key: str = ""
    """The fingerprint of the key that sealed the run; '' where the run is not here."""

    @property
    def is_sound(self) -> bool:
        """Whether every addendum holds, and stands behind the one before it."""
        return not any(one.faults for one in self.addenda)


def published(project: Project, name: str) -> Published:
    """Reads and checks what is on record of publishing a run; the run itself need not be here.

    Raises `UsageError` for an unknown run, `EvidenceError` for a deposit file that cannot be read, `DiskTrouble`.
    """
    from awo.publish.addenda import read_addenda
    from awo.publish.deposits import deposits_in, publications_of
    from awo.publish.parcels import package_at

    folder = publications_of(project.runs, name)
    seal_sha256 = sealer_key = ""
    if not folder.is_dir() or (project.runs / name).is_dir():
        run = find_run(project, name).resolve()
        folder = publications_of(project.runs, run.name)
        if folder.is_dir():
            package = package_at(run)
            seal_sha256, sealer_key = package.seal_sha256, package.sealer_key
    addenda = read_addenda(folder, seal_sha256, project.reviewers())
    said = {(one.addendum.kind, one.addendum.place) for one in addenda if one.addendum is not None}
    drafts = [one for one in deposits_in(folder) if (one.kind, one.place) not in said]
    return Published(folder.name, addenda, drafts, sealer_key)
