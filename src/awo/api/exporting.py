"""Writes a run in one of the forms of `awo.plugins.EXPORT_FORMS`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from awo.api.projects import Project
from awo.errors import UsageError
from awo.evidence.layout import SEAL_SIGNATURE
from awo.plugins import EXPORT_FORMS, load

if TYPE_CHECKING:
    from awo.publish.about.shapes import About
    from awo.publish.described.shapes import Described
    from awo.publish.forms.seam import Form, Written
    from awo.sign.seam import AskPassphrase


def export_form_of(name: str) -> Form:
    """The form of this name. Raises `UsageError` for one that is in no row, naming the nearest."""
    form: Form = load(EXPORT_FORMS, name, "form")()
    return form


def refuse_unsealed_form(folder: Path, name: str) -> None:
    """Raises `UsageError` where the form is of sealed runs and this one is not."""
    if export_form_of(name).of_sealed and not (folder / SEAL_SIGNATURE).is_file():
        raise UsageError(
            f"only a sealed run is exported as {name}",
            where=str(folder),
            hint=f"bring it to its end with `awo resume {folder.name}`, or freeze it with `awo seal {folder.name}`",
        )


def export_form(
    project: Project,
    folder: Path,
    name: str,
    out: Path | None,
    *,
    key: Path | None = None,
    passphrase: AskPassphrase | None = None,
    has_content: bool = False,
) -> Written:
    """The run in the form `name`, at `out` or at its usual place beside the run.

    `key` is the private key file of a form that is signed, `passphrase` gives that key's. `has_content` asks a form
    that leaves texts out for the texts. Nothing is scanned here: `scan` does that. Raises as `Form.write`.
    """
    from awo.publish.about.shapes import NOTHING
    from awo.publish.described.reading import describe
    from awo.publish.forms.seam import Wanted
    from awo.sign.dsse import open_bare_signer

    form = export_form_of(name)
    refuse_unsealed_form(folder, name)
    signer = None
    if form.is_signed:
        if key is None or passphrase is None:
            raise UsageError(f"the form {name} is signed, and no key is named", expected="a private key file")
        signer = open_bare_signer(key, passphrase)
    if form.holds == "package" and form.of_sealed:
        described, about, beside = beside_of(project, folder)
    else:
        described, about, beside = describe(folder), NOTHING, {}
    return form.write(Wanted(folder, out, described, about, signer, has_content, beside))


def beside_of(project: Project, folder: Path, doi: str = "") -> tuple[Described, About, Mapping[str, bytes]]:
    """A sealed run as it is described, what its authors say of it in the project's files, and the files that stand
    beside it in a bundle: none where texts of the run are withheld. `doi` is the run's own, bare, or ''.

    Raises `UsageError` for files of the project that cannot be read, and `EvidenceError` for a run that is altered.
    """
    from awo.publish.about.gather import read_about
    from awo.publish.beside import describe_beside
    from awo.publish.described.reading import describe
    from awo.publish.forms.sealed import intact_seal

    described = describe(folder)
    intact_seal(folder, described)
    plan = described.facts.input
    about = read_about(project.root, name=plan.name, description=plan.description)
    return described, about, {} if described.withheld else describe_beside(described, about, doi)
