"""Builds packages from the shapes alone, in memory: the whole working opposite of the judge, without the engine."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.vectors.gates import Gates
from tests.vectors.people import (
    DECIDER_LINE,
    OPERATOR,
    OPERATOR_ID,
    REVIEWER,
    REVIEWER_ID,
    SEALER_LINE,
    STRANGER,
    STRANGER_ID,
    signer,
)
from tests.vectors.record import PARAMS, RUN_ID, SEED, sha256

from awo.canon import time
from awo.canon.json import canonical, pretty
from awo.canon.ustar import END, Header, padding, write_header
from awo.derive.views import metadata_text
from awo.errors import EvidenceError
from awo.evidence import events as ev
from awo.evidence import layout
from awo.evidence.disclosure import NodeReader, disclosure_root, opaque_node
from awo.evidence.records import (
    InputFile,
    InputRecord,
    RetryRecord,
    Seal,
    StatusView,
    StepRecord,
    json_object,
)
from awo.lifecycle.chronicle import Chronicle

__all__ = [
    "DECIDER_LINE",
    "OPERATOR",
    "OPERATOR_ID",
    "REVIEWER",
    "REVIEWER_ID",
    "RUN_ID",
    "SEALER_LINE",
    "STRANGER",
    "STRANGER_ID",
    "Package",
    "signer",
    "step",
]

SOFTWARE = ev.Software(name="awo", version="0")

DISCLOSURE = bytes(range(32))
"""The key of every vector, where a run would have 32 random bytes."""

FIRST = (layout.SEAL, layout.SEAL_SIGNATURE, layout.SUMS, layout.DISCLOSURE_KEY, layout.INPUT, layout.JOURNAL)
"""The order of a bundle, said again here so that the judge's own list is tested."""


def step(id_: str, op: str = "command", *needs: str, **args: Any) -> StepRecord:
    """A step without condition, retry or time limit. One that asks a question asks it as the stories answer it."""
    if op in ("llm_map", "fanout_generate"):
        args = {"prompt": "good day", "params": {**PARAMS, "seed": SEED}} | args
    retries = RetryRecord(max=0, delay_s=0)
    return StepRecord(id=id_, op=op, args=json_object(args), needs=tuple(needs), when="", retries=retries, timeout_s=0)


