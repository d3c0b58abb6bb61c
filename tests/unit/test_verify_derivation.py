"""Chapter derivation: what is computed again from a package, what is a contradiction, and what is only not known."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import json
from tests.unit.test_verify_checks import EVERYBODY, InMemory, failed_ids, judged, unchecked_ids
from tests.vectors import derived, fan_out
from tests.vectors.builder import Package, step
from tests.vectors.derived import ASK, CHECK, CHECKING, LACKING, SCORING, VOTE, VOTING, answered, begun, derive, voted
from tests.vectors.record import sha256
from tests.vectors.stories import GREET, SAVE, completed, saving

from awo import plugins
from awo.canon.json import parse
from awo.derive.report import report
from awo.derive.report_layout import REPORT_LAYOUT
from awo.derive.seam import Derivation, Derived, Sources
from awo.errors import CannotCheck
from awo.evidence import events as ev
from awo.evidence import layout
from awo.evidence.gates import Decision, GateRequest
from awo.evidence.records import ItemLine, ResponseLine
from awo.lifecycle.chronicle import Chronicle
from awo.sign.allowed_signers import AllowedSigners
from awo.verify import answers, compared, derivation, reading, spool
from awo.verify.compared import differences
from awo.verify.judge import judge
from awo.verify.limits import Limits
from awo.verify.reading import ASKED, Trust
from awo.verify.report import CheckResult, Report, exit_code
from awo.verify.spool import Spool
from awo.workflow.words import Args


def result(report: Report, check: str) -> CheckResult:
    (found,) = (one for one in report.checks if one.check.id == check)
    return found


def first(report: Report, check: str) -> str:
    """What the first finding of a check says."""
    return result(report, check).findings[0].what


# --- equal values ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        (0.1 + 0.2, 0.3),
        (1e300, 1e300 * (1 + 1e-12)),
        (0.0, 1e-13),
        ({"a": 1, "b": [None, True]}, {"b": [None, True], "a": 1}),
    ],
)
def test_values_that_are_equal(one: Any, other: Any) -> None:
    assert list(differences(one, other)) == []


@pytest.mark.parametrize(
    ("one", "other", "place"),
    [
        (1, True, ""),
        (0, False, ""),
        (1, 2, ""),
        (2**60, 2**60 + 1, ""),
        (10**400, 1.0, ""),
        (1.0, 1.0 + 1e-8, ""),
        ("1", 1, ""),
        (None, 0, ""),
        ("a", "a ", ""),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3]}}, "a.b[1]"),
        ({"a": 1}, {}, "a"),
        ({}, {"a": {"b": 1}}, "a"),
        ([1], [1, 2], ""),
        ({"a": []}, {"a": {}}, "a"),
    ],
)
def test_values_that_differ_and_where(one: Any, other: Any, place: str) -> None:
    assert [difference.place for difference in differences(one, other)] == [place]
    assert [difference.place for difference in differences(other, one)] == [place]


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(PLAIN)
def test_a_value_is_equal_to_itself_as_it_reads_back(value: Any) -> None:
    assert list(differences(value, json.decode(json.encode(value)))) == []


# --- answers ---------------------------------------------------------------------------------------------------


def test_every_operation_that_asks_models_is_held_against_its_responses() -> None:
    asking = {
        name for name in plugins.OPERATIONS if plugins.load(plugins.OPERATIONS, name, "operation").requests is not None
    }
    assert asking == set(ASKED)


def test_an_answer_of_an_earlier_attempt_may_count() -> None:
    package = Package([step(GREET, "llm_map", prompt="good day")])
    package.start(GREET)
    package.ask(GREET, "good day")
    package.event(ev.RunResumed, software=ev.Software(name="awo", version="0"))
    package.start(GREET, attempt=2)
    package.finish(GREET, package.answer_of(GREET), attempt=2)
    package.end("completed")
    assert failed_ids(judged(package.freeze().files)) == []


def test_an_answer_that_breaks_its_schema_is_no_value() -> None:
    package = Package([step(GREET, "llm_map", prompt="3", schema={"type": "integer"})])
    package.start(GREET)
    schema = sha256(b'{"type":"integer"}')
    package.answer(package.intend(GREET, "3"), text="three", schema_sha256=schema, schema_fault="it is no number")
    package.finish(GREET, package.answer_of(GREET))
    package.end("completed")
    assert "does not follow its schema" in first(judged(package.freeze().files), "EP-5.1")


def test_a_value_that_names_no_answer_cannot_be_held_against_one() -> None:
    package = Package([step(GREET, "llm_map", prompt="good day")])
    package.start(GREET)
    package.ask(GREET, "good day")
    package.finish(GREET, {"text": "good day"})
    package.end("completed")
    report = judged(package.freeze().files)
    assert failed_ids(report) == []
    assert unchecked_ids(report) == ["EP-5.1"]


def test_an_item_rests_on_answers_to_its_own_cell() -> None:
    items = fan_out.results()
    items[1] = fan_out.item(1, ["0"], value=items[0].value)
    package = fan_out.written(fan_out.resumed(fan_out.stopped(fan_out.begun())), items)
    assert "another cell" in first(judged(package.freeze().files), "EP-5.1")


def test_the_faults_that_answers_conclude_with_are_codes_of_the_operations() -> None:
    assert answers.CONCLUDED_AS_FAILURES == ("objection_stands", "refuters_unclear")


# --- derived results -------------------------------------------------------------------------------------------


def test_derived_steps_are_computed_from_recorded_bytes_and_not_from_what_was_computed() -> None:
    report = judged(voted(lambda value: value | {"consensus_text": "blue-green"}).freeze().files)
    assert failed_ids(report) == ["EP-5.2"]
    places = [finding.where for finding in result(report, "EP-5.2").findings]
    assert places == [f"{layout.value_path(VOTE)}: consensus_text"]  # and not what rests on it


def test_what_rests_on_altered_bytes_is_not_checked() -> None:
    files = dict(voted().freeze().files)
    path = layout.value_path(ASK)
    files[path] = files[path].replace(b"Red", b"Rod")
    report = judged(files)
    assert [id_ for id_ in failed_ids(report) if id_.startswith("EP-5")] == []
    assert {"EP-5.1", "EP-5.2"} <= set(unchecked_ids(report))


def test_a_file_that_does_not_follow_and_one_that_is_missing_are_found() -> None:
    value = {"path": layout.file_path(SAVE, "greeting.txt"), "sha256": "0" * 64, "size_bytes": 9}
    package = Package([saving()])
    package.start(SAVE)
    package.finish(SAVE, value, {"more.txt": "x"})
    package.end("completed")
    found = {finding.where: finding.what for finding in result(judged(package.freeze().files), "EP-5.2").findings}
    assert found[layout.file_path(SAVE, "more.txt")] == "no file of this name follows"
    assert found[layout.file_path(SAVE, "greeting.txt")] == "a file that follows is not recorded"


def test_what_a_failed_step_had_kept_is_compared_too() -> None:
    asserting = step("sure", "assert", ASK, of=ASK, scores=json.decode(SCORING.args)["scores"])
    scores = derive(answered(begun(SCORING)), "score").files[layout.file_path("score", "scores.jsonl")].decode()
    for lines, expected in ((scores, []), (scores.replace('"length":3.0', '"length":4.0'), ["EP-5.2"])):
        package = answered(begun(asserting))
        package.start("sure")
        package.fail("sure", "assertion_failed", {"scores.jsonl": lines})
        package.end("failed")
        assert failed_ids(judged(package.freeze().files)) == expected


def test_a_failure_that_is_none_of_the_computation_is_a_note() -> None:
    report = judged(derived.checked_in_vain("fault").freeze().files)
    assert failed_ids(report) == []
    assert any("not computed again: fault" in note for note in report.notes)


def test_a_step_that_failed_and_would_not_is_found() -> None:
    package = answered(begun(step(CHECK, "assert_contains", ASK, **{**LACKING, "must_include": ["blue"]})))
    package.start(CHECK)
    package.fail(CHECK, "assertion_failed", left={})
    package.end("failed")
    assert first(judged(package.freeze().files), "EP-5.2") == "the step failed, and computing it again does not"


def test_arguments_that_the_operation_does_not_take_are_found() -> None:
    package = Package([step(SAVE, "write_text", mode="append")])
    package.start(SAVE)
    package.finish(SAVE, {})
    package.end("completed")
    assert "arguments" in first(judged(package.freeze().files), "EP-5.2")


def test_programs_of_the_author_are_counted_and_not_run() -> None:
    package = Package([step("build", "command", argv=["false"])])
    package.start("build")
    package.finish("build", {"exit_code": 0})
    package.end("completed")
    assert any(note.endswith("not computed again: 1 step") for note in judged(package.freeze().files).notes)


# --- hostile plans, and machines that lack something ------------------------------------------------------------


class OddArgs(Args, frozen=True, kw_only=True):
    """Arguments of a derivation that misbehaves."""

    how: str = ""
    resamples: int = 0


def odd(args: OddArgs, sources: Sources) -> Derived:
    match args.how:
        case "breaks":
            raise TypeError("a secret of the machine")
        case "lacks":
            raise CannotCheck("needs the package numpy", hint="pip install 'awo[science]'")
        case "goes round":
            while True:
                sources.render("{{ steps.ask.count }}")
        case "nests":
            value: Any = None
            for _ in range(5000):
                value = [value]
            return Derived(value)
        case "is not a number":
            return Derived({"x": float("nan")})
        case _:
            pass
    return Derived({"x": None})


ODD = Derivation(name="odd", summary="Misbehaves.", args=OddArgs, compute=odd)


@pytest.fixture
def _odd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "DERIVATIONS", {**plugins.DERIVATIONS, "odd": f"{__name__}:ODD"})


def odd_run(value: Any = None, **args: Any) -> Package:
    package = answered(begun(step("odd", "odd", ASK, **args)))
    package.start("odd")
    package.finish("odd", value if value is not None else {"x": None})
    package.end("completed")
    return package


@pytest.mark.usefixtures("_odd")
@pytest.mark.parametrize(
    ("args", "limits", "what"),
    [
        ({"how": "breaks"}, {}, "it could not be computed again: TypeError"),
        ({"how": "lacks"}, {}, "needs the package numpy"),
        ({"how": "goes round"}, {"recompute_s": 0.05}, "recomputing takes longer than 0.05 s"),
        ({"how": "nests"}, {}, "it could not be computed again: RecursionError"),
        ({"resamples": 10**9}, {"resampled_bytes": 10**9}, "the step resamples more than is computed again"),
    ],
)
def test_what_cannot_be_computed_is_not_checked_and_says_so(args: Any, limits: Any, what: str) -> None:
    report = judged(odd_run(**args).freeze().files, **limits)
    assert failed_ids(report) == []
    assert unchecked_ids(report) == ["EP-5.2"]
    assert first(report, "EP-5.2") == what
    assert (exit_code(report), exit_code(report, frozenset({"derivation"}))) == (0, 7)
    assert "secret" not in str(report.as_dict())


@pytest.mark.usefixtures("_odd")
def test_the_cure_for_a_missing_library_is_in_the_finding() -> None:
    report = judged(odd_run(how="lacks").freeze().files)
    found = result(report, "EP-5.2").findings[0]
    assert (found.got, found.hint) == ("", "pip install 'awo[science]'")


@pytest.mark.usefixtures("_odd")
def test_what_is_no_number_is_null_when_it_is_read_back() -> None:
    assert failed_ids(judged(odd_run(how="is not a number").freeze().files)) == []
    assert failed_ids(judged(odd_run({"x": 0}, how="is not a number").freeze().files)) == ["EP-5.2"]


def test_without_room_for_the_outputs_nothing_of_them_is_checked() -> None:
    report = judged(voted().freeze().files, spool_bytes=10)
    assert failed_ids(report) == []
    assert unchecked_ids(report) == ["EP-5.1", "EP-5.2"]
    assert "could not be kept" in first(report, "EP-5.1")


def test_a_disk_that_takes_no_more_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(spool, "MEMORY_BYTES", 100)
    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    monkeypatch.setattr(tempfile, "gettempdir", lambda: "the folder")
    report = judged(voted().freeze().files)
    assert unchecked_ids(report) == ["EP-5.1", "EP-5.2"]
    assert result(report, "EP-5.2").findings[0].got == "the folder takes no more: No space left on device"


@given(st.lists(st.lists(st.binary(max_size=20), max_size=5), max_size=5), st.integers(1, 40), st.data())
def test_the_spool_gives_back_what_it_was_given(files: list[list[bytes]], most_bytes: int, data: st.DataObject) -> None:
    kept = Spool(1 << 20, 1 << 20)
    for number, pieces in enumerate(files):
        for name, most in ((f"{number}", -1), (f"{number} head", most_bytes)):
            keeping = kept.begin(name, most)
            assert keeping is not None
            for piece in pieces:
                keeping.feed(piece)
            keeping.end()
    for number, pieces in enumerate(files):
        content = b"".join(pieces)
        assert kept.read(f"{number}") == content
        assert kept.read(f"{number} head") == content[:most_bytes]
        offset = data.draw(st.integers(0, 30))
        assert kept.read(f"{number}", offset, 7) == content[offset : offset + 7]
        assert b"\n".join(kept.lines(f"{number}")) == content.removesuffix(b"\n")
    with pytest.raises(CannotCheck):
        kept.read("another")
    kept.close()
    assert not kept.has("0")


# --- views -----------------------------------------------------------------------------------------------------


class FromFiles:
    """Implements `awo.derive.report.Reader` over the files of a package in memory."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self._files = files

    def value(self, path: str) -> Any:
        return json.decode(self._files[path])

    def responses(self, step: str) -> Iterator[ResponseLine]:
        lines = self._files.get(layout.responses_path(step), b"").splitlines()
        return (json.decode(line, type=ResponseLine) for line in lines)

    def items(self, path: str) -> Iterator[ItemLine]:
        return (json.decode(line, type=ItemLine) for line in self._files[path].splitlines())

    def failed_items(self, path: str) -> Iterator[ItemLine]:
        return (item for item in self.items(path) if item.status == "failed")

    def decision(self, path: str) -> Decision:
        return parse(self._files[path], Decision, where=path)

    def gate_request(self, path: str) -> GateRequest:
        return parse(self._files[path], GateRequest, where=path)

    def head(self, path: str, limit_bytes: int) -> str:
        return self._files[path][:limit_bytes].decode(errors="replace")


