"""Every workflow that the project shows is one: in the guide, in the examples, and in the published schema."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import jsonschema_rs
import pytest

from awo import api, plugins
from awo.canon import located
from awo.engine.promise import resolve
from awo.errors import WorkflowInvalid
from awo.evidence.secrets import SecretCutter
from awo.workflow.definition import STEP_KEYS, WorkflowShape
from awo.workflow.load import load, parse
from awo.workflow.sandbox import FILTERS
from awo.workflow.schema import workflow_schema
from awo.workflow.words import StepKind

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "workflow-files.md"
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
EXAMPLES = sorted(
    path
    for path in (ROOT / "examples").rglob("*")
    if path.suffix in (".yaml", ".json")
    and "claim" not in str(path)
    and path.parent.name != "redaction"  # policies: tests/e2e/test_redact.py runs each
    and not path.stem.endswith("-questions")
)


@pytest.fixture(scope="module")
def operations() -> Mapping[str, StepKind]:
    return api.operations()


@pytest.fixture(scope="module")
def published() -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(json.loads((ROOT / "schema" / "workflow.schema.json").read_text()))


@pytest.mark.parametrize("text", BLOCKS, ids=lambda text: text.splitlines()[0].removeprefix("name: "))
def test_each_block_of_the_guide_is_a_whole_workflow(
    text: str, operations: Mapping[str, StepKind], published: jsonschema_rs.Draft202012Validator
) -> None:
    assert parse(text.encode(), "guide.yaml", operations).steps
    value, _ = located.read(text.encode(), "guide.yaml")
    assert published.is_valid(value)


def test_the_guide_has_an_example_for_each_part() -> None:
    assert len(BLOCKS) >= 7


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_example_can_run_and_fits_the_published_schema(
    path: Path, operations: Mapping[str, StepKind], published: jsonschema_rs.Draft202012Validator
) -> None:
    record = resolve(
        load(path, operations), root=path.parent, source_name=path.name, secrets=SecretCutter.from_environment({})
    )
    assert record.steps
    value, _ = located.read(path.read_bytes(), path.name)
    assert published.is_valid(value)


def test_the_example_of_1x_has_its_steps_in_order(operations: Mapping[str, StepKind]) -> None:
    workflow = load(ROOT / "examples" / "awo-1x" / "multi_model.json", operations)
    assert [step.op for step in workflow.steps] == [
        "scope_validate",
        "fanout_generate",
        "consensus_vote",
        "write_text",
        "assert_contains",
        "audit_gate",
        "write_text",
    ]
    assert workflow.steps[5].needs == ("scope", "answers", "vote", "write_consensus", "check")
    assert workflow.steps[6].id == "step_007"
    assert workflow.steps[6].needs == ("audit",)


def test_the_schema_in_the_repository_is_the_one_that_the_types_give(operations: Mapping[str, StepKind]) -> None:
    written = json.loads((ROOT / "schema" / "workflow.schema.json").read_text())
    assert written == workflow_schema(operations), "run `make schema`"


def test_the_guide_names_every_key_operation_and_filter() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    words = [*WorkflowShape.__struct_fields__, *STEP_KEYS, *plugins.OPERATIONS, *plugins.BACKENDS, *FILTERS]
    assert [word for word in words if f"`{word}`" not in text] == []


def test_a_block_with_a_fault_is_found(operations: Mapping[str, StepKind]) -> None:
    with pytest.raises(WorkflowInvalid):
        parse(BLOCKS[0].replace("llm_map", "llm_mop").encode(), "guide.yaml", operations)
