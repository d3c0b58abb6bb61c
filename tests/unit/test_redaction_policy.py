"""The file that says what may be seen: read with every mistake at its place, and said so that a reader can mend it."""

from __future__ import annotations

import pytest

from awo.errors import UsageError
from awo.evidence.redaction_policy import Show
from awo.withhold.policy_file import read_policy_file

HEAD = "format: awo/redaction-policy/v1\n"


def test_a_policy_reads_as_it_is_written() -> None:
    text = HEAD + (
        "like: answers-only\nreason: patients\nwithhold: [outputs/private/**]\nreasons: {outputs/**: names}\nshow:\n"
        "  files: [report.md]\n  values: {input.json: [/name, /steps/*/id], outputs/*/output.json: all}\n"
        "  responses: {ask: [text], '*': facts only}\n  items: [value]\n"
    )
    policy = read_policy_file(text.encode(), "policy.yaml")
    assert policy.like == "answers-only"
    assert (policy.reason, policy.reasons, policy.withhold) == (
        "patients",
        {"outputs/**": "names"},
        ["outputs/private/**"],
    )
    assert policy.show == Show(
        files=["report.md"],
        values={"input.json": ["/name", "/steps/*/id"], "outputs/*/output.json": "all"},
        responses={"ask": ["text"], "*": "facts only"},
        items=["value"],
    )


def test_a_policy_may_be_json() -> None:
    policy = read_policy_file(b'{"format": "awo/redaction-policy/v1", "show": {"responses": "all"}}', "p.json")
    assert policy.show.responses == "all"


@pytest.mark.parametrize(
    ("text", "where", "says"),
    [
        ("shows: {}\n", "policy.yaml:2:1", "did you mean 'show'?"),
        ("show: {file: [a]}\n", "policy.yaml:2:8", "did you mean 'files'?"),
        ("show: {files: report.md}\n", "policy.yaml:2:15", "this is no list"),
        ("show: {files: [../x]}\n", "policy.yaml:2:16", "names no file"),
        ("show: {files: [3]}\n", "policy.yaml:2:16", "this is no file"),
        ("show: {responses: [texts]}\n", "policy.yaml:2:20", "did you mean 'text'?"),
        ("show: {responses: text}\n", "policy.yaml:2:19", "write it as a list: [text]"),
        ("show: {responses: {ask: fact only}}\n", "policy.yaml:2:25", "did you mean 'facts only'?"),
        ("show: {items: [text]}\n", "policy.yaml:2:16", "item, row, value, reason"),
        ("show: {values: {input.json: [name]}}\n", "policy.yaml:2:30", "begins with a slash"),
        ("show: {values: {report.md: all}}\n", "policy.yaml:2:17", "input.json"),
        ("show: {values: {input.json: al}}\n", "policy.yaml:2:29", "did you mean 'all'?"),
        ("show: 3\n", "policy.yaml:2:7", "this is no mapping"),
        ("like: no-prompt\n", "policy.yaml:2:7", "did you mean 'no-prompts'?"),
        ("withhold: [audit/journal.jsonl]\n", "policy.yaml:2:12", "always shown"),
        ("reason: [a]\n", "policy.yaml:2:9", "a reason is text"),
        ('reason: "a\\e[0m"\n', "policy.yaml:2:9", "cannot be recorded"),
        ("reasons: {report.md: 3}\n", "policy.yaml:2:22", "a reason is text"),
        ("show: [\n", "policy.yaml:3:1", "not YAML"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_was_meant(text: str, where: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_policy_file((HEAD + text).encode(), "policy.yaml")
    error = caught.value
    assert error.where == where, str(error)
    assert says in str(error)


@pytest.mark.parametrize("text", ["show: {}\n", "format: awo/policy\n", "[]", "\xff"])
def test_a_file_that_is_no_policy_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_policy_file(text.encode("latin-1"), "policy.yaml")
    assert caught.value.where.startswith("policy.yaml")