def with_report(package: Package) -> Package:
    """The same run with the report that follows from it."""
    chronicle = Chronicle(package.input)
    for number, line in enumerate(package.lines):
        chronicle.add(ev.decode(line, number), line)
    package.put(layout.REPORT, report(chronicle.facts(), FromFiles(package.files)).encode())
    return package


@pytest.fixture
def _same_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    """The vectors do not say which layout their report has."""
    for module in (reading, derivation):
        monkeypatch.setattr(module, "REPORT_LAYOUT", 0)


@pytest.mark.usefixtures("_same_layout")
@pytest.mark.parametrize("make", [completed, voted, fan_out.greeted, derived.scored])
def test_the_report_of_the_same_layout_is_written_again(make: Any) -> None:
    judging = judged(with_report(make()).freeze().files)
    assert result(judging, "EP-5.4").verdict == "passed"


@pytest.mark.usefixtures("_same_layout")
def test_a_report_that_says_more_than_the_record_is_found_at_its_line() -> None:
    package = with_report(voted())
    text = package.files[layout.REPORT]
    package.put(layout.REPORT, text.replace(b"2 of 3 answers agree (67 %)", b"3 of 3 answers agree (100 %)"))
    number = text[: text.index(b"2 of 3 answers agree")].count(b"\n") + 1
    judging = judged(package.freeze().files)
    assert failed_ids(judging) == ["EP-5.4"]
    assert result(judging, "EP-5.4").findings[0].where == f"{layout.REPORT}:{number}"


