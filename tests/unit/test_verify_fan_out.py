"""What the judge makes of a run that fans out: its exchanges, responses, items and money."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.unit.test_verify_checks import failed_ids, judged
from tests.vectors.builder import SOFTWARE, Package
from tests.vectors.fan_out import (
    COST,
    GREET,
    ITEMS,
    LOUD_FOR_BO,
    RAW,
    again,
    begun,
    fan_out,
    greeted,
    intend,
    item,
    over_items,
    prompt,
    results,
    resumed,
    stopped,
    waiting_for_money,
    written,
)
from tests.vectors.record import frame, sha256

from awo.canon.json import encode_sorted
from awo.evidence import events as ev
from awo.evidence import layout
from awo.evidence.exchanges import Body
from awo.evidence.records import ItemLine, OverRecord, Usage
from awo.verify.limits import is_bomb_of_exchanges
from awo.verify.report import Report

PACKAGE = greeted().freeze().files


def finding(report: Report, check: str) -> tuple[str, str]:
    """Where and what the first finding of a check is."""
    (result,) = (one for one in report.checks if one.check.id == check)
    return result.findings[0].where, result.findings[0].what


def abandoned(package: Package) -> Report:
    """The report on a run that ends here."""
    package.event(ev.RunResumed, software=SOFTWARE)
    package.end("abandoned")
    return judged(package.freeze().files)


def asked(**fields: Any) -> tuple[Package, ev.CallIntended]:
    """A run whose first request is under way."""
    package = begun()
    fan_out(package)
    return package, intend(package, 0, **fields)


@pytest.mark.parametrize("chunk_bytes", [1, 3, 100, 1 << 20])
def test_a_good_run_is_good_however_its_bytes_arrive(chunk_bytes: int) -> None:
    from tests.unit.test_verify_checks import EVERYBODY, InMemory

    from awo.sign.allowed_signers import AllowedSigners
    from awo.verify.judge import judge
    from awo.verify.limits import Limits
    from awo.verify.reading import Trust

    trust = Trust(AllowedSigners.parse(EVERYBODY, where="trust"), "trust")
    report = judge(InMemory(PACKAGE, chunk_bytes=chunk_bytes), "memory", trust, Limits())
    assert (report.verdict, failed_ids(report)) == ("passed", [])
    assert (report.counts["responses"], report.counts["exchanges"]) == (3, 5)


@given(st.sampled_from(sorted(PACKAGE)), st.data())
def test_no_flipped_bit_passes(path: str, data: st.DataObject) -> None:
    content = bytearray(PACKAGE[path])
    place = data.draw(st.integers(0, len(content) * 8 - 1))
    content[place // 8] ^= 1 << place % 8
    assert judged({**PACKAGE, path: bytes(content)}).verdict == "failed"


@given(st.data())
def test_a_flipped_bit_of_a_segment_is_found_without_a_seal_unless_it_means_nothing(data: st.DataObject) -> None:
    package = stopped(begun())
    package.write_views()
    content = bytearray(package.files[RAW])
    place = data.draw(st.integers(0, len(content) * 8 - 1))
    content[place // 8] ^= 1 << place % 8
    report = judged({**package.files, RAW: bytes(content)})
    if failed_ids(report) != ["EP-2.9"]:  # a time, a kind of system, a bit of padding
        assert failed_ids(report) == []
        assert gzip.decompress(content) == gzip.decompress(package.files[RAW])


# --- an open run ------------------------------------------------------------------------------------------------


def test_the_torn_end_of_the_last_segment_is_a_note_while_a_run_is_open() -> None:
    report = judged(waiting_for_money().files)
    assert failed_ids(report) == []
    assert any("00001.jsonl.gz has 3 bytes" in note for note in report.notes)


def test_a_segment_that_no_event_names_is_a_note_while_a_run_is_open() -> None:
    files = waiting_for_money().files
    files[layout.raw_path(2)] = frame(b"{}")
    report = judged(files)
    assert failed_ids(report) == []
    assert any("audit/raw/" in note for note in report.notes)


def test_an_open_run_has_every_exchange_that_it_recorded() -> None:
    files = waiting_for_money().files
    files[RAW] = files[RAW][:-40]
    assert failed_ids(judged(files)) == ["EP-2.9"]


def test_only_the_last_segment_has_a_torn_end() -> None:
    package = resumed(stopped(begun()))
    package.write_views()
    assert failed_ids(judged(package.files)) == []
    package.files[RAW] += b"\x1f"
    assert failed_ids(judged(package.files)) == ["EP-2.9"]


def test_behind_a_damaged_line_nobody_knows_which_exchanges_were_recorded() -> None:
    package = waiting_for_money()
    package.lines[5] = b"{}"
    package.write_journal()
    report = judged(package.files)
    assert failed_ids(report) == ["EP-1.5"]


# --- exchanges ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"step": "other"}, "another call"),
        ({"call": "3"}, "another call"),
        ({"model": "echo"}, "another call"),
        ({"request": Body(headers=[("authorization", "Bearer k")], encoding="utf-8", content="")}, "header"),
        ({"request": Body(headers=[("Date", "d")], encoding="utf-8", content="")}, "header"),
        ({"response": Body(headers=[], encoding="base64", content="?")}, "base64"),
        ({"response": Body(headers=[], encoding="base64", content="iVBORx==")}, "base64"),
    ],
)
def test_an_exchange_that_is_not_what_it_should_be_is_found(fields: dict[str, Any], what: str) -> None:
    package, intent = asked()
    package.answer(intent, cost=COST, exchange=package.exchange(intent, **fields))
    report = abandoned(package)
    assert failed_ids(report) == ["EP-1.7"]
    assert what in finding(report, "EP-1.7")[1]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda line: line.replace(b",", b", ", 1),
        lambda line: line.replace(b"{", b'{"call":"0",', 1),
        lambda line: line[:-1] + b',"more":1}',
        lambda line: b"null",
        lambda line: b"[" * 60_000,
    ],
)
def test_an_exchange_in_another_spelling_is_found(spoil: Callable[[bytes], bytes]) -> None:
    package, intent = asked()
    ref = package.exchange(intent)
    line = package.files.pop(RAW)[15:-9]
    assert sha256(line) == ref.sha256
    package.answer(intent, cost=COST, exchange=package.raw(spoil(line)))
    assert failed_ids(abandoned(package)) == ["EP-1.7"]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data + data,
        lambda data: data[:-1],
        lambda data: b"{}\n",
        lambda data: frame(b"{}"),
        lambda data: frame(b"{}\n{}"),
    ],
)
def test_bytes_that_are_not_the_recorded_frame_are_found(spoil: Callable[[bytes], bytes]) -> None:
    package, intent = asked()
    ref = package.exchange(intent)
    package.files[RAW] = spoil(package.files[RAW])
    package.answer(intent, cost=COST, exchange=replace(ref, size_bytes=len(package.files[RAW])))
    assert failed_ids(abandoned(package)) == ["EP-2.9"]


def test_frames_that_events_name_with_a_gap_are_found_twice() -> None:
    package, intent = asked()
    package.exchange(intent)
    package.answer(intent, cost=COST, exchange=package.exchange(intent))
    report = abandoned(package)
    assert failed_ids(report) == ["EP-2.9", "EP-3.1"]


def test_a_frame_longer_than_any_file_is_missing_and_takes_no_memory() -> None:
    package, intent = asked()
    ref = package.exchange(intent)
    package.answer(intent, cost=COST, exchange=replace(ref, size_bytes=2**53 - 1))
    assert failed_ids(abandoned(package)) == ["EP-2.9"]


def test_exchanges_are_unpacked_until_they_are_plainly_a_bomb() -> None:
    assert not is_bomb_of_exchanges(3 << 30, 1 << 20)
    assert is_bomb_of_exchanges(5 << 30, 1 << 20)
    assert not is_bomb_of_exchanges(5 << 30, 1 << 30)


# --- responses ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ({"attempt": 2}, "attempt"),
        ({"cell": 1}, "cell"),
        ({"repeat": 1}, "repeat"),
        ({"tries": 2}, "tries"),
        ({"model": "echo"}, "model"),
        ({"origin": ev.Origin(run_id="r", step=GREET, line=0, sha256="0" * 64)}, "origin"),
        ({"seed": 8}, "another request"),
        ({"params": {}}, "another request"),
        ({"schema_sha256": "0" * 64}, "another request"),
        ({"schema_fault": "it is no number"}, "none was asked for"),
        ({"call": "1"}, "another call"),
        ({"step": "other"}, "another call"),
    ],
)
def test_a_response_says_what_its_events_say(line: dict[str, Any], what: str) -> None:
    package, intent = asked()
    package.answer(intent, cost=COST, **line)
    report = abandoned(package)
    assert failed_ids(report) == ["EP-1.6"]
    assert what in finding(report, "EP-1.6")[1]


def test_a_response_costs_what_its_event_says() -> None:
    package, intent = asked()
    place = package.respond(intent, {"cost": "0.00001"})
    package.event(ev.CallAnswered, step=GREET, call="0", **place, cost=COST, exchange=None, recovered=False)
    assert failed_ids(abandoned(package)) == ["EP-1.6"]


@pytest.mark.parametrize(
    "line", [{"origin": None}, {"call": "0"}, {"cost": COST}, {"cell": 1}, {"text": "x", "seed": 9}]
)
def test_a_reused_response_says_where_it_is_from_and_costs_nothing(line: dict[str, Any]) -> None:
    package = begun()
    fan_out(package)
    package.reuse(GREET, prompt(0), cell=0, model="small", line=line)
    assert failed_ids(abandoned(package)) == ["EP-1.6"]


def test_where_a_secret_was_cut_the_request_cannot_be_named_and_that_is_said() -> None:
    package, intent = asked(request_sha256="0" * 64)
    package.answer(intent, cost=COST, text="the key is [secret OPENAI_API_KEY]")
    report = abandoned(package)
    assert failed_ids(report) == []
    assert any("a secret was cut" in note for note in report.notes)


def test_an_answer_above_its_worst_price_is_a_fact_that_is_said() -> None:
    package, intent = asked()
    package.answer(intent, cost="0.0005", usage=Usage(prompt_tokens=125, completion_tokens=150))
    report = abandoned(package)
    assert failed_ids(report) == []
    assert any("above its budget" in note for note in report.notes)
    assert not any("budget" in note for note in judged(PACKAGE).notes)


# --- items ----------------------------------------------------------------------------------------------------------


def with_item(cell: int, one: ItemLine) -> Report:
    """The report on the whole run with another item in this cell."""
    items = results()
    items[cell] = one
    return judged(written(resumed(stopped(begun())), items).freeze().files)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"cell": 0}, "not in its place"),
        ({"matrix": {"tone": "calm"}}, "matrix"),
        ({"matrix": {}}, "matrix"),
        ({"repeat": 1}, "repeat"),
        ({"row": {"name": "Bo"}}, "one row differ"),
        ({"item": "another"}, "one row differ"),
        ({"row": {"name": "Ada", "age": 3}}, "one row differ"),
        ({"calls": ["1"]}, "no answer"),
        ({"calls": ["99"]}, "no answer"),
        ({"reason": ev.Reason(code="model", message="no")}, "reason"),
    ],
)
def test_an_item_that_is_not_that_of_its_cell_is_found(changes: dict[str, Any], what: str) -> None:
    report = with_item(1, replace(results()[1], **changes))
    assert failed_ids(report)[0] == "EP-1.8"
    assert finding(report, "EP-1.8")[0] == f"{ITEMS}:2"
    assert what in finding(report, "EP-1.8")[1]


@pytest.mark.parametrize("changes", [{"reason": None}, {"value": {"text": "x"}}])
def test_a_failed_item_has_a_reason_and_no_value(changes: dict[str, Any]) -> None:
    report = with_item(LOUD_FOR_BO, replace(results()[LOUD_FOR_BO], **changes))
    assert failed_ids(report) == ["EP-1.8"]


def test_a_row_has_the_columns_of_its_data_set() -> None:
    items = [replace(one, row={**one.row, "age": 3}) for one in results()]
    report = judged(written(resumed(stopped(begun())), items).freeze().files)
    assert "other columns" in finding(report, "EP-1.8")[1]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:-1],
        lambda data: data.replace(b"{", b'{"repeat":0,', 1),
        lambda data: data.replace(b'"cell":0', b'"cell":"0"', 1),
        lambda data: b"\n" + data,
    ],
)
def test_lines_that_are_no_items_are_found(spoil: Callable[[bytes], bytes]) -> None:
    package = resumed(stopped(begun()))
    package.put(ITEMS, spoil(b"".join(encode_sorted(one) + b"\n" for one in results())))
    package.finish(GREET, {"cells": 4, "done": 3, "failed": 1, "path": ITEMS}, attempt=3)
    package.end("completed")
    assert failed_ids(judged(package.freeze().files))[0] == "EP-1.8"


@pytest.mark.parametrize(
    "value",
    [{"cells": 5}, {"done": 4}, {"failed": 0}, {"path": "outputs/greet/other.jsonl"}, {"more": 1}, {"done": "3"}],
)
def test_the_value_of_a_step_counts_its_items(value: dict[str, Any]) -> None:
    report = judged(written(resumed(stopped(begun())), results(), **value).freeze().files)
    assert failed_ids(report) == ["EP-2.10"]


def test_more_failed_cells_than_allowed_do_not_make_a_step() -> None:
    report = judged(written(resumed(stopped(begun(max_failed=0))), results()).freeze().files)
    assert failed_ids(report) == ["EP-2.10"]


def test_a_step_has_as_many_cells_as_its_plan_gives() -> None:
    package = begun()
    fan_out(package, cells=2)
    package.put(ITEMS, encode_sorted(item(0, [])) + b"\n" + encode_sorted(item(1, [])) + b"\n")
    package.finish(GREET, {"cells": 2, "done": 2, "failed": 0, "path": ITEMS})
    package.end("completed")
    report = judged(package.freeze().files)
    assert failed_ids(report)[0] == "EP-2.10"
    assert "as many cells" in finding(report, "EP-2.10")[1]


def test_a_step_over_a_step_has_a_row_for_each_cell_that_is_done() -> None:
    assert failed_ids(judged(again(over_items(), 3).freeze().files)) == []
    report = judged(again(over_items()[:2], 2).freeze().files)
    assert failed_ids(report) == ["EP-2.10"]
    assert finding(report, "EP-2.10")[0] == "step again"
    rows = [replace(one, row={}) for one in over_items()]
    assert failed_ids(judged(again(rows, 3).freeze().files)) == ["EP-1.8"]


def test_items_that_are_not_there_are_found() -> None:
    package = resumed(stopped(begun()))
    package.finish(GREET, {"cells": 4, "done": 3, "failed": 1, "path": ITEMS}, attempt=3)
    package.end("completed")
    assert failed_ids(judged(package.freeze().files)) == ["EP-2.10"]


def failed_attempt(items: list[ItemLine]) -> Package:
    """A run whose step had too many failed cells, and kept what it got."""
    package = resumed(stopped(begun(max_failed=0)))
    path = f"{layout.attempt_folder(GREET, 3)}/{layout.ITEMS_FILE}"
    kept = package.put(path, b"".join(encode_sorted(one) + b"\n" for one in items))
    reason = ev.Reason(code="items", message="1 of 4 cells failed")
    package.event(ev.StepFailed, step=GREET, attempt=3, reason=reason, retries_left=0, files=[kept])
    package.end("failed")
    return package.freeze()


def test_the_items_of_a_failed_attempt_are_checked_too() -> None:
    assert failed_ids(judged(failed_attempt(results()).files)) == []
    assert failed_ids(judged(failed_attempt(results()[::-1]).files)) == ["EP-1.8"]
    assert failed_ids(judged(failed_attempt(results()[:3]).files)) == ["EP-2.10"]


@pytest.mark.parametrize("over", [("data", "dogs"), ("step", "nobody")])
def test_a_step_goes_over_something_that_is_there(over: tuple[Any, str]) -> None:
    package = begun(over=OverRecord(kind=over[0], name=over[1]))
    package.end("abandoned")
    assert failed_ids(judged(package.freeze().files)) == ["EP-1.4"]
