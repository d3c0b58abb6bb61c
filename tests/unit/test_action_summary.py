"""The page of the job on GitHub: what is cut, and that text of anybody stays text."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

from hypothesis import given
from hypothesis import strategies as st


def part(name: str) -> ModuleType:
    """A file of the action, which is no part of the package."""
    path = Path(__file__).resolve().parents[2] / ".github" / "action" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"awo_action_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    __import__("sys").modules[spec.name] = found
    spec.loader.exec_module(found)
    return found


runner, gate_page = part("runner"), part("gate_page")


def test_a_report_is_cut_at_a_line_before_the_limit_and_that_is_said_before_it() -> None:
    summary = runner.Summary()
    summary.add("first\n")
    summary.add_report("é line of the report\n" * 100_000, "`report.md`")
    text = summary.text()
    assert runner.SUMMARY_BYTES - 10_000 < len(text.encode()) <= runner.SUMMARY_BYTES
    assert text.index("The report is cut here") < text.index("line of the report")
    assert text.endswith("é line of the report\n\n")
    summary.add_report("another\n", "`other.md`")
    assert len(summary.text().encode()) <= runner.SUMMARY_BYTES


def test_a_report_that_fits_is_whole() -> None:
    summary = runner.Summary()
    summary.add_report("# A report\n", "`report.md`")
    assert summary.text() == "\n# A report\n\n"


@given(st.text(alphabet="`\n a<", max_size=60))
def test_no_text_ends_the_block_that_it_stands_in(text: str) -> None:
    lines = gate_page.as_code(text).split("\n")
    fence = lines[1].removesuffix("text")
    assert fence == lines[-2]
    assert not any(fence in line for line in lines[2:-2])


@given(st.text(max_size=60))
def test_no_text_ends_a_workflow_command(text: str) -> None:
    shown = runner.shown_as_data(text)
    assert "\n" not in shown
    assert "\r" not in shown
    assert shown.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%") == text
