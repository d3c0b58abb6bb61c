"""The files of the package in a crate: one by one with size and digest, or by folder where there are very many."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Final

from awo.evidence.events import FileRef
from awo.evidence.layout import AUDIT, OUTPUTS, SUMS
from awo.publish.forms.ro_crate.graph import Graph, Ref, path_id, ref_to

MOST_FILES: Final = 1_000
"""A package of more files than this has its large folders described as folders."""
LARGE_FOLDER: Final = 20
"""Files, those of inner folders among them, of a folder that is then described as one."""
MOST_FOLDERS: Final = 200
"""Inner folders of outputs/ that are looked into then."""
MOST_PINNED: Final = 1_000
"""Files that actions name one by one even so."""

_FORMATS: Final = {
    "cff": "application/yaml",
    "csv": "text/csv",
    "gz": "application/gzip",
    "html": "text/html",
    "json": "application/json",
    "jsonl": "application/x-ndjson",
    "md": "text/markdown",
    "parquet": "application/vnd.apache.parquet",
    "png": "image/png",
    "py": "text/x-python",
    "sig": "text/plain",
    "svg": "image/svg+xml",
    "tsr": "application/timestamp-reply",
    "txt": "text/plain",
    "xml": "application/xml",
    "yaml": "application/yaml",
    "yml": "application/yaml",
}


def format_of(path: str) -> str:
    """The media type by the ending of the name; what is not known here is octets."""
    name = path.rpartition("/")[2].removesuffix(".partial")
    if name == SUMS or name == "allowed_signers":
        return "text/plain"
    return _FORMATS.get(name.rpartition(".")[2].lower(), "application/octet-stream")


@dataclass(slots=True)
class _Folder:
    files: list[FileRef] = field(default_factory=list)
    inner: list[str] = field(default_factory=list)
    count: int = 0
    size_bytes: int = 0


class PackageFiles:
    """Describes the package as a folder of the crate; afterwards `ref` names what stands for a file in it."""

    def __init__(self, graph: Graph, run_id: str, files: Collection[FileRef], pinned: Iterable[str]) -> None:
        self._graph = graph
        self._run_id = run_id
        self._folders = _tree(files)
        self._lists_all = len(files) <= MOST_FILES
        self._pinned = frozenset(itertools.islice(pinned, MOST_PINNED))
        self._described: set[str] = set()
        self.root = self._add("")

    def ref(self, path: str) -> Ref:
        """The entity of this file, or of the innermost folder that is described in its place."""
        if path in self._described:
            return ref_to(self._id(path))
        return self.folder(path.rpartition("/")[0])

    def refs(self, paths: Iterable[str]) -> list[Ref]:
        """As `ref`, each entity once."""
        return list({ref["@id"]: ref for ref in map(self.ref, paths)}.values())

    def has(self, path: str) -> bool:
        """Whether this file has an entity of its own."""
        return path in self._described

    def folder(self, path: str) -> Ref:
        """The entity of this folder, or of the innermost one around it that is described."""
        while f"{path}/" not in self._described and path:
            path = path.rpartition("/")[0]
        return ref_to(self._id(f"{path}/" if path else ""))

    def _id(self, path: str) -> str:
        return path_id(f"{self._run_id}/{path}")

    def _add(self, path: str) -> Ref:
        """Adds a folder and what is in it; `path` has no slash at its end."""
        folder = self._folders[path]
        name = f"{path}/" if path else ""
        self._described.add(name)
        if self._is_looked_into(path, folder):
            parts = [self._add(inner) for inner in folder.inner] + [self._file(file) for file in folder.files]
            return self._dataset(name, parts, [])
        inside = list(self._all_below(path, lambda file: file.path in self._pinned))
        counted = {"files": folder.count, "bytes": folder.size_bytes}
        counts = self._graph.values("folder", (self._run_id, name), counted, name)
        return self._dataset(name, [self._file(file) for file in inside], counts)

    def _dataset(self, name: str, parts: list[Ref], counts: list[Ref]) -> Ref:
        said = (
            f"Described as one folder; the SHA-256 of each file in it stands in {self._run_id}/{SUMS}."
            if counts
            else ("" if name else "The sealed folder of the run. Nothing in it has changed since the seal.")
        )
        return self._graph.add(
            self._id(name),
            "Dataset",
            name=name or f"{self._run_id}/",
            description=said,
            additionalProperty=counts,
            hasPart=parts,
        )

    def _is_looked_into(self, path: str, folder: _Folder) -> bool:
        if self._lists_all or path in ("", AUDIT):
            return True
        if path == OUTPUTS:
            return len(folder.inner) <= MOST_FOLDERS
        return folder.count <= LARGE_FOLDER

    def _all_below(self, path: str, picked: Callable[[FileRef], bool]) -> Iterable[FileRef]:
        yield from filter(picked, self._folders[path].files)
        for inner in self._folders[path].inner:
            yield from self._all_below(inner, picked)

    def _file(self, file: FileRef) -> Ref:
        self._described.add(file.path)
        return add_file(self._graph, f"{self._run_id}/{file.path}", file.size_bytes, file.sha256, name=file.path)


def add_file(graph: Graph, path: str, size_bytes: int, sha256: str, *, name: str = "", about: str = "") -> Ref:
    """A file of the crate, by its path from the crate's root; `about` is the id of what it tells of."""
    return graph.add(
        path_id(path),
        "File",
        name=name or path,
        encodingFormat=format_of(path),
        contentSize=str(size_bytes),
        sha256=sha256,
        about=ref_to(about) if about else None,
    )


def _tree(files: Collection[FileRef]) -> dict[str, _Folder]:
    folders = {"": _Folder()}
    for file in files:
        parts = file.path.split("/")[:-1]
        around = ["/".join(parts[:count]) for count in range(len(parts) + 1)]
        for outer, path in itertools.pairwise(around):
            if path not in folders:
                folders[path] = _Folder()
                folders[outer].inner.append(path)
        for path in around:
            folders[path].count += 1
            folders[path].size_bytes += file.size_bytes
        folders[around[-1]].files.append(file)
    return folders
