"""The packages behind the vectors: four good ones, and for each check one that fails it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.vectors.builder import (
    DECIDER_LINE,
    OPERATOR,
    OPERATOR_ID,
    RUN_ID,
    SEALER_LINE,
    Package,
    gzip_of,
    member,
    step,
    tar_of,
)
from tests.vectors.record import sha256

from awo.canon.json import encode_sorted, pretty
from awo.evidence import events as ev
from awo.evidence import layout
from awo.evidence.gates import ChecklistItem
from awo.evidence.records import InputFile, StepRecord

GREET, GATE, SAVE = "greet", "review", "save"
CHECKLIST, QUESTIONS = "checklist.md", "checklist.json"
NAME, TEXT = "greeting.txt", "good day\n"

NOT_FOLLOWED = ("EP-5.1", "EP-5.2", "EP-5.4")
"""What is not checked when the journal cannot be followed to its end."""


@dataclass(frozen=True, slots=True)
class Vector:
    """A package and what the judge must say. `bundle` is given instead of a folder where it is not empty.

    `failed` and `not_checked` are the ids with that verdict beside those that are never checked;
    `where` is the place that the first finding of the first of them names. `trust` and `policy` are the reader's own
    list of signers and awo.toml, `ledger_keys` the ledgers and witnesses that they believe (verifier keys), and
    `witnesses` how many of these must have signed, `roots` the authorities of time stamps (certificates in PEM).
    """

    package: Package
    exit_code: int
    failed: tuple[str, ...] = ()
    not_checked: tuple[str, ...] = ()
    where: str = ""
    bundle: bytes = b""
    trust: str = f"{SEALER_LINE}\n{DECIDER_LINE}\n"
    policy: str = ""
    ledger_keys: str = ""
    witnesses: int = 0
    roots: str = ""
    require: tuple[str, ...] = field(default=("authority",))


def saving(*needs: str) -> StepRecord:
    """The step that writes the greeting."""
    return step(SAVE, "write_text", *needs, path=NAME, text=TEXT)


def completed(*, call: str = "0", extra: Mapping[str, bytes] | None = None) -> Package:
    """A run without a gate, not yet sealed."""
    package = Package([step(GREET, "llm_map", prompt="good day"), saving(GREET)])
    package.start(GREET)
    package.ask(GREET, "good day", call=call)
    package.finish(GREET, package.answer_of(GREET))
    package.start(SAVE)
    package.write_text(SAVE, NAME, TEXT)
    package.end("completed")
    package.files |= extra or {}
    return package


def at_gate(save: StepRecord | None = None, asks: Mapping[str, Any] | None = None, **how: Any) -> Package:
    """A run whose gate is open and asks for this; `save` is the step after it, if it is not to write the greeting."""
    asks = asks or {}
    args = {"checklist": QUESTIONS if "checklist" in asks else CHECKLIST} | (
        {"blind": True} if asks.get("panel") else {}
    )
    steps = [step(GREET, "llm_map"), step(GATE, "audit_gate", GREET, **args), save or saving(GREET, GATE)]
    if "checklist" in asks:
        how = {"files": [file_of(asks["checklist"])]} | how
    package = Package(steps, **how)
    package.start(GREET)
    package.ask(GREET, "good day")
    package.finish(GREET, package.answer_of(GREET))
    package.open_gate(GATE, **asks)
    return package


def file_of(items: Sequence[ChecklistItem]) -> InputFile:
    """The checklist as it stands in input.json when it asks these questions."""
    rows = []
    for item in items:
        row: dict[str, Any] = {"id": item.id, "text": item.text, "kind": item.kind, "required": item.required}
        row |= {"choices": item.choices} if item.choices else {}
        row |= {"range": [item.lowest or None, item.highest or None]} if item.lowest or item.highest else {}
        rows.append(row | ({"approve_with": item.approve_with or "any"} if item.kind != "text" else {}))
    text = encode_sorted({"items": rows})
    return InputFile(path=QUESTIONS, sha256=sha256(text), size_bytes=len(text), encoding="utf-8", content=text.decode())


def approved(
    how: Mapping[str, Any] | None = None,
    asks: Mapping[str, Any] | None = None,
    *,
    files: Mapping[str, str] | None = None,
    **decision: Any,
) -> Package:
    """A run that was approved and went on to its end with these artifacts, not yet sealed."""
    package = at_gate(step(SAVE, "command", GREET, GATE) if files else None, asks, **(how or {}))
    package.decide(GATE, **decision)
    package.close_gate(GATE, "approved")
    save(package, files)
    return package


def save(package: Package, files: Mapping[str, str] | None = None) -> None:
    """The run goes on behind its gate, to its end."""
    package.event(ev.RunResumed, software=ev.Software(name="awo", version="0"))
    package.start(SAVE)
    if files:
        package.finish(SAVE, {"exit_code": 0}, files)
    else:
        package.write_text(SAVE, NAME, TEXT)
    package.end("approved")


def rejected() -> Package:
    """A run that a person rejected, not yet sealed."""
    package = at_gate()
    package.decide(GATE, "reject", answers=[("polite", "no")])
    package.close_gate(GATE, "rejected")
    package.end("rejected")
    return package


def failed() -> Package:
    """A run with a failed step and its answers, not yet sealed."""
    package = Package([step(GREET, "llm_map"), step(SAVE, "write_text", GREET)])
    package.start(GREET)
    package.ask(GREET, "good day")
    package.ask(GREET, "good night")
    package.fail(GREET)
    package.end("failed")
    return package


def solo() -> Package:
    """A run whose starter approved it alone and said so, not yet sealed."""
    package = approved({"solo": True}, {"solo": True}, who=OPERATOR_ID, key=OPERATOR, solo=True)
    line = DECIDER_LINE.replace("rita", "otto").rpartition("ssh-ed25519")[0] + OPERATOR.key.line
    package.signers = [SEALER_LINE, line]
    package.write_views()
    return package


def good() -> dict[str, Vector]:
    """The vectors that verify."""
    alone = solo()
    return {
        "completed": Vector(completed().freeze(), 0),
        "approved": Vector(approved().freeze(), 0),
        "rejected": Vector(rejected().freeze(), 0),
        "failed": Vector(failed().freeze(), 0),
        "solo": Vector(
            alone.freeze(), 0, trust="".join(f"{line}\n" for line in alone.signers), policy="[gates]\nsolo = true\n"
        ),
        "unsealed": Vector(
            at_gate_written(),
            7,
            not_checked=(
                "EP-1.3",
                "EP-2.1",
                "EP-2.2",
                "EP-2.3",
                "EP-2.4",
                "EP-2.11",
                "EP-3.2",
                "EP-4.1",
                "EP-4.2",
                "EP-4.7",
            ),
            where="audit/seal.json",
        ),
    }


def at_gate_written() -> Package:
    package = at_gate()
    package.write_views()
    return package


def bad() -> dict[str, Vector]:
    """For each check a vector that fails it, by the id."""
    return {id_: make() for id_, make in _BAD.items()}


# --- chapter 1 ---------------------------------------------------------------------------------------------------


def _cut_bundle() -> Vector:
    package = completed().freeze()
    return Vector(
        package, 3, ("EP-1.1",), _ALL_BUT_THE_CONTAINER, "package.tar.gz: report.md", gzip_of(tar_of(package))[:-9]
    )


def _link_in_bundle() -> Vector:
    package = completed().freeze()
    tar = tar_of(package)
    link = bytearray(member(f"{RUN_ID}/outputs/link", b"", package.mtime))
    link[156:157] = b"2"
    link[157:168] = b"/etc/passwd"
    link[148:156] = b" " * 8
    link[148:156] = b"%06o\0 " % sum(link)
    bundle = gzip_of(tar[:-1024] + bytes(link) + tar[-1024:])
    return Vector(package, 3, ("EP-1.2",), _ALL_BUT_THE_CONTAINER, f"package.tar.gz: {RUN_ID}/outputs/link", bundle)


def _without_report() -> Vector:
    package = completed()
    del package.files[layout.REPORT]
    return Vector(package.freeze(), 3, ("EP-1.3",), where=layout.REPORT)


def _status_with_unknown_field() -> Vector:
    package = completed()
    package.put(layout.STATUS, package.files[layout.STATUS].replace(b'"status"', b'"state"'))
    return Vector(package.freeze(), 3, ("EP-1.4",), ("EP-3.3",), layout.STATUS)


def _unknown_kind() -> Vector:
    package = completed()
    package.lines[1] = package.lines[1].replace(b"environment_recorded", b"environment_invented")
    package.write_journal()
    later = (
        "EP-2.5",
        "EP-2.7",
        "EP-2.9",
        "EP-3.1",
        "EP-3.2",
        "EP-3.3",
        "EP-4.3",
        "EP-4.4",
        "EP-4.5",
        "EP-4.6",
        "EP-4.8",
        "EP-4.10",
        "EP-4.11",
        "EP-4.12",
        *NOT_FOLLOWED,
    )
    return Vector(package.freeze(), 3, ("EP-1.5",), later, f"{layout.JOURNAL}:2")


def _response_to_another_call() -> Vector:
    return Vector(completed(call="99").freeze(), 3, ("EP-1.6", "EP-5.1"), where=f"{layout.responses_path(GREET)}:1")


# --- chapter 2 ---------------------------------------------------------------------------------------------------


def _commits_to_other_texts() -> Vector:
    package = completed().freeze(disclosure_sha256=sha256(b"other texts"))
    return Vector(package, 3, ("EP-2.11",), where=layout.SEAL)


def _another_list() -> Vector:
    package = completed().freeze()
    lines = package.files[layout.SUMS].splitlines(keepends=True)
    package.files[layout.SUMS] = b"".join(line for line in lines if not line.endswith(b"report.md\n"))
    return Vector(package, 3, ("EP-2.1", "EP-2.3", "EP-2.11"), where=layout.SUMS)


def _altered_report() -> Vector:
    package = completed().freeze()
    package.files[layout.REPORT] = b"# A better greeting\n"
    return Vector(package, 3, ("EP-2.2",), where=layout.REPORT)


def _added_file() -> Vector:
    package = completed().freeze()
    package.files["audit/note.txt"] = b"trust me\n"
    return Vector(package, 3, ("EP-2.3",), where="audit/note.txt")


def _another_journal() -> Vector:
    package = completed()
    checkpoint = package.checkpoint()
    shorter = ev.Checkpoint(size=checkpoint.size - 1, root=checkpoint.root)
    return Vector(package.freeze(checkpoint=shorter), 3, ("EP-2.4",), where=layout.JOURNAL)


def _value_altered_before_the_seal() -> Vector:
    package = completed()
    package.put(layout.value_path(SAVE), pretty({"path": "other.txt"}))
    return Vector(package.freeze(), 3, ("EP-2.5",), ("EP-5.2",), layout.value_path(SAVE))


def _response_altered_before_the_seal() -> Vector:
    package = failed()
    path = layout.responses_path(GREET)
    package.put(path, package.files[path].replace(b"good night", b"good grief"))
    return Vector(package.freeze(), 3, ("EP-2.6",), where=f"{path}:2")


def _unrecorded_output() -> Vector:
    package = completed(extra={"outputs/save/files/second.txt": b"nobody wrote this\n"})
    return Vector(package.freeze(), 3, ("EP-2.7",), where="outputs/save/files/second.txt")


def _another_checklist() -> Vector:
    package = completed()
    changed = package.files[layout.INPUT].replace(b"polite", b"brief!")
    ref = ev.FileRef(path=layout.INPUT, sha256=package.put(layout.INPUT, changed).sha256, size_bytes=len(changed))
    started = ev.decode(package.lines[0], 0)
    assert isinstance(started, ev.RunStarted)
    fields = {name: getattr(started, name) for name in started.__struct_fields__}
    package.lines[0] = encode_sorted(ev.RunStarted(**(fields | {"input": ref})))
    package.write_views()
    return Vector(package.freeze(), 3, ("EP-2.8",), where=layout.INPUT)


# --- chapter 3 ---------------------------------------------------------------------------------------------------


def _step_finished_twice() -> Vector:
    package = Package([step(SAVE)])
    package.start(SAVE)
    package.finish(SAVE, {"path": "greeting.txt"})
    package.finish(SAVE, {"path": "greeting.txt"})
    package.end("completed")
    return Vector(package.freeze(), 3, ("EP-3.1",), ("EP-3.3", *NOT_FOLLOWED), where=f"{layout.JOURNAL}:5")


def _another_outcome() -> Vector:
    return Vector(completed().freeze(outcome="approved"), 3, ("EP-3.2",), where=layout.SEAL)


def _another_status() -> Vector:
    package = completed()
    package.put(layout.STATUS, package.files[layout.STATUS].replace(b"not_required", b"approved"))
    return Vector(package.freeze(), 3, ("EP-3.3",), where=layout.STATUS)


# --- chapter 4 ---------------------------------------------------------------------------------------------------


def _seal_signed_for_another_purpose() -> Vector:
    where = f"{layout.SEAL} with {layout.SEAL_SIGNATURE}"
    return Vector(completed().freeze(namespace="file"), 3, ("EP-4.1",), ("EP-4.2", "EP-4.7"), where)


def _sealer_not_named() -> Vector:
    package = completed()
    package.signers = [DECIDER_LINE]
    package.write_views()
    return Vector(package.freeze(), 3, ("EP-4.2",), where=layout.SEAL)


def _sealer_not_trusted() -> Vector:
    return Vector(completed().freeze(), 7, (), ("EP-4.7",), layout.SEAL, trust=f"{DECIDER_LINE}\n")


_ALL_BUT_THE_CONTAINER = (
    *(f"EP-1.{number}" for number in range(3, 9)),
    *(f"EP-2.{number}" for number in range(1, 12)),
    *(f"EP-3.{number}" for number in range(1, 4)),
    *(f"EP-4.{number}" for number in range(1, 14)),
    *(f"EP-5.{number}" for number in range(1, 5)),
)

_BAD: dict[str, Callable[[], Vector]] = {
    "EP-1.1": _cut_bundle,
    "EP-1.2": _link_in_bundle,
    "EP-1.3": _without_report,
    "EP-1.4": _status_with_unknown_field,
    "EP-1.5": _unknown_kind,
    "EP-1.6": _response_to_another_call,
    "EP-2.1": _another_list,
    "EP-2.11": _commits_to_other_texts,
    "EP-2.2": _altered_report,
    "EP-2.3": _added_file,
    "EP-2.4": _another_journal,
    "EP-2.5": _value_altered_before_the_seal,
    "EP-2.6": _response_altered_before_the_seal,
    "EP-2.7": _unrecorded_output,
    "EP-2.8": _another_checklist,
    "EP-3.1": _step_finished_twice,
    "EP-3.2": _another_outcome,
    "EP-3.3": _another_status,
    "EP-4.1": _seal_signed_for_another_purpose,
    "EP-4.2": _sealer_not_named,
    "EP-4.7": _sealer_not_trusted,
}
