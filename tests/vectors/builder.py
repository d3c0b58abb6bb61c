"""Builds packages from the shapes alone, in memory: the whole working opposite of the judge, without the engine."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.vectors.record import PARAMS, SEED, Record, sha256

from awo.canon import time
from awo.canon.json import canonical, pretty
from awo.canon.ustar import END, Header, padding, write_header
from awo.derive.views import metadata_text
from awo.evidence import events as ev
from awo.evidence import layout
from awo.evidence.gates import Answer, Authority, ChecklistItem, Decision, GateRequest, Need, Signer
from awo.evidence.merkle import MerkleTree
from awo.evidence.records import (
    GateStatus,
    InputFile,
    InputRecord,
    RetryRecord,
    Seal,
    StatusView,
    StepRecord,
    json_object,
)
from awo.gate.project import DEFAULT_RULES
from awo.lifecycle.chronicle import Chronicle
from awo.sign.allowed_signers import line_for
from awo.sign.key_file import KeyFileSigner
from awo.sign.sshkeys import PublicKey

RUN_ID = "run_2026-01-02T03-04-05Z"
SOFTWARE = ev.Software(name="awo", version="0")

FIRST = (layout.SEAL, layout.SEAL_SIGNATURE, layout.SUMS, layout.INPUT, layout.JOURNAL)
"""The order of a bundle, said again here so that the judge's own list is tested."""


def signer(name: str) -> KeyFileSigner:
    """A key that is the same on every machine and worth nothing."""
    private = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"awo test key of " + name.encode()).digest())
    line = private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    return KeyFileSigner(PublicKey.parse(line, where=name), "not proved", private)


OPERATOR, REVIEWER, STRANGER = signer("operator"), signer("reviewer"), signer("stranger")
OPERATOR_ID, REVIEWER_ID, STRANGER_ID = "otto@example.org", "rita@example.org", "stan@example.org"
SEALER_LINE = line_for(OPERATOR_ID, OPERATOR.key, ["awo-seal"])
DECIDER_LINE = line_for(REVIEWER_ID, REVIEWER.key, ["awo-decision"])


def step(id_: str, op: str = "command", *needs: str, **args: Any) -> StepRecord:
    """A step without condition, retry or time limit. One that asks a question asks it as the stories answer it."""
    if op in ("llm_map", "fanout_generate"):
        args = {"prompt": "good day", "params": {**PARAMS, "seed": SEED}} | args
    retries = RetryRecord(max=0, delay_s=0)
    return StepRecord(id=id_, op=op, args=json_object(args), needs=tuple(needs), when="", retries=retries, timeout_s=0)


