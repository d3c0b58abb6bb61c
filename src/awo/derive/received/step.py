"""The derivation of `receive`: the original is kept byte for byte, and received.jsonl is what a reader makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Annotated, BinaryIO, Final, assert_never, overload

from msgspec import UNSET, Meta, UnsetType

from awo.canon.digest import sha256_running
from awo.derive.received.seam import Found, Original, Reader, not_this_form
from awo.derive.received.tally import received
from awo.derive.seam import Derivation, Derived, Sources
from awo.errors import StepFailed
from awo.evidence.events import FileRef
from awo.evidence.layout import file_path
from awo.evidence.received import ORIGINAL, RECEIVE, RECEIVED_FILE, Form, ReceivedValue
from awo.workflow.globs import ANY_FOLDERS
from awo.workflow.words import Args, ReadGlob, ReadPath

MOST_FILES: Final = 5000
LARGEST_ORIGINAL_BYTES: Final = 4 << 30
PIECE_BYTES: Final = 1 << 20


class ReceiveArgs(Args, frozen=True, kw_only=True):
    """What is received: `file` for inspect and promptfoo, `files` for the folder of an AWO 1.x run."""

    form: Annotated[Form, Meta(description="What the file is: a log of Inspect, results of promptfoo, an AWO 1.x run.")]
    file: Annotated[ReadPath, Meta(description="The file, relative to the workflow file.")] | UnsetType = UNSET
    files: (
        Annotated[ReadGlob, Meta(description="The files of the folder: `run/**`. Names are kept from there on.")]
        | UnsetType
    ) = UNSET

    def __post_init__(self) -> None:
        if (self.files is UNSET) == (self.form == "awo-1x"):
            raise ValueError("`awo-1x` takes `files`, the other forms take `file`")
        if (self.file is UNSET) == (self.files is UNSET):
            raise ValueError("give exactly one of `file` and `files`")


class Kept(Sequence[bytes]):
    """The lines of an original with their ends, read when they are taken: they come out as its very bytes.

    Lines, and not pieces of one size, so that no secret that is looked for can lie across two.
    """

    def __init__(self, opened: Callable[[], BinaryIO]) -> None:
        self._opened = opened

    def __iter__(self) -> Iterator[bytes]:
        with self._opened() as stream:
            yield from stream

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[bytes]: ...
    def __getitem__(self, index: int | slice) -> bytes | Sequence[bytes]:
        return list(self)[index]


def read(args: ReceiveArgs, sources: Sources) -> Derived:
    """A `ReceivedValue`, received.jsonl with a `ReceivedLine` for each answer, and the original.

    Raises `StepFailed`: `received_form`, `received_version`, `received_size`; `CannotCheck` for a library that an
    archive needs and that is not here.
    """
    paths = _paths(args, sources)
    originals, refs, kept = [], [], {}
    for name, path in paths.items():
        place = f"{ORIGINAL}/{name}"
        opened = partial(sources.open_declared, path, place)
        sha256, size_bytes = _digest(opened, sources.step)
        refs.append(FileRef(path=file_path(sources.step, place), sha256=sha256, size_bytes=size_bytes))
        originals.append(Original(name, size_bytes, opened))
        kept[place] = Kept(opened)
    value, lines = looked_through(args.form, originals, refs, file_path(sources.step, RECEIVED_FILE))
    return Derived(value, {**kept, RECEIVED_FILE: lines})


def looked_through(
    form: Form, originals: Sequence[Original], refs: Sequence[FileRef], path: str
) -> tuple[ReceivedValue, list[bytes]]:
    """The value and the lines that originals give. Raises as `read`."""
    found: Found = _reader(form)(originals)
    return received(form, found, refs, path)


def _reader(form: Form) -> Reader:
    match form:
        case "inspect":
            from awo.derive.received.inspect_log import read_inspect

            return read_inspect
        case "promptfoo":
            from awo.derive.received.promptfoo import read_promptfoo

            return read_promptfoo
        case "awo-1x":
            from awo.derive.received.awo_1x import read_awo_1x

            return read_awo_1x
        case _:
            assert_never(form)


def _paths(args: ReceiveArgs, sources: Sources) -> Mapping[str, str]:
    """The declared paths by the name that each original gets."""
    if args.file is not UNSET:
        return {args.file.rpartition("/")[2]: args.file}
    assert args.files is not UNSET
    found = sources.files_matching(args.files)
    if not found:
        raise not_this_form("the folder has no files", where=args.files, expected="the folder of a run of AWO 1.x")
    if len(found) > MOST_FILES:
        raise _too_large(sources.step, f"at most {MOST_FILES} files", str(len(found)))
    top = args.files.partition(ANY_FOLDERS)[0].rpartition("/")[0]
    cut = len(top) + 1 if top else 0
    return {path[cut:]: path for path in found}


def _digest(opened: Callable[[], BinaryIO], step: str) -> tuple[str, int]:
    hasher, size_bytes = sha256_running(), 0
    with opened() as stream:
        while piece := stream.read(PIECE_BYTES):
            hasher.update(piece)
            size_bytes += len(piece)
            if size_bytes > LARGEST_ORIGINAL_BYTES:
                raise _too_large(step, f"at most {LARGEST_ORIGINAL_BYTES} bytes", "more")
    return hasher.hexdigest(), size_bytes


def _too_large(step: str, expected: str, got: str) -> StepFailed:
    return StepFailed(
        "what was received is more than is read",
        code="received_size",
        where=f"step {step}",
        expected=expected,
        got=got,
        is_final=True,
    )


DERIVATION = Derivation(
    name=RECEIVE,
    summary="Keeps a file that others made, and lists the answers in it: received, not witnessed.",
    args=ReceiveArgs,
    compute=read,
    is_heavy=True,
    reads_lines=False,
)