class Package(Gates):
    """A run that grows event by event, from its input.json to its seal. `plan` has fields of input.json."""

    def __init__(
        self, steps: Sequence[StepRecord], *, starter: str = OPERATOR_ID, solo: bool = False, **plan: Any
    ) -> None:
        super().__init__()
        self.starter = ev.Starter(id=starter, key=OPERATOR.key.fingerprint)
        self.signers = [SEALER_LINE, DECIDER_LINE]
        self.outcome = ""
        self.seal: Seal | None = None
        text = b"- [ ] {#polite} The greeting is polite\n"
        checklist = InputFile(
            path="checklist.md", sha256=sha256(text), size_bytes=len(text), encoding="utf-8", content=text.decode()
        )
        usual: dict[str, Any] = {
            "format": "awo/input/v1",
            "name": "greeting",
            "description": "",
            "source": ev.FileRef(path="greeting.yaml", sha256=sha256(b"greeting"), size_bytes=8),
            "seed": SEED,
            "inputs": {},
            "files": [checklist],
            "models": {},
            "default_model": "echo",
            "steps": list(steps),
        }
        self.input = InputRecord(**(usual | plan))
        ref = self.put(layout.INPUT, pretty(self.input))
        self.event(
            ev.RunStarted,
            format="awo/journal/v1",
            run_id=RUN_ID,
            software=SOFTWARE,
            input=ref,
            starter=self.starter,
            supersedes="",
            solo=solo,
        )
        self._named[ref.path] = ref
        self.event(ev.EnvironmentRecorded, environment={"python": {"version": "3.11"}})

    # --- steps ------------------------------------------------------------------------------------------

    def write_text(self, id_: str, name: str, text: str, **changes: Any) -> None:
        """A step `write_text` is done; `changes` go into its value."""
        data = text.encode()
        value = {"path": layout.file_path(id_, name), "sha256": sha256(data), "size_bytes": len(data)}
        self.finish(id_, value | changes, {name: text})

    def fail(self, id_: str, code: str = "missing_text", left: Mapping[str, str] | None = None) -> None:
        """The attempt failed and left files."""
        reason = ev.Reason(code=code, message="the text lacks a word")
        files = {"draft.txt": "half a greet\n"} if left is None else left
        top = layout.attempt_folder(id_, 1)
        refs = [self.put(f"{top}/{name}", text.encode()) for name, text in files.items()]
        self.event(ev.StepFailed, step=id_, attempt=1, reason=reason, retries_left=0, files=refs)

    # --- the end -------------------------------------------------------------------------------------------

    def end(self, outcome: Any) -> None:
        """The last event, and the views."""
        self.outcome = outcome
        self.event(ev.RunFinished, outcome=outcome)
        self.write_views()

    def write_views(self) -> None:
        status: Any = self.gates[-1].status if self.gates else "not_required"
        status = "rejected" if status == "revised" else status
        outcome: Any = self.outcome
        view = StatusView(format="awo/status/v1", run_id=RUN_ID, status=status, outcome=outcome, gates=self.gates)
        self.put(layout.STATUS, pretty(view))
        self.put(layout.METADATA, self._metadata())
        self.put(layout.REPORT, b"# A greeting\n")
        self.put(layout.ALLOWED_SIGNERS, "".join(f"{line}\n" for line in self.signers).encode())
        self.write_journal()

    def _metadata(self) -> bytes:
        chronicle = Chronicle(self.input)
        for number, line in enumerate(self.lines):
            chronicle.add(ev.decode(line, number), line)
        return b"".join(metadata_text(chronicle.facts()))

    def write_journal(self) -> None:
        self.put(layout.JOURNAL, b"".join(line + b"\n" for line in self.lines))

    def freeze(self, *, namespace: str = "awo-seal", **changes: Any) -> Package:
        """SHA256SUMS, the seal and its signature over whatever is there; `changes` go into the seal."""
        self.files.setdefault(layout.DISCLOSURE_KEY, b"%s\n" % DISCLOSURE.hex().encode())
        digests = {path: sha256(data) for path, data in self.files.items() if layout.is_in_sums(path)}
        sums = "".join(f"{digests[path]}  {path}\n" for path in sorted(digests, key=str.encode)).encode()
        self.put(layout.SUMS, sums)
        fields: dict[str, Any] = {
            "format": "awo/seal/v1",
            "run_id": RUN_ID,
            "outcome": self.outcome,
            "checkpoint": self.checkpoint(),
            "sums_sha256": sha256(sums),
            "disclosure_sha256": self.disclosure(digests),
            "at": self.now,
            "software": SOFTWARE,
            "sealer": self.starter,
            "supersedes": "",
        }
        self.seal = Seal(**(fields | changes))
        data = canonical(self.seal)
        self.put(layout.SEAL, data)
        self.put(layout.SEAL_SIGNATURE, OPERATOR.sign(data, namespace))
        return self

    def disclosure(self, digests: Mapping[str, str]) -> str:
        """What the seal commits to for redactions; of a file that is not JSON, as of an opaque one."""
        nodes: list[tuple[str, bytes]] = []
        for path in sorted(digests, key=str.encode):
            if path == layout.DISCLOSURE_KEY:
                continue
            reader = NodeReader(DISCLOSURE, path, 1 << 26)
            try:
                reader.feed(self.files[path])
                nodes.append((path, reader.end(digests[path])))
            except EvidenceError:
                nodes.append((path, opaque_node(DISCLOSURE, path, digests[path])))
        return disclosure_root(nodes)

    def write(self, folder: Path) -> Path:
        """The package as a folder below `folder`."""
        for path, data in self.files.items():
            place = folder / RUN_ID / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
        return folder / RUN_ID

    @property
    def mtime(self) -> int:
        assert self.seal is not None
        return int(time.read(self.seal.at).timestamp())


# --- bundles --------------------------------------------------------------------------------------------------


def in_bundle_order(files: Mapping[str, bytes]) -> list[str]:
    """The paths of a package in the order of a bundle."""
    records = sorted(path for path in files if path.startswith("audit/redactions/"))
    first = [*FIRST[:3], *records, *FIRST[3:5], "input.json.partial", *FIRST[5:]]
    rest = sorted((path for path in files if path not in first), key=str.encode)
    return [path for path in first if path in files] + rest


def member(path: str, data: bytes, mtime: int) -> bytes:
    """One file of an archive: header, content, padding."""
    return write_header(Header(path, len(data), mtime)) + data + bytes(padding(len(data)))


def tar_of(package: Package) -> bytes:
    """The archive of a sealed package, before it is compressed."""
    files = package.files
    members = (member(f"{RUN_ID}/{path}", files[path], package.mtime) for path in in_bundle_order(files))
    return b"".join(members) + END


def gzip_of(data: bytes) -> bytes:
    """One gzip stream with the fixed header of a bundle."""
    deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
    packed = deflate.compress(data) + deflate.flush()
    return bytes.fromhex("1f8b08000000000000ff") + packed + struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)
