"""The proofs among the vectors, each with what the judge must say of it; paths are made by definition (RFC 6962)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.vectors import stories
from tests.vectors.builder import OPERATOR, OPERATOR_ID, SEALER_LINE, STRANGER, STRANGER_ID, Package
from tests.vectors.fan_out import greeted

from awo.evidence import events as ev
from awo.evidence import layout
from awo.sign.allowed_signers import line_for

TRUST = f"{SEALER_LINE}\n"
"""Whom the reader of every proof believes."""


@dataclass(frozen=True, slots=True)
class Proof:
    """The bytes of a proof, and what the judge must say when `authority` is required: the ids that fail and those that
    cannot be checked, and the place that the first finding of the first of them names."""

    data: bytes
    failed: tuple[str, ...] = ()
    not_checked: tuple[str, ...] = ()
    where: str = ""

    @property
    def expected(self) -> dict[str, Any]:
        """The verdict as `expected.json` has it."""
        return {
            "exit_code": 3 if self.failed else 7 if self.not_checked else 0,
            "failed": list(self.failed),
            "not_checked": list(self.not_checked),
            "where": self.where,
        }


def proofs() -> dict[str, Proof]:
    """Every proof by its name: `good/NAME` or `bad/ID`."""
    good = {f"good/{name}": Proof(spelled(value)) for name, value in _good().items()}
    return good | {f"bad/{name}": one for name, one in _bad().items()}


def spelled(value: Any) -> bytes:
    """Canonical JSON of plain ASCII values."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


# --- Merkle trees by their definition ---------------------------------------------------------------------


