"""Single random edits of a sealed package, the same for the same seed: what a campaign of mutations draws from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.vectors.builder import RUN_ID, gzip_of, in_bundle_order

from awo.canon.ustar import END, Header, padding, write_header
from awo.evidence import layout

BUNDLE = "package.tar.gz"
OTHER_RUN = "run_2025-12-31T23-59-59Z"
TRIES = 1000


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit of a folder: the new bytes by path, None where the file is gone.

    `places` are the paths of which a finding must name one: the file that is not as it was.
    """

    kind: str
    places: tuple[str, ...]
    changed: Mapping[str, bytes | None]


@dataclass(frozen=True, slots=True)
class PackedEdit:
    """One edit of a bundle. `tar` is what it unpacks to, empty where the compressed bytes themselves were edited."""

    kind: str
    places: tuple[str, ...]
    packed: bytes
    tar: bytes = b""


# --- the bytes of one file ----------------------------------------------------------------------------------------


def _flip(chance: Random, data: bytes) -> bytes:
    place = chance.randrange(len(data))
    return data[:place] + bytes([data[place] ^ 1 << chance.randrange(8)]) + data[place + 1 :]


def _change(chance: Random, data: bytes) -> bytes:
    place = chance.randrange(len(data))
    return data[:place] + bytes([chance.randrange(256)]) + data[place + 1 :]


def _truncate(chance: Random, data: bytes) -> bytes:
    return data[: chance.randrange(len(data))]


def _insert(chance: Random, data: bytes) -> bytes:
    place, start = chance.randrange(len(data) + 1), chance.randrange(len(data))
    own, random = data[start : start + chance.randint(1, 40)], chance.randbytes(chance.randint(1, 8))
    return data[:place] + chance.choice([own, random, b"\n", b" ", b"\0", b"0"]) + data[place:]


def _delete(chance: Random, data: bytes) -> bytes:
    place = chance.randrange(len(data))
    return data[:place] + data[place + chance.randint(1, 40) :]