class Package(Record):
    """A run that grows event by event, from its input.json to its seal. `plan` has fields of input.json."""

    def __init__(
        self, steps: Sequence[StepRecord], *, starter: str = OPERATOR_ID, solo: bool = False, **plan: Any
    ) -> None:
        super().__init__()
        self.starter = ev.Starter(id=starter, key=OPERATOR.key.fingerprint)
        self.gates: list[GateStatus] = []
        self.signers = [SEALER_LINE, DECIDER_LINE]
        self.outcome = ""
        self.seal: Seal | None = None
        self._decisions = 0
        self._named: dict[str, ev.FileRef] = {}
        self._shown: list[ev.FileRef] = []
        self._checkpoint = ev.Checkpoint(size=0, root="0" * 64)
        text = b"- [ ] The greeting is polite\n"
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

    def start(self, id_: str, attempt: int = 1) -> None:
        """An attempt of a step begins."""
        self.event(ev.StepStarted, step=id_, attempt=attempt)

    def finish(self, id_: str, value: Any, files: Mapping[str, str] | None = None, attempt: int = 1) -> None:
        """The step is done with this value and these artifacts."""
        refs = [self.put(layout.file_path(id_, name), text.encode()) for name, text in (files or {}).items()]
        lines = (layout.responses_path(id_), layout.items_path(id_))
        refs += [self.put(path, self.files[path]) for path in lines if path in self.files]
        refs.sort(key=lambda ref: ref.path)
        done = self.put(layout.value_path(id_), pretty(value))
        self._named |= {ref.path: ref for ref in (done, *refs)}
        self.event(ev.StepFinished, step=id_, attempt=attempt, value=done, files=refs)

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

    # --- gates ---------------------------------------------------------------------------------------------

    def open_gate(self, id_: str, count: int = 1) -> None:
        request = GateRequest(
            format="awo/gate-request/v1",
            gate=id_,
            checklist=[ChecklistItem(id="polite", text="The greeting is polite", kind="yes_no", required=True)],
            needs=[Need(role="reviewer", count=count)],
            rules=DEFAULT_RULES,
        )
        self.start(id_)
        ref = self.put(layout.gate_request_path(id_), pretty(request))
        page = self.put(layout.gate_report_path(id_), b"# A greeting, before anybody has decided\n")
        self._shown = sorted([*self._named.values(), ref, page], key=lambda one: one.path)
        self.event(ev.GateOpened, gate=id_, request=ref, files=[page], shows=self._shown)
        self._checkpoint = self.checkpoint()
        self.gates.append(GateStatus(gate=id_, status="pending", decisions=[]))

    def decide(
        self,
        id_: str,
        verdict: Any = "approve",
        *,
        who: str = REVIEWER_ID,
        key: KeyFileSigner = REVIEWER,
        signed_by: KeyFileSigner | None = None,
        checkpoint: ev.Checkpoint | None = None,
        answers: Sequence[tuple[str, str]] = (("polite", "yes"),),
        solo: bool = False,
        **changes: Any,
    ) -> None:
        """A decision at the gate, signed by `key`; the other arguments make it a wrong one."""
        self._decisions += 1
        path = layout.decision_path(self._decisions, id_)
        fields: dict[str, Any] = {
            "format": "awo/decision/v1",
            "run_id": RUN_ID,
            "gate": id_,
            "verdict": verdict,
            "meaning": "approval",
            "signer": Signer(id=who, name="Rita R.", role="reviewer", key=key.key.fingerprint),
            "at": self.now,
            "expires_at": "",
            "presence": "not proved",
            "solo": solo,
            "answers": [Answer(id=item, answer=answer) for item, answer in answers],
            "comment": "" if verdict == "approve" else "not polite enough",
            "required_changes": [],
            "from_step": "",
            "checkpoint": checkpoint or self._checkpoint,
            "shows": self._shown,
        }
        data = canonical(Decision(**(fields | changes)))
        decision = self.put(path, data)
        signature = self.put(layout.signature_path(path), (signed_by or key).sign(data, "awo-decision"))
        authority = self.put(layout.authority_path(path), pretty(self.authority(id_, who, key)))
        self.event(
            ev.DecisionRecorded,
            gate=id_,
            number=self._decisions,
            verdict=verdict,
            signer=who,
            decision=decision,
            signature=signature,
            authority=authority,
            opens=0,
            nonce="",
        )
        gate = self.gates[-1]
        self.gates[-1] = GateStatus(gate=gate.gate, status=gate.status, decisions=[*gate.decisions, path])

    def authority(self, gate: str, who: str, key: KeyFileSigner, **changes: Any) -> Authority:
        """What the project said of a decider."""
        fields: dict[str, Any] = {
            "format": "awo/authority/v1",
            "run_id": RUN_ID,
            "gate": gate,
            "signer": who,
            "at": self.now,
            "name": "Rita R.",
            "roles": ["reviewer"],
            "git": [],
            "lines": [line_for(who, key.key, ["awo-decision"])],
            "policy_sha256": "",
            "reviewers_sha256": sha256(b"reviewers"),
        }
        return Authority(**(fields | changes))

    def close_gate(self, id_: str, verdict: Any) -> None:
        decisions = self.gates[-1].decisions
        self.gates[-1] = GateStatus(gate=id_, status=verdict, decisions=decisions)
        self.event(ev.GateClosed, gate=id_, verdict=verdict)
        if verdict == "approved":
            self.finish(id_, {"verdict": "approved", "decisions": decisions})

    # --- the end -------------------------------------------------------------------------------------------

    def checkpoint(self) -> ev.Checkpoint:
        tree = MerkleTree()
        for line in self.lines:
            tree.append(line)
        return ev.Checkpoint(size=tree.size, root=tree.root().hex())

    def end(self, outcome: Any) -> None:
        """The last event, and the views."""
        self.outcome = outcome
        self.event(ev.RunFinished, outcome=outcome)
        self.write_views()

    def write_views(self) -> None:
        status: Any = self.gates[-1].status if self.gates else "not_required"
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
        digests = {path: sha256(data) for path, data in self.files.items() if path not in layout.NOT_IN_SUMS}
        sums = "".join(f"{digests[path]}  {path}\n" for path in sorted(digests, key=str.encode)).encode()
        self.put(layout.SUMS, sums)
        fields: dict[str, Any] = {
            "format": "awo/seal/v1",
            "run_id": RUN_ID,
            "outcome": self.outcome,
            "checkpoint": self.checkpoint(),
            "sums_sha256": sha256(sums),
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
    rest = sorted((path for path in files if path not in FIRST), key=str.encode)
    return [path for path in FIRST if path in files] + rest


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