def _hash(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _root(lines: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962 section 2.1."""
    if len(lines) < 2:
        return _hash(b"\x00" + lines[0]) if lines else _hash(b"")
    half = _half(len(lines))
    return _hash(b"\x01" + _root(lines[:half]) + _root(lines[half:]))


def _half(count: int) -> int:
    return 1 << ((count - 1).bit_length() - 1)


def _inclusion(place: int, lines: Sequence[bytes]) -> list[bytes]:
    """PATH of section 2.1.1."""
    if len(lines) == 1:
        return []
    half = _half(len(lines))
    if place < half:
        return [*_inclusion(place, lines[:half]), _root(lines[half:])]
    return [*_inclusion(place - half, lines[half:]), _root(lines[:half])]


def _consistency(first: int, lines: Sequence[bytes], *, is_whole: bool = True) -> list[bytes]:
    """SUBPROOF of section 2.1.2."""
    if first == len(lines):
        return [] if is_whole else [_root(lines)]
    half = _half(len(lines))
    if first <= half:
        return [*_consistency(first, lines[:half], is_whole=is_whole), _root(lines[half:])]
    return [*_consistency(first - half, lines[half:], is_whole=False), _root(lines[:half])]


# --- proofs of a package ----------------------------------------------------------------------------------


def _sealed(package: Package, line: str = SEALER_LINE) -> dict[str, str]:
    texts = {"seal": package.files[layout.SEAL], "signature": package.files[layout.SEAL_SIGNATURE]}
    return {name: data.decode() for name, data in texts.items()} | {"allowed_signers": f"{line}\n"}


def of_event(package: Package, seq: int, line: str = SEALER_LINE) -> dict[str, Any]:
    """A proof of an event alone."""
    path = [one.hex() for one in _inclusion(seq, package.lines)]
    assert package.seal is not None
    return {
        "format": "awo/proof/v1",
        "run_id": package.seal.run_id,
        "record": None,
        "event": {"seq": seq, "text": package.lines[seq].decode(), "path": path},
        "sealed": _sealed(package, line),
    }


def of_line(package: Package, step: str, number: int) -> dict[str, Any]:
    """A proof of a line of responses."""
    kinds = ("call_answered", "response_reused")
    events = [json.loads(line) for line in package.lines]
    seq = next(
        place
        for place, event in enumerate(events)
        if event.get("kind") in kinds and (event["step"], event["line"]) == (step, number)
    )
    path = layout.responses_path(step)
    text = package.files[path].split(b"\n")[number].decode()
    return of_event(package, seq) | {"record": {"path": path, "line": number, "text": text}}


def of_state(package: Package, first: int) -> dict[str, Any]:
    """A proof that the sealed journal goes on from its first events."""
    assert package.seal is not None
    path = _consistency(first, package.lines) if first else []
    return {
        "format": "awo/consistency/v1",
        "run_id": package.seal.run_id,
        "first": {"size": first, "root": _root(package.lines[:first]).hex()},
        "path": [one.hex() for one in path],
        "sealed": _sealed(package),
    }


def _good() -> dict[str, Any]:
    plain, judged, wide = stories.completed().freeze(), stories.approved().freeze(), greeted().freeze()
    opened = next(n for n, line in enumerate(judged.lines) if b'"kind":"gate_opened"' in line)
    return {
        "record": of_line(plain, stories.GREET, 0),
        "record-of-fan-out": of_line(wide, stories.GREET, 1),
        "record-used-again": of_line(wide, stories.GREET, 2),
        "event": of_event(plain, len(plain.lines) - 1),
        "first-event": of_event(plain, 0),
        "from-gate": of_state(judged, opened + 1),
        "from-nothing": of_state(plain, 0),
        "from-power-of-two": of_state(wide, 16),
        "from-the-end": of_state(plain, len(plain.lines)),
    }


# --- and what is wrong with others ------------------------------------------------------------------------


def _changed(value: Any, change: Callable[[Any], None]) -> bytes:
    copy = json.loads(json.dumps(value))
    change(copy)
    return spelled(copy)


def _set(*place: Any) -> Callable[[Any], None]:
    """Sets what the last but one of `place` names, in the objects that those before name, to the last."""

    def change(value: Any) -> None:
        for name in place[:-2]:
            value = value[name]
        value[place[-2]] = place[-1]

    return change


def _bad() -> dict[str, Proof]:
    package = stories.completed().freeze()
    line = of_line(package, stories.GREET, 0)
    return _misshapen(package, line) | _of_records(package, line) | _of_states(package) | _of_seals(package)


def _misshapen(package: Package, line: Any) -> dict[str, Proof]:
    seal = line["sealed"]["seal"]
    wrong = {
        "PR-1": json.dumps(line, indent=2, sort_keys=True).encode(),
        "PR-1-format": _changed(line, _set("format", "awo/proof/v2")),
        "PR-1-key": _changed(line, _set("note", "")),
        "PR-1-newline": spelled(line) + b"\n",
        "PR-1-bundle": b"{",
        "PR-1-digest": _changed(line, _set("event", "path", 0, "00")),
    }
    found = {name: Proof(data, ("PR-1",)) for name, data in wrong.items()}
    run = "run_2026-01-02T03-04-06Z"
    found["PR-1-run"] = Proof(_changed(line, _set("run_id", run)), ("PR-1",), where="run_id")
    spaced = _set("sealed", "seal", seal.replace(",", ", ", 1))
    found["PR-1-seal"] = Proof(_changed(line, spaced), ("PR-1",), where="sealed.seal")
    armor = line["sealed"]["signature"].replace("\n", "\r\n")
    found["PR-1-armor"] = Proof(_changed(line, _set("sealed", "signature", armor)), ("PR-1",), where="sealed.signature")
    never = stories.completed().freeze(at="2026-13-02T03:04:05.000000Z")
    found["PR-1-time"] = Proof(spelled(of_event(never, 0)), ("PR-1",), where="sealed.seal")
    return found


def _of_records(package: Package, line: Any) -> dict[str, Proof]:
    text, place = line["record"]["text"], line["event"]["path"]
    other = _set("record", "text", text.replace("good day", "good bye"))
    no_response = of_event(package, 0) | {"record": line["record"]}
    strange = stories.completed()
    strange.lines.append(b'{"kind":"nothing"}')
    strange.freeze()
    spaced = _changed(line, _set("event", "text", line["event"]["text"].replace(":", ": ", 1)))
    outside = _changed(line, _set("event", "seq", len(package.lines)))
    return {
        "PR-2": Proof(_changed(line, other), ("PR-2",), where="record: sha256"),
        "PR-2-line": Proof(_changed(line, _set("record", "line", 1)), ("PR-2",), where="record: line"),
        "PR-2-path": Proof(
            _changed(line, _set("record", "path", "outputs/save/responses.jsonl")), ("PR-2",), where="record: path"
        ),
        "PR-2-kind": Proof(spelled(no_response), ("PR-2",), where="record"),
        "PR-3": Proof(spelled(of_event(strange, len(strange.lines) - 1)), ("PR-3",), where="event"),
        "PR-3-seq": Proof(_changed(line, _set("event", "seq", 1)), ("PR-3", "PR-4"), where="event"),
        "PR-3-spelling": Proof(spaced, ("PR-3", "PR-4"), ("PR-2",), where="event"),
        "PR-4": Proof(_changed(line, _set("event", "path", 1, "00" * 32)), ("PR-4",), where="event"),
        "PR-4-long": Proof(_changed(line, _set("event", "path", [*place, "00" * 32])), ("PR-4",), where="event"),
        "PR-4-short": Proof(_changed(line, _set("event", "path", place[:-1])), ("PR-4",), where="event"),
        "PR-3-outside": Proof(outside, ("PR-3", "PR-4"), where="event"),
    }


def _of_states(package: Package) -> dict[str, Proof]:
    state, count = of_state(package, 5), len(package.lines)
    whole, nothing = of_state(package, count), of_state(package, 0)
    wrong = {
        "PR-5": _changed(state, _set("first", "root", "00" * 32)),
        "PR-5-size": _changed(state, _set("first", "size", 6)),
        "PR-5-larger": _changed(state, _set("first", "size", count + 1)),
        "PR-5-short": _changed(state, _set("path", state["path"][:-1])),
        "PR-5-whole": _changed(whole, _set("first", "root", "00" * 32)),
        "PR-5-nothing": _changed(nothing, _set("first", "root", "00" * 32)),
        "PR-5-path-of-nothing": _changed(nothing, _set("path", ["00" * 32])),
    }
    found = {name: Proof(data, ("PR-5",), where="first") for name, data in wrong.items()}
    found["PR-5-path"] = Proof(_changed(state, _set("path", -1, "00" * 32)), ("PR-5",), where="sealed.seal")
    return found


def _of_seals(package: Package) -> dict[str, Proof]:
    line = of_line(package, stories.GREET, 0)
    later = line["sealed"]["seal"].replace("2026-01-02T03:", "2026-01-02T04:", 1)
    elsewhere = of_line(stories.completed().freeze(namespace="awo-decision"), stories.GREET, 0)

    def unsigned(data: bytes) -> Proof:
        return Proof(data, ("PR-6",), ("PR-7", "PR-8"), where="sealed.seal")

    stranger = stories.completed().freeze()
    stranger.files[layout.SEAL_SIGNATURE] = STRANGER.sign(stranger.files[layout.SEAL], "awo-seal")
    own = line_for(OPERATOR_ID, STRANGER.key, ["awo-seal"])
    vouched = stories.completed()
    vouched.starter = ev.Starter(id=STRANGER_ID, key=OPERATOR.key.fingerprint)
    vouched.freeze()
    known = line_for(STRANGER_ID, OPERATOR.key, ["awo-seal"])
    where = "sealed.allowed_signers"
    return {
        "PR-6": unsigned(_changed(line, _set("sealed", "seal", later))),
        "PR-6-namespace": unsigned(spelled(elsewhere)),
        "PR-6-key": unsigned(spelled(of_event(stranger, 0, own))),
        "PR-7": Proof(
            _changed(line, _set("sealed", "allowed_signers", f"{SEALER_LINE} mine\n")), ("PR-7",), where=where
        ),
        "PR-7-newline": Proof(_changed(line, _set("sealed", "allowed_signers", SEALER_LINE)), ("PR-7",), where=where),
        "PR-8": Proof(spelled(of_event(vouched, 0, known)), not_checked=("PR-8",), where="sealed.seal"),
    }
