"""Cutting a package to what may be seen: nothing withheld comes out, everything allowed does, and the root stays."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.vectors.builder import OPERATOR, Package, step
from tests.vectors.people import OPERATOR_ID

from awo.canon.digest import commitment, leaf_hash, sha256_hex
from awo.canon.json import encode_sorted
from awo.errors import EvidenceError, UsageError
from awo.evidence.disclosure import disclosure_root
from awo.evidence.events import Starter
from awo.evidence.layout import DISCLOSURE_KEY, SEAL, SUMS
from awo.evidence.merkle import MerkleTree
from awo.evidence.redaction_policy import RedactionPolicy, Show
from awo.verify.limits import Limits
from awo.verify.source import Found, in_order
from awo.verify.spool import Spool
from awo.withhold.cutting import CutPackage
from awo.withhold.policy import PolicyChoice, place_pattern
from awo.withhold.record import Grounds, make_record

RESPONSES, ITEMS = "outputs/ask/responses.jsonl", "outputs/ask/items.jsonl"
VALUE, NOTES, LINES = "outputs/ask/output.json", "outputs/ask/files/notes.txt", "outputs/ask/files/rows.jsonl"
GROUNDS = Grounds("somebody asked")
TOKEN = re.compile(rb"tok[0-9]+x")


class _InMemory:
    """A package as a source; `kind` and the rest are as a folder has them."""

    kind: Literal["folder", "bundle"] = "folder"
    top = "run"
    mtime: int | None = None
    attached: Mapping[str, str] = {}

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def items(self) -> Iterator[Found]:
        for path in sorted(self._files, key=in_order):
            data = self._files[path]
            yield Found(path, len(data), tuple(data[at : at + 50] for at in range(0, len(data), 50)))


def response(number: int, tokens: list[str], **more: Any) -> bytes:
    """A line of responses of which the prompt and the answer hold tokens."""
    prompt, text, fault = tokens
    line = {
        "call": str(number),
        "logprobs": None,
        "messages": [{"content": prompt, "role": "user"}],
        "params": {"text": "seen"},
        "salt": f"{number:032x}",
        "schema_fault": fault,
        "text": text,
    }
    return encode_sorted(line | more)


def package(tokens: list[str], extra: Mapping[str, bytes] | None = None) -> dict[str, bytes]:
    """A sealed package whose texts hold these twelve tokens, each in a place of its own."""
    made = Package([step("ask")])
    made.files[VALUE] = encode_sorted({"a": tokens[0], "deep": [{"b/c~": tokens[1]}, 2.5, None, {}], "n": tokens[2]})
    made.files[RESPONSES] = b"".join(response(n, tokens[3 + 3 * n : 6 + 3 * n]) + b"\n" for n in range(2))
    made.files[ITEMS] = (
        encode_sorted({"cell": 0, "item": tokens[9], "reason": None, "value": {"x": tokens[10]}}) + b"\n"
    )
    made.files[NOTES] = tokens[11].encode()
    made.files[LINES] = b"one\n\xff\xfe\n"
    made.files |= extra or {}
    made.end("completed")
    return dict(made.freeze().files)


@contextmanager
def cut(files: Mapping[str, bytes], choice: PolicyChoice) -> Iterator[CutPackage]:
    """The package, cut."""
    limits = Limits()

    @contextmanager
    def opened() -> Iterator[Any]:
        yield _InMemory(files)

    with CutPackage(opened, choice, Spool(limits.spool_bytes, limits.line_bytes), limits) as made:
        made.read(lambda done_bytes: None)
        yield made


def redacted(files: Mapping[str, bytes], **said: Any) -> dict[str, bytes]:
    """The files of a redaction by this policy, the record among them."""
    policy = RedactionPolicy(format="awo/redaction-policy/v1", **said)
    with cut(files, PolicyChoice(policy)) as made:
        who = Starter(id=OPERATOR_ID, key=OPERATOR.key.fingerprint)
        at = "2026-11-23T06:09:00.000000Z"
        _, added = make_record(made, "redaction", GROUNDS, who=who, signer=OPERATOR, at=at)
        left = {file.path: b"".join(bytes(chunk) for chunk in file.chunks) for file in made.left(added)}
        assert list(left) == sorted(left, key=in_order)
    return left


def record_in(files: Mapping[str, bytes]) -> dict[str, Any]:
    """The record in force."""
    last = max(path for path in files if path.startswith("audit/redactions/") and path.endswith(".json"))
    found: dict[str, Any] = json.loads(files[last])
    return found


def root_of_partials(files: Mapping[str, bytes]) -> str:
    """The root over the rows of the record, where each partial file stands for itself."""
    nodes = []
    for row in record_in(files)["files"]:
        node, partial = bytes.fromhex(row["node"]), files.get(row["path"] + ".partial")
        if partial is not None:
            texts = [json.loads(line) for line in partial.splitlines()]
            leaves = [bytes.fromhex(one["leaf"]) or leaf_hash(one["skeleton"].encode()) for one in texts]
            for one in texts:
                for shown in one["shown"].values():
                    assert commitment(bytes.fromhex(shown["salt"]), shown["json"].encode()) in one["skeleton"]
            tree = MerkleTree()
            for leaf in leaves:
                tree.append_hash(leaf)
            node = tree.root() if row["path"].endswith("l") else leaves[0]
        nodes.append((row["path"], node))
    return disclosure_root(nodes)


TOKENS = [f"tok{number}x" for number in range(12)]
WHERE = {
    "a": TOKENS[0],
    "deep": TOKENS[1],
    "n": TOKENS[2],
    "messages": (TOKENS[3], TOKENS[6]),
    "text": (TOKENS[4], TOKENS[7]),
    "schema_fault": (TOKENS[5], TOKENS[8]),
    "item": TOKENS[9],
    "value": TOKENS[10],
    "notes": TOKENS[11],
}


def tokens_of(*names: str) -> set[str]:
    """The tokens that stand in these places."""
    found: set[str] = set()
    for name in names:
        said = WHERE[name]
        found |= {said} if isinstance(said, str) else set(said)
    return found


def as_said(said: Any) -> Any:
    """A word, or a list, as a policy has it."""
    return said if isinstance(said, str) else sorted(said)


places = st.sets(st.sampled_from(["a", "deep", "n"]))
of_lines = st.sets(st.sampled_from(["messages", "text", "schema_fault"])) | st.sampled_from(
    ["all", "facts only", "nothing"]
)
of_items = st.sets(st.sampled_from(["item", "value"])) | st.sampled_from(["all", "facts only", "nothing"])


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(places, of_lines, of_items, st.booleans())
def test_what_is_not_allowed_stands_in_no_byte_and_what_is_allowed_does(
    values: set[str], lines: Any, items: Any, notes: bool
) -> None:
    left = redacted(
        package(TOKENS),
        show=Show(
            files=[NOTES] if notes else [],
            values={VALUE: [f"/{name}" for name in sorted(values)]},
            responses=as_said(lines),
            items=as_said(items),
        ),
    )
    names = set(values) | ({"notes"} if notes else set())
    names |= {"messages", "text", "schema_fault"} if lines == "all" else set() if isinstance(lines, str) else lines
    names |= {"item", "value"} if items == "all" else set() if isinstance(items, str) else items
    seen = {token.decode() for data in left.values() for token in TOKEN.findall(data)}
    assert seen == tokens_of(*names)
    assert root_of_partials(left) == json.loads(left[SEAL])["disclosure_sha256"]
    assert DISCLOSURE_KEY not in left


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(places, places, st.sets(st.sampled_from(["messages", "text"])), st.sets(st.sampled_from(["messages", "text"])))
def test_what_was_withheld_once_cannot_come_back(
    values: set[str], again: set[str], lines: set[str], lines_again: set[str]
) -> None:
    def show(values: set[str], lines: set[Any]) -> Show:
        return Show(values={VALUE: [f"/{name}" for name in sorted(values)]}, responses=sorted(lines))

    first = redacted(package(TOKENS), show=show(values, lines))
    second = redacted(first, show=show(again, lines_again))
    seen = {token.decode() for data in second.values() for token in TOKEN.findall(data)}
    assert seen == tokens_of(*(values & again), *(lines & lines_again))
    record = record_in(second)
    assert (record["number"], record["previous_sha256"]) == (2, sha256_hex(first["audit/redactions/0001.json"]))
    assert root_of_partials(second) == record_root(first) == record_root(second)


def record_root(files: Mapping[str, bytes]) -> str:
    """The root over the rows of the record as they stand."""
    return disclosure_root((row["path"], bytes.fromhex(row["node"])) for row in record_in(files)["files"])


def test_a_file_that_was_shown_whole_is_withheld_whole_when_the_key_is_gone() -> None:
    first = redacted(package(TOKENS), show=Show(values={VALUE: "all"}, files=[NOTES]))
    second = redacted(first, show=Show(values={VALUE: ["/a"]}, files=[NOTES]))
    row = next(row for row in record_in(second)["files"] if row["path"] == VALUE)
    assert (row["state"], row["withheld"]) == ("withheld", 5)
    assert VALUE not in second
    assert second[NOTES] == first[NOTES]


def test_the_record_counts_lines_values_and_files_and_says_why() -> None:
    left = redacted(
        package(TOKENS),
        show=Show(values={VALUE: ["/deep"]}, responses=["text"], items="nothing"),
        reasons={"outputs/**": "names of people", ITEMS: "rows of patients"},
    )
    rows = {row["path"]: row for row in record_in(left)["files"]}
    assert list(rows) == sorted(rows, key=str.encode)
    assert (rows[VALUE]["state"], rows[VALUE]["withheld"]) == ("partial", 2)
    assert (rows[RESPONSES]["state"], rows[RESPONSES]["withheld"]) == ("partial", 2)
    assert (rows[ITEMS]["state"], rows[ITEMS]["withheld"], rows[ITEMS]["reason"]) == ("withheld", 1, "rows of patients")
    assert (rows[NOTES]["withheld"], rows[NOTES]["reason"]) == (1, "names of people")
    assert rows["audit/journal.jsonl"] == rows["audit/journal.jsonl"] | {"state": "shown", "withheld": 0, "reason": ""}


@pytest.mark.parametrize(
    "params", [{"withheld": "0" * 64}, {"x": [{"withheld": "0" * 64}]}, {"\\u0077ithheld": "0" * 64}]
)
def test_a_line_with_a_false_mark_is_shown_by_its_hash_alone(params: dict[str, Any]) -> None:
    line = response(0, TOKENS[3:6], params=params).replace(b"\\\\u0077", b"\\u0077")
    left = redacted(package(TOKENS, {RESPONSES: line + b"\n"}), show=Show(responses=["text"]))
    text = json.loads(left[f"{RESPONSES}.partial"])
    assert (text["skeleton"], text["shown"]) == ("", {})
    assert root_of_partials(left) == json.loads(left[SEAL])["disclosure_sha256"]


def test_a_line_that_is_no_text_is_shown_by_its_hash_alone() -> None:
    line = response(0, TOKENS[3:6]).replace(b'"call":"0"', b'"call":"\xff"')
    left = redacted(package(TOKENS, {RESPONSES: line}), show=Show(responses=["text"]))
    assert json.loads(left[f"{RESPONSES}.partial"])["leaf"]
    assert root_of_partials(left) == json.loads(left[SEAL])["disclosure_sha256"]


def test_nothing_is_published_that_does_not_fit_its_seal() -> None:
    for path, new in ((VALUE, b"{}"), (NOTES, b"other"), (SUMS, b""), (DISCLOSURE_KEY, b"0" * 64 + b"\n")):
        files = package(TOKENS) | {path: new}
        with pytest.raises(EvidenceError) as caught:
            redacted(files, show=Show(files=["**"]))
        assert path in caught.value.where
    files = package(TOKENS)
    line = files[RESPONSES].replace(b"tok4x", b"tok5x")
    with pytest.raises(EvidenceError) as caught:
        redacted(files | {RESPONSES: line}, show=Show(responses=["text"]))
    assert caught.value.where == RESPONSES
    for spoilt in ({**files, "outputs/more.txt": b""}, {k: v for k, v in files.items() if k != NOTES}):
        with pytest.raises(EvidenceError):
            redacted(spoilt)


def test_a_package_without_a_seal_and_a_redaction_without_a_reason_are_refused() -> None:
    files = package(TOKENS)
    with pytest.raises(UsageError):
        redacted({path: data for path, data in files.items() if path != SEAL})
    with cut(files, PolicyChoice(RedactionPolicy(format="awo/redaction-policy/v1"))) as made:
        who = Starter(id=OPERATOR_ID, key=OPERATOR.key.fingerprint)
        for reason in ("  ", "a\x1bb", "x" * 10_001):
            with pytest.raises(UsageError):
                make_record(made, "redaction", Grounds(reason), who=who, signer=OPERATOR, at="")


def test_the_name_of_a_step_goes_before_a_pattern_and_of_two_patterns_only_what_both_show_counts() -> None:
    def choice(said: Any) -> PolicyChoice:
        return PolicyChoice(RedactionPolicy(format="awo/redaction-policy/v1", show=Show(responses=said)))

    by_name = choice({"*": "nothing", "ask": ["text"]})
    assert by_name.state(RESPONSES) == "partial"
    assert by_name.lines(RESPONSES)(0, b"") == frozenset({"/text"})
    both = choice({"a*": ["text", "messages"], "*k": ["text"]})
    assert both.lines(RESPONSES)(0, b"") == frozenset({"/text"})
    assert choice({"a*": ["text"], "*k": "nothing"}).state(RESPONSES) == "withheld"
    assert choice({"a*": ["text"], "*k": "facts only"}).lines(RESPONSES)(0, b"") == frozenset()
    assert choice("all").state(RESPONSES) == "shown"


def test_withhold_goes_over_everything_that_a_policy_shows() -> None:
    policy = RedactionPolicy(
        format="awo/redaction-policy/v1", show=Show(files=["**"], responses="all"), withhold=["outputs/**"]
    )
    choice = PolicyChoice(policy)
    assert {choice.state(path) for path in (RESPONSES, NOTES, VALUE)} == {"withheld"}
    assert choice.state("report.md") == "shown"


def test_patterns_and_files_that_are_of_no_use_are_told() -> None:
    policy = RedactionPolicy(
        format="awo/redaction-policy/v1",
        show=Show(
            files=["report.md", "nope.md", "nope/**"],
            values={VALUE: ["/a", "/z"], "outputs/x*/output.json": "all"},
            responses={"ask": ["text"], "tell*": "all"},
        ),
    )
    choice = PolicyChoice(policy)
    with cut(package(TOKENS), choice):
        assert choice.missing_files() == ["nope.md"]
        assert choice.idle_patterns() == [
            "show.files: nope/**",
            "show.responses: tell*",
            f"show.values {VALUE}: /z",
            "show.values: outputs/x*/output.json",
        ]


@pytest.mark.parametrize(
    ("pattern", "fits", "fits_not"),
    [
        ("/a", ["/a", "/a/0/b"], ["/ab", "", "/b/a"]),
        ("/steps/*/id", ["/steps/0/id"], ["/steps/id", "/steps/0/1/id", "/steps/0/idea"]),
        ("/**/id", ["/id", "/a/id", "/a/b/id"], ["/a/idea"]),
        ("/x*z", ["/xyz", "/xz"], ["/xy"]),
    ],
)
def test_a_place_fits_by_its_parts_and_with_all_that_lies_below_it(
    pattern: str, fits: list[str], fits_not: list[str]
) -> None:
    assert all(map(place_pattern(pattern), fits))
    assert not any(map(place_pattern(pattern), fits_not))
