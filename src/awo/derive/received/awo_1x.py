"""The folder of a run of AWO 1.x: records of steps under `steps/` or `outputs/`, a JSON object each, or one a line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from awo.derive.received.foreign_json import listed, mapping, parsed, scalar, text
from awo.derive.received.seam import Answered, Found, NotUnderstood, Original, not_this_form
from awo.evidence.received import ClaimedOrigin, ClaimedResult, LeftOut

RECORDS: Final = ("steps", "outputs")
PLANS: Final = ("workflow_frozen.json", "input.json")
"""The workflow as it ran: its name in the releases of 2025, and in their description."""

MANIFEST, INDEX, APPROVAL, METADATA = "run_manifest.json", "index.json", "approval.json", "metadata.json"
RESULTS: Final = ("agreement_ratio", "overall_ok", "ok", "passed")
ASKING: Final = ("llm_map", "fanout_generate")


def read_awo_1x(originals: Sequence[Original]) -> Found:
    """As `seam.Reader`: every file of the folder, named from it."""
    files = {original.name: original for original in originals}
    known = [name for name in (*PLANS, MANIFEST, INDEX) if name in files]
    records = [original for original in originals if _is_record(original.name)]
    if not known or "audit/journal.jsonl" in files:
        is_ours = "audit/journal.jsonl" in files
        raise not_this_form(
            "this is a run of this version of AWO" if is_ours else "this is no run of AWO 1.x",
            where=originals[0].name if originals else "the folder",
            expected=f"a folder with {', '.join((*PLANS, MANIFEST))} or {INDEX}, and records in steps/ or outputs/",
            got=", ".join(sorted(files)[:8]),
            hint="`awo import FOLDER` takes a package" if is_ours else "",
        )
    plan = next((_document(files[name]) for name in PLANS if name in files), {})
    manifest, index = _at(files, MANIFEST), _at(files, INDEX)
    approval = _at(files, APPROVAL)
    status = text(approval.get("status") or approval.get("decision") or index.get("status") or manifest.get("status"))
    claimed = ClaimedOrigin(
        software="AWO",
        version=text(_at(files, METADATA).get("version") or "1.x"),
        format_version="",
        title=text(plan.get("name") or manifest.get("workflow")),
        created=text(manifest.get("started_at") or index.get("started_at")),
        status=status,
        announced=-1,
    )
    other: dict[str, int] = {}
    results: list[ClaimedResult] = []
    for original in originals:
        if not _is_record(original.name):
            kind = original.name.partition("/")[0][:60]
            other[kind] = other.get(kind, 0) + 1
    return Found(claimed, _answers(records, plan, other, results), results, other)


def _is_record(name: str) -> bool:
    return name.partition("/")[0] in RECORDS and name.endswith((".json", ".jsonl"))


def _document(original: Original) -> dict[str, Any]:
    """The object in a file that says something of the whole; an empty one where it cannot be read."""
    try:
        return mapping(parsed(original.read()))
    except NotUnderstood:
        return {}


def _at(files: Mapping[str, Original], name: str) -> dict[str, Any]:
    return _document(files[name]) if name in files else {}


def _answers(
    records: Sequence[Original], plan: Mapping[str, Any], other: dict[str, int], results: list[ClaimedResult]
) -> Iterator[Answered | LeftOut]:
    asked = {text(mapping(step).get("id")): mapping(step) for step in listed(plan.get("steps"))}
    for original in records:
        try:
            for place, record in _records_in(original):
                yield from _of_record(place, record, asked, other, results)
        except NotUnderstood as error:
            yield LeftOut(where=original.name, why=str(error))


def _records_in(original: Original) -> Iterator[tuple[str, Any]]:
    data = original.read()
    if original.name.endswith(".json"):
        yield original.name, parsed(data)
        return
    for number, line in enumerate(data.splitlines(), start=1):
        if line.strip():
            yield f"{original.name}:{number}", parsed(line)


def _of_record(
    place: str, record: Any, asked: Mapping[str, Any], other: dict[str, int], results: list[ClaimedResult]
) -> Iterator[Answered | LeftOut]:
    whole = mapping(record)
    given = whole.get("outputs", whole.get("responses", whole.get("output")))
    answers = given if isinstance(given, list) else [given] if given is not None else []
    if isinstance(record, list):
        answers = record  # the responses of a fan-out alone
    step = text(whole.get("id") or place.rpartition("/")[2].partition(".")[0])
    if not answers:
        op = text(whole.get("op")) or "another record"
        if whole.get("op") in ASKING or "error" in whole:
            why = text(whole.get("message") or whole.get("error")) or "a step that asks, without an answer"
            yield LeftOut(where=place, why=f"a step that failed: {why}"[:300])
            return
        other[op[:60]] = other.get(op[:60], 0) + 1
        results += [
            ClaimedResult(name=f"{step}: {name}", value=scalar(whole[name])) for name in RESULTS if name in whole
        ]
        return
    planned = mapping(asked.get(step))
    for number, answer in enumerate(answers):
        where = place if len(answers) == 1 else f"{place}[{number}]"
        if isinstance(answer, str) or isinstance(mapping(answer).get("text"), str):
            yield _answered(where, step, answer, whole, planned)
        else:
            yield LeftOut(where=where, why="no answer: a text, or an object with `text`")


def _answered(where: str, step: str, answer: Any, record: Mapping[str, Any], planned: Mapping[str, Any]) -> Answered:
    told = mapping(answer)
    prompt = record.get("prompt", planned.get("prompt", mapping(planned.get("args")).get("prompt")))
    meta = mapping(told.get("meta"))
    return Answered(
        where=where,
        sample=step,
        model=text(told.get("model") or record.get("model") or meta.get("engine")),
        prompt=text(prompt),
        answer=text(answer if isinstance(answer, str) else told["text"]),
        at=text(record.get("ts")),
        error=text(told.get("error")),
    )