def _swap_lines(chance: Random, data: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    if len(lines) > 1:
        one, two = chance.sample(range(len(lines)), 2)
        lines[one], lines[two] = lines[two], lines[one]
    return b"".join(lines)


def _duplicate_line(chance: Random, data: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    lines.insert(chance.randrange(len(lines) + 1), chance.choice(lines))
    return b"".join(lines)


def _remove_line(chance: Random, data: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    del lines[chance.randrange(len(lines))]
    return b"".join(lines)


OF_BYTES: Mapping[str, Callable[[Random, bytes], bytes]] = {
    "flip a bit": _flip,
    "change a byte": _change,
    "truncate": _truncate,
    "insert bytes": _insert,
    "delete bytes": _delete,
}
OF_LINES: Mapping[str, Callable[[Random, bytes], bytes]] = {
    "swap lines": _swap_lines,
    "duplicate a line": _duplicate_line,
    "remove a line": _remove_line,
}
OF_FILES = (
    "swap files",
    "rename a file",
    "remove a file",
    "duplicate a file",
    "add a file",
    "replay from another run",
)
FOLDER_KINDS = (*OF_BYTES, *OF_LINES, *OF_FILES)


# --- folders ------------------------------------------------------------------------------------------------------


def draw(chance: Random, files: Mapping[str, bytes], other: Mapping[str, bytes]) -> Edit:
    """An edit that changes something. `other` has the files of another run, from which one may come."""
    paths = sorted(files)
    for _ in range(TRIES):
        kind = chance.choice(FOLDER_KINDS)
        path = chance.choice(paths)
        edit = _of_file(kind, chance, path, files, other)
        if any(files.get(name) != data for name, data in edit.changed.items()):
            return edit
    raise AssertionError("no edit changes anything")


def _of_file(kind: str, chance: Random, path: str, files: Mapping[str, bytes], other: Mapping[str, bytes]) -> Edit:
    data = files[path]
    change = OF_BYTES.get(kind) or OF_LINES.get(kind)
    if change is not None:
        return Edit(kind, (path,), {path: change(chance, data) if data else data})
    if kind == "swap files":
        second = chance.choice(sorted(files))
        return Edit(kind, (path, second), {path: files[second], second: data})
    if kind == "replay from another run":
        return Edit(kind, (path,), {path: other.get(path, data)})
    if kind == "remove a file":
        return Edit(kind, (path,), {path: None})
    name = _new_name(chance, path, files)
    places = (name, name.removesuffix(".sig"))  # a signature without its file: it is the file that is missing
    if kind == "rename a file":
        return Edit(kind, (path, *places), {path: None, name: data})
    return Edit(kind, places, {name: data if kind == "duplicate a file" else chance.choice([b"", b"{}\n", b"x"])})


def _new_name(chance: Random, path: str, files: Mapping[str, bytes]) -> str:
    """A name that no file has: beside the old one, in another folder, or one to which the format gives a meaning."""
    folder, _, name = path.rpartition("/")
    beside = [f"{path}.bak", f"{path}~", f"{path}{layout.PARTIAL}", f"{path}.sig", path.upper(), f"{folder}/x/{name}"]
    elsewhere = [name, f"outputs/{name}", f"outputs/x/{name}", f"audit/{name}", f"audit/raw/{name}", f"report/{name}"]
    known = [
        layout.REGISTRATION,
        layout.TIME_STAMP,
        layout.GATE_PENDING,
        layout.DISCLOSURE_KEY,
        layout.redaction_path(1),
    ]
    known += [layout.raw_path(9), layout.decision_path(9, "review"), f"{layout.redaction_path(9)}.sig"]
    while (found := chance.choice(chance.choice([beside, elsewhere, known])).lstrip("/")) in files:
        pass
    return found


class Folder:
    """A package on disk of which one edit at a time is made and undone."""

    def __init__(self, top: Path, files: Mapping[str, bytes]) -> None:
        self.top = top
        self._files = files
        for path, data in files.items():
            (top / path).parent.mkdir(parents=True, exist_ok=True)
            (top / path).write_bytes(data)

    @contextmanager
    def edited(self, edit: Edit) -> Iterator[Path]:
        """The folder as it is after this edit, until the block ends."""
        made: list[Path] = []
        for path, data in edit.changed.items():
            place = self.top / path
            if data is None:
                place.unlink()
                continue
            made += [above for above in place.parents if not above.exists()]
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
        try:
            yield self.top
        finally:
            for path in edit.changed:
                if path in self._files:
                    (self.top / path).write_bytes(self._files[path])
                else:
                    (self.top / path).unlink()
            for above in made:
                above.rmdir()


# --- bundles ------------------------------------------------------------------------------------------------------

OF_MEMBERS = (
    "swap members",
    "duplicate a member",
    "remove a member",
    "rename a member",
    "link instead of a member",
    "replay a member from another run",
    "date a member otherwise",
)
PACKED_KINDS = (
    *(f"{kind} of the compressed archive" for kind in OF_BYTES),
    *(f"{kind} of the archive" for kind in OF_BYTES),
    *OF_MEMBERS,
)


class Archive:
    """A bundle as its members, with the copies of verifiers (`beside`) behind the run's folder."""

    def __init__(self, files: Mapping[str, bytes], run_id: str, mtime: int, beside: Mapping[str, bytes]) -> None:
        self.mtime = mtime
        self.names = [f"{run_id}/{path}" for path in in_bundle_order(files)] + list(beside)
        contents = [files[path] for path in in_bundle_order(files)] + list(beside.values())
        self.members = [self.member(name, data) for name, data in zip(self.names, contents, strict=True)]
        self.tar = b"".join(self.members) + END
        self.packed = gzip_of(self.tar)
        self.has_verifiers = bool(beside)
        self.run_bytes = sum(len(one) for one in self.members[: len(files)])
        """How long the run's folder is in the archive; copies of verifiers stand behind it."""

    def member(self, name: str, data: bytes, mtime: int = -1) -> bytes:
        """One member with its header and padding."""
        at = self.mtime if mtime < 0 else mtime
        return write_header(Header(name, len(data), at)) + data + bytes(padding(len(data)))

    def content(self, number: int) -> bytes:
        """The bytes of the file in member `number`."""
        one = self.members[number]
        return one[512 : 512 + int(one[124:135], 8)]

    def path(self, number: int) -> str:
        """The path in the run of the file in member `number`; of a copy of a verifier its name."""
        name = self.names[number]
        return name.partition("/")[2] or name


def draw_packed(chance: Random, archive: Archive, other: Mapping[str, bytes]) -> PackedEdit:
    """An edit of a bundle that changes its bytes."""
    for _ in range(TRIES):
        kind = chance.choice(PACKED_KINDS)
        act = kind.partition(" of the ")[0]
        if kind.endswith("compressed archive"):
            packed = OF_BYTES[act](chance, archive.packed)
            if packed != archive.packed:
                return PackedEdit(kind, (BUNDLE,), packed)
            continue
        members, places = (
            _of_bytes(act, chance, archive) if act in OF_BYTES else _of_members(kind, chance, archive, other)
        )
        tar = b"".join(members)
        if tar != archive.tar:
            return PackedEdit(kind, (BUNDLE, *places), gzip_of(tar), tar)
    raise AssertionError("no edit changes anything")


def _of_bytes(act: str, chance: Random, archive: Archive) -> tuple[list[bytes], list[str]]:
    """The archive after an edit of the bytes of one member, of its end, or of all behind some place."""
    pieces = [*archive.members, END]
    number = chance.randrange(len(pieces))
    pieces[number] = OF_BYTES[act](chance, pieces[number])
    if act == "truncate":
        del pieces[number + 1 :]
    return pieces, [archive.path(number)] if number < len(archive.members) else []


def _of_members(
    kind: str, chance: Random, archive: Archive, other: Mapping[str, bytes]
) -> tuple[list[bytes], list[str]]:
    """The members after an edit, and the paths of those that it is about."""
    members, number = list(archive.members), chance.randrange(len(archive.members))
    name, data, path = archive.names[number], archive.content(number), archive.path(number)
    top, places = name.partition("/")[0], [path]
    match kind:
        case "swap members":
            second = chance.randrange(len(members))
            members[number], members[second] = members[second], members[number]
            places.append(archive.path(second))
        case "duplicate a member":
            members.insert(chance.randrange(len(members) + 1), members[number])
        case "remove a member":
            del members[number]
        case "rename a member":
            renamed = [f"{OTHER_RUN}/{path}", f"{name}.bak", path, f"{top}/../{path}", f"{top}/x/{path}", "/x"]
            renamed += [f"{top}//{path}", f"{RUN_ID}/audit/x", f"{name}{layout.PARTIAL}"]
            chosen = chance.choice(renamed)
            members[number] = _spelled(archive.member("x", data), chosen)
            places.append(chosen.partition("/")[2] or chosen)
        case "link instead of a member":
            members[number] = _linked(archive.member(name, b""), chance.choice(b"123456gxLKS"))
        case "replay a member from another run":
            members[number] = archive.member(name, other.get(path, data))
        case _:
            members[number] = archive.member(name, data, archive.mtime + chance.choice([-1, 1, 3600]))
    return [*members, END], places


def _spelled(member: bytes, name: str) -> bytes:
    """The member under any name, also one that a bundle may not have."""
    return _summed(name.encode()[:100].ljust(100, b"\0") + member[100:])


def _linked(member: bytes, kind: int) -> bytes:
    """The member as a link, a device or an extension."""
    return _summed(member[:156] + bytes([kind]) + b"/etc/passwd".ljust(100, b"\0") + member[257:])


def _summed(member: bytes) -> bytes:
    blank = member[:148] + b" " * 8 + member[156:]
    return blank[:148] + b"%06o\0 " % sum(blank[:512]) + blank[156:]