def test_the_report_of_another_layout_is_not_checked_and_says_so() -> None:
    finding = result(judged(completed().freeze().files), "EP-5.4").findings[0]
    assert (finding.expected, finding.got) == ("layout not recorded", f"layout {REPORT_LAYOUT}")


def test_metadata_older_than_the_journal_is_a_note_while_a_run_is_open() -> None:
    package = answered(begun(VOTING, CHECKING))
    package.write_views()
    package.files[layout.METADATA] = package.files[layout.METADATA].replace(b'"events": ', b'"events": 1')
    judging = judged(package.files)
    assert failed_ids(judging) == []
    assert any("metadata.json is older" in note for note in judging.notes)


# --- as a whole ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chunk_bytes", [1, 3, 1 << 20])
def test_a_derived_run_is_good_however_its_bytes_arrive(chunk_bytes: int) -> None:
    trust = Trust(AllowedSigners.parse(EVERYBODY, where="trust"), "trust")
    report = judge(InMemory(voted().freeze().files, chunk_bytes=chunk_bytes), "memory", trust, Limits())
    assert (report.verdict, failed_ids(report)) == ("passed", [])


def test_the_tolerance_is_the_one_that_the_specification_says() -> None:
    assert (compared.RELATIVE_TOLERANCE, compared.ABSOLUTE_TOLERANCE) == (1e-9, 1e-12)


@given(PLAIN)
def test_no_other_value_of_a_vote_passes(value: Any) -> None:
    package = derive(answered(begun(VOTING)), VOTE, lambda _: value)
    package.end("completed")
    expected = json.decode(derive(answered(begun(VOTING)), VOTE).files[layout.value_path(VOTE)])
    assert (failed_ids(judged(package.freeze().files)) == ["EP-5.2"]) == (value != expected)
