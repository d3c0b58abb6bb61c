"""The packages behind the vectors of redaction, by a small writer of their own: from section 9 of the spec alone."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.vectors.builder import DISCLOSURE, RUN_ID, SEALER_LINE, Package, gzip_of, tar_of
from tests.vectors.people import DECIDER_LINE, OPERATOR, OPERATOR_ID, STRANGER
from tests.vectors.record import sha256
from tests.vectors.stories import GATE, GREET, NAME, SAVE, Vector, approved, completed, failed

from awo.evidence import layout
from awo.sign.allowed_signers import line_for
from awo.sign.key_file import KeyFileSigner

REDACTOR_LINE = line_for(OPERATOR_ID, OPERATOR.key, ["awo-redaction"])
TRUST = f"{SEALER_LINE}\n{DECIDER_LINE}\n{REDACTOR_LINE}\n"
RECORD = "audit/redactions/0001.json"
SECOND = "audit/redactions/0002.json"
RESPONSES = layout.responses_path(GREET)
VALUE = layout.value_path(GREET)
WHY = {"kind": "prompt", "reason": "a patient is named"}

ALL = "all"
Hide = Mapping[Any, Any] | Iterable[str] | str
"""What of a file: ALL; of a value file the pointers of what is withheld; of lines, by number, ALL or the keys."""

KEYS = {
    "responses.jsonl": ("messages", "text", "logprobs", "schema_fault", "salt"),
    "items.jsonl": ("item", "row", "value", "reason"),
}


@dataclass(frozen=True)
class Act:
    """One record of redaction. `changes` are fields of it that make it a wrong one, `files` fields of its files."""

    hide: Mapping[str, Hide]
    act: str = "redaction"
    key: KeyFileSigner = OPERATOR
    changes: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def compact(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def salts(path: str, place: str) -> list[bytes]:
    """The four salts of a place (9.1), and zeros."""
    found = hashlib.sha512(DISCLOSURE + path.encode() + b"\0" + place.encode()).digest()
    return [*(found[at : at + 16] for at in range(0, 64, 16)), bytes(16)]


def mark(salt: bytes, value: bytes) -> dict[str, str]:
    return {"withheld": sha256(salt + value)}


def leaf(skeleton: bytes) -> bytes:
    return hashlib.sha256(b"\0" + skeleton).digest()


def tree(leaves: Sequence[bytes]) -> bytes:
    """The root of RFC 6962 section 2.1, as it is defined there."""
    if len(leaves) < 2:
        return leaves[0] if leaves else hashlib.sha256(b"").digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + tree(leaves[:split]) + tree(leaves[split:])).digest()


# --- one file -----------------------------------------------------------------------------------------------------


def cut_value(path: str, data: bytes) -> tuple[Any, dict[str, tuple[bytes, bytes]]]:
    """The skeleton of a value file, and its values with their salts by place."""
    values: dict[str, tuple[bytes, bytes]] = {}

    def cut(inner: Any, place: str) -> Any:
        if isinstance(inner, dict) and inner:
            return {key: cut(one, f"{place}/{key.replace('~', '~0').replace('/', '~1')}") for key, one in inner.items()}
        if isinstance(inner, list) and inner:
            return [cut(one, f"{place}/{number}") for number, one in enumerate(inner)]
        if isinstance(inner, (dict, list)):
            return inner
        values[place] = (salts(path, place)[0], compact(inner))
        return mark(*values[place])

    return cut(json.loads(data), ""), values


def cut_line(path: str, number: int, line: bytes) -> tuple[Any, dict[str, tuple[bytes, bytes]]]:
    """The skeleton of a line, and its values with their salts by place."""
    names = KEYS.get(path.rpartition("/")[2]) if path.count("/") == 2 else None
    if names is None:
        value = (salts(path, str(number))[0], line)
        return mark(*value), {"": value}
    skeleton, values = json.loads(line), {}
    for name, salt in zip(names, salts(path, str(number)), strict=False):
        if skeleton.get(name) not in (None, "", {}, []):
            values[f"/{name}"] = (salt, compact(skeleton[name]))
            skeleton[name] = mark(*values[f"/{name}"])
    return skeleton, values


def in_part(cut: tuple[Any, dict[str, tuple[bytes, bytes]]], hide: Hide) -> tuple[bytes, int]:
    """What is shown of a line or a value file where this is withheld, and how many values of it are."""
    skeleton, values = cut
    if hide == ALL:
        return compact({"leaf": leaf(compact(skeleton)).hex(), "shown": {}, "skeleton": ""}) + b"\n", len(values)
    hidden = [place for place in values if any(f"{place}/".startswith(f"{one}/") for one in hide)]
    if hidden and "/salt" in values:
        hidden.append("/salt")
    shown = {
        place: {"json": value.decode(), "salt": salt.hex()}
        for place, (salt, value) in values.items()
        if place not in hidden
    }
    return compact({"leaf": "", "shown": shown, "skeleton": compact(skeleton).decode()}) + b"\n", len(hidden)


def form_of(path: str) -> str:
    name, is_own = path.rpartition("/")[2], path.startswith("outputs/") and path.count("/") == 2
    if path == layout.INPUT or (is_own and name == "output.json"):
        return "value"
    return "lines" if path.startswith("outputs/") and path.endswith(".jsonl") else "opaque"


def node_of(path: str, data: bytes) -> bytes:
    form = form_of(path)
    if form == "value":
        return leaf(compact(cut_value(path, data)[0]))
    if form == "lines":
        lines = enumerate(data.removesuffix(b"\n").split(b"\n") if data else [])
        return tree([leaf(compact(cut_line(path, number, line)[0])) for number, line in lines])
    return leaf(compact(mark(salts(path, "")[0], sha256(data).encode())))


def shown_in_part(path: str, data: bytes, hide: Hide) -> tuple[bytes, int]:
    """The `.partial` file, and how many values or lines of it are withheld."""
    if form_of(path) == "value":
        return in_part(cut_value(path, data), hide)
    assert isinstance(hide, Mapping)
    made, count = b"", 0
    for number, line in enumerate(data.removesuffix(b"\n").split(b"\n")):
        text, hidden = in_part(cut_line(path, number, line), hide.get(number, ()))
        made, count = made + text, count + bool(hidden or hide.get(number) == ALL)
    return made, count


def count_of(path: str, data: bytes) -> int:
    form = form_of(path)
    return len(cut_value(path, data)[1]) if form == "value" else data.count(b"\n") if form == "lines" else 1


# --- a package ----------------------------------------------------------------------------------------------------


def redacted(package: Package, *acts: Act) -> Package:
    """The sealed package after these acts, each of which names all that is withheld then."""
    found, previous = copy.copy(package), ""
    found.files = dict(package.files)
    del found.files[layout.DISCLOSURE_KEY]
    for number, act in enumerate(acts, start=1):
        path = f"audit/redactions/{number:04d}.json"
        data = compact(record_of(package, act, number, previous))
        found.files[path], previous = data, sha256(data)
        found.files[f"{path}.sig"] = act.key.sign(data, "awo-redaction")
    for path, hide in acts[-1].hide.items():
        data = found.files.pop(path)
        if hide != ALL:
            found.files[f"{path}.partial"] = shown_in_part(path, data, hide)[0]
    return found


def record_of(package: Package, act: Act, number: int, previous: str) -> dict[str, Any]:
    listed = [line[66:] for line in package.files[layout.SUMS].decode().splitlines()]
    files = []
    for path in listed:
        if path == layout.DISCLOSURE_KEY:
            continue
        data, hide = package.files[path], act.hide.get(path)
        state = "shown" if hide is None else "withheld" if hide == ALL else "partial"
        count = 0 if hide is None else count_of(path, data) if hide == ALL else shown_in_part(path, data, hide)[1]
        one = {
            "path": path,
            "state": state,
            "node": node_of(path, data).hex(),
            "size_bytes": len(data),
            "withheld": count,
            "kind": WHY["kind"] if hide is not None else "",
            "reason": WHY["reason"] if hide is not None else "",
        }
        files.append(one | dict(act.files.get(path, {})))
    return {
        "format": "awo/redaction/v1",
        "run_id": RUN_ID,
        "number": number,
        "act": act.act,
        "seal_sha256": sha256(package.files[layout.SEAL]),
        "previous_sha256": previous,
        "at": package.now,
        "signer": {"id": OPERATOR_ID, "key": OPERATOR.key.fingerprint},
        "reason": "published without what names a patient",
        "policy_sha256": "",
        "files": files,
        "scanned_by": "",
        "waivers": [],
    } | dict(act.changes)


# --- the stories --------------------------------------------------------------------------------------------------

PROMPTS: Mapping[str, Hide] = {
    RESPONSES: {0: ["/messages", "/text"]},
    VALUE: ["/text"],
    layout.REPORT: ALL,
}
"""What a usual redaction withholds: prompts and answers wherever they stand."""

IN_INPUT: Mapping[str, Hide] = {
    layout.INPUT: ["/name", "/description", "/files/0/content", "/steps/0/args/prompt", "/seed", "/source/path"],
}
PEOPLE: Mapping[str, Hide] = {
    layout.ALLOWED_SIGNERS: ALL,
    **dict.fromkeys((layout.decision_path(1, GATE), f"{layout.decision_path(1, GATE)}.sig"), ALL),
    layout.authority_path(layout.decision_path(1, GATE)): ALL,
}
NOT_DERIVED = ("EP-5.1", "EP-5.2", "EP-5.3", "EP-5.4")
OF_RESPONSES = ("EP-1.6", "EP-2.6", *NOT_DERIVED)


def usual(*, run: Callable[[], Package] = approved, hide: Mapping[str, Hide] = PROMPTS, **how: Any) -> Package:
    """A run of which prompts and answers are withheld; `how` makes its record a wrong one."""
    return redacted(run().freeze(), Act(hide, **how))


def two_lines(hide: Hide, **how: Any) -> Package:
    """A failed run with two answers, of which this is withheld."""
    return usual(run=failed, hide={RESPONSES: hide}, **how)


def good() -> dict[str, Vector]:
    """The vectors that verify."""
    twice = redacted(approved().freeze(), Act(PROMPTS), Act({**PROMPTS, RESPONSES: ALL}, act="erasure"))
    everything = {path: ALL for path in completed().files if path.startswith("outputs/")}
    erased = everything | {layout.INPUT: ALL, layout.REPORT: ALL, layout.METADATA: ALL}
    unplanned = ("EP-1.6", "EP-1.8", "EP-2.6", "EP-2.8", "EP-2.10", "EP-3.1", "EP-3.3", "EP-4.9", *NOT_DERIVED)
    return {
        "redacted": vector(usual(), not_checked=OF_RESPONSES, where=RESPONSES),
        "redacted-input": vector(
            usual(hide=IN_INPUT), not_checked=("EP-2.8", "EP-4.11", *NOT_DERIVED), where=layout.INPUT, require=()
        ),
        "redacted-people": vector(
            usual(hide=PEOPLE),
            not_checked=("EP-4.2", "EP-4.3", "EP-4.4", "EP-4.5", "EP-4.6", "EP-4.8", "EP-4.10", "EP-4.11", "EP-4.12"),
            where=layout.ALLOWED_SIGNERS,
            require=(),
        ),
        "redacted-twice": vector(twice, not_checked=OF_RESPONSES, where=RESPONSES, bundle=gzip_of(tar_of(twice))),
        "erased": vector(
            usual(run=completed, hide=erased, act="erasure"), not_checked=unplanned, where=RESPONSES, require=()
        ),
    }


def vector(package: Package, exit_code: int = 0, failed: tuple[str, ...] = (), **how: Any) -> Vector:
    return Vector(package, exit_code, failed, **({"trust": TRUST} | how))


def bad() -> dict[str, Vector]:
    """For each check that a redaction adds to a vector that fails it, by the id."""
    return {id_: make() for id_, make in _BAD.items()}


def _with(package: Package, path: str, change: Callable[[bytes], bytes]) -> Package:
    package.files[path] = change(package.files[path])
    return package


def _with_the_key() -> Vector:
    package = usual()
    package.files[layout.DISCLOSURE_KEY] = b"%s\n" % DISCLOSURE.hex().encode()
    return vector(package, 3, ("EP-1.3",), not_checked=OF_RESPONSES, where=layout.DISCLOSURE_KEY)


def _half_a_record() -> Vector:
    package = usual()
    del package.files[f"{RECORD}.sig"]
    return vector(
        package, 3, ("EP-1.3",), not_checked=("EP-1.6", "EP-2.6", "EP-4.13", *NOT_DERIVED), where=f"{RECORD}.sig"
    )


def _partial_in_another_spelling() -> Vector:
    path = f"{RESPONSES}.partial"
    package = _with(usual(), path, lambda data: data.replace(b'{"leaf":"",', b'{ "leaf":"",'))
    return vector(package, 3, ("EP-1.4",), not_checked=("EP-1.6", "EP-2.6", "EP-2.11", *NOT_DERIVED), where=f"{path}:1")


def _added_to_the_records() -> Vector:
    package = usual()
    package.files["audit/redactions/note.txt"] = b"trust me\n"
    return vector(package, 3, ("EP-2.3",), not_checked=OF_RESPONSES, where="audit/redactions/note.txt")


def _without_its_part() -> Vector:
    package = usual()
    del package.files[f"{RESPONSES}.partial"]
    return vector(package, 3, ("EP-2.3",), not_checked=OF_RESPONSES, where=f"{RESPONSES}.partial")


def _withheld_and_there() -> Vector:
    package = usual()
    package.files[layout.REPORT] = b"# A greeting\n"
    return vector(package, 3, ("EP-2.3",), not_checked=OF_RESPONSES, where=layout.REPORT)


def _taken_away_unsaid() -> Vector:
    package, path = usual(), layout.file_path(SAVE, NAME)
    del package.files[path]
    return vector(package, 3, ("EP-2.2", "EP-2.5"), not_checked=OF_RESPONSES, where=path)


def _withheld_unrecorded() -> Vector:
    path = "outputs/save/files/second.txt"
    package = completed(extra={path: b"nobody wrote this\n"}).freeze()
    return vector(redacted(package, Act({path: ALL})), 3, ("EP-2.7",), not_checked=NOT_DERIVED, where=path)


def _another_answer() -> Vector:
    """The operator seals another answer than the journal has, and withholds what shows it."""
    package = failed()
    package.put(RESPONSES, package.files[RESPONSES].replace(b"good night", b"good grief"))
    bad = redacted(package.freeze(), Act({RESPONSES: {0: ["/text"]}}))
    return vector(bad, 3, ("EP-2.6",), not_checked=("EP-1.6", *NOT_DERIVED), where=f"{RESPONSES}.partial:2")


def _another_value() -> Vector:
    package = completed()
    package.put(layout.value_path(SAVE), compact({"path": "other.txt"}))
    bad = redacted(package.freeze(), Act({layout.value_path(SAVE): ALL}))
    return vector(bad, 3, ("EP-2.5",), not_checked=NOT_DERIVED, where=layout.value_path(SAVE))


def _another_value_shown() -> Vector:
    path = f"{VALUE}.partial"
    package = _with(usual(), path, lambda data: data.replace(b'"json":"\\"echo\\""', b'"json":"\\"nemo\\""'))
    return vector(package, 3, ("EP-2.11",), not_checked=OF_RESPONSES, where=path)


def _another_node() -> Vector:
    path = f"{VALUE}.partial"
    package = _with(usual(), path, lambda data: data.replace(b'\\"stop_reason\\"', b'\\"stop_season\\"', 1))
    package = _with(package, path, lambda data: data.replace(b'"/stop_reason"', b'"/stop_season"', 1))
    return vector(package, 3, ("EP-2.11",), not_checked=OF_RESPONSES, where=path)


def _another_root() -> Vector:
    nodes = {layout.STATUS: {"node": sha256(b"another text")}}
    return vector(usual(files=nodes), 3, ("EP-2.11",), not_checked=OF_RESPONSES, where=RECORD)


def _another_size() -> Vector:
    sizes = {layout.STATUS: {"size_bytes": 1}}
    return vector(usual(files=sizes), 3, ("EP-2.11",), not_checked=OF_RESPONSES, where=layout.STATUS)


def _too_few_lines() -> Vector:
    wrong = {RESPONSES: {"withheld": 1}}
    package = two_lines({0: ["/text"], 1: ALL}, files=wrong)
    return vector(package, 3, ("EP-2.11",), not_checked=OF_RESPONSES, where=f"{RESPONSES}.partial")


def _line_left_out() -> Vector:
    path = f"{RESPONSES}.partial"
    package = _with(two_lines({0: ["/text"], 1: ALL}), path, lambda data: data[: data.index(b"\n") + 1])
    return vector(package, 3, ("EP-2.6", "EP-2.11"), not_checked=("EP-1.6", *NOT_DERIVED), where=path)


def _mark_in_its_own_place() -> Vector:
    """The operator commits to a skeleton that withholds which model answered."""

    def hide_model(data: bytes) -> bytes:
        one = json.loads(data)
        skeleton = json.loads(one["skeleton"])
        skeleton["model_answered"] = mark(bytes(16), compact(skeleton["model_answered"]))
        return compact(one | {"skeleton": compact(skeleton).decode()}) + b"\n"

    path = f"{RESPONSES}.partial"
    whole = completed().freeze()
    partial = hide_model(usual(run=completed).files[path])
    node = leaf(json.loads(partial)["skeleton"].encode())
    listed = [line[66:] for line in whole.files[layout.SUMS].decode().splitlines()]
    nodes = [
        (one, node if one == RESPONSES else node_of(one, whole.files[one]))
        for one in listed
        if one != layout.DISCLOSURE_KEY
    ]
    root = tree([leaf(one.encode() + b"\0" + its) for one, its in nodes]).hex()
    sealed = completed().freeze(disclosure_sha256=root)
    package = redacted(sealed, Act(PROMPTS, files={RESPONSES: {"node": node.hex()}}))
    package.files[path] = partial
    return vector(package, 3, ("EP-2.11",), not_checked=OF_RESPONSES, where=f"{path}:1")


def _other_files() -> Vector:
    package = usual(files={layout.STATUS: {"path": "audit/stations.json"}})
    return vector(package, 3, ("EP-2.11",), not_checked=OF_RESPONSES, where=RECORD)


def _signed_by_somebody_else() -> Vector:
    where = f"{RECORD} with {RECORD}.sig"
    return vector(usual(key=STRANGER), 3, ("EP-4.13",), not_checked=OF_RESPONSES, where=where)


def _of_another_seal() -> Vector:
    changes = {"seal_sha256": sha256(b"another seal")}
    return vector(usual(changes=changes), 3, ("EP-4.13",), not_checked=OF_RESPONSES, where=RECORD)


def _shown_again() -> Vector:
    less = {path: hide for path, hide in PROMPTS.items() if path != layout.REPORT}
    package = redacted(approved().freeze(), Act(PROMPTS), Act(less))
    return vector(package, 3, ("EP-4.13",), not_checked=OF_RESPONSES, where=SECOND)


def _first_record_lost() -> Vector:
    package = redacted(approved().freeze(), Act(PROMPTS), Act(PROMPTS))
    for path in (RECORD, f"{RECORD}.sig"):
        del package.files[path]
    return vector(package, 3, ("EP-4.13",), not_checked=OF_RESPONSES, where=SECOND)


_BAD: dict[str, Callable[[], Vector]] = {
    "EP-1.3-key": _with_the_key,
    "EP-1.3-redaction": _half_a_record,
    "EP-1.4-partial": _partial_in_another_spelling,
    "EP-2.2-unsaid": _taken_away_unsaid,
    "EP-2.3-partial": _without_its_part,
    "EP-2.3-record": _added_to_the_records,
    "EP-2.3-withheld": _withheld_and_there,
    "EP-2.5-withheld": _another_value,
    "EP-2.6-line": _line_left_out,
    "EP-2.6-partial": _another_answer,
    "EP-2.7-withheld": _withheld_unrecorded,
    "EP-2.11-files": _other_files,
    "EP-2.11-lines": _too_few_lines,
    "EP-2.11-mark": _mark_in_its_own_place,
    "EP-2.11-node": _another_node,
    "EP-2.11-root": _another_root,
    "EP-2.11-shown-value": _another_value_shown,
    "EP-2.11-size": _another_size,
    "EP-4.13": _signed_by_somebody_else,
    "EP-4.13-again": _shown_again,
    "EP-4.13-first": _first_record_lost,
    "EP-4.13-seal": _of_another_seal,
}
