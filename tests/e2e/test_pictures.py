"""Pictures beside the report: drawn at a stop, sealed with the rest, rebuilt by `awo render`, and never needed."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree as ET

from tests.e2e.installed import Project

BREAKS = """
import awo.derive.charts.gathering as gathering

def broken(*_):
    raise ValueError("/a/place")

gathering.scores_picture = broken
"""
WITHOUT_MATPLOTLIB = "import sys; sys.modules['matplotlib'] = None\n"


def study(project: Project, *, gate: bool = False) -> str:
    """Two stand-ins say each row, one of them in capitals: scored, compared and, if asked for, left to a person."""
    rows = "".join(f"row{number},{'yes' if number % 3 else 'YES'}\n" for number in range(12))
    project.write("rows.csv", f"id,text\n{rows}")
    steps = [
        {
            "id": "ask",
            "op": "fanout_generate",
            "over": "rows",
            "models": ["echo", "upper"],
            "repeats": 3,
            "prompt": "{{ item.text }}",
        },
        {"id": "scores", "op": "score", "of": "ask", "scores": {"right": {"kind": "equals", "expected": "yes"}}},
        {
            "id": "stats",
            "op": "statistics",
            "of": "scores",
            "resamples": 200,
            "metrics": {"accuracy": {"score": "right", "by": ["model"]}},
            "comparisons": {"better": {"score": "right", "between": {"model": ["echo", "upper"]}}},
        },
    ]
    if gate:
        project.write("checklist.md", "- [ ] {#read} I have read it.\n")
        steps.append({"id": "look", "op": "audit_gate", "needs": ["stats"], "checklist": "checklist.md"})
    project.write(
        "w.json", json.dumps({"name": "x", "inputs": {"rows": {"data": "rows.csv", "id": "id"}}, "steps": steps})
    )
    return "w.json"


def test_a_study_ends_with_pictures_that_are_sealed_and_verified(project: Project) -> None:
    project.awo("run", study(project)).expect(0)
    (run,) = project.runs.glob("run_*")
    drawn = {path.name for path in (run / "report").iterdir()}
    kinds = {"scores", "differences", "latency"}
    assert drawn == {"pictures.md", *(f"{kind}.{ending}" for kind in kinds for ending in ("svg", "png"))}
    assert all(ET.parse(run / "report" / f"{kind}.svg").getroot().tag.endswith("svg") for kind in kinds)
    sums = (run / "SHA256SUMS").read_text()
    assert all(f"  report/{name}\n" in sums for name in drawn)
    report = (run / "report.md").read_text()
    assert "[`report/pictures.md`](report/pictures.md)" in report
    assert report.index("## Comparisons") < report.index("## What was asked")
    project.awo("verify", "latest").expect(0)
    project.awo("export", "latest").expect(0)
    (bundle,) = project.runs.glob("*.tar.gz")
    project.awo("verify", bundle).expect(0)


def test_render_draws_the_same_pictures_again_and_clears_what_is_no_view(project: Project) -> None:
    project.enrol_reviewer()
    project.awo("run", study(project, gate=True)).expect(78)
    (run,) = project.runs.glob("run_*")
    before = {path.name: path.read_bytes() for path in (run / "report").iterdir()}
    (run / "report" / "scores.svg").write_text("altered")
    (run / "report" / ".half.svg.new").write_text("left by a crash")
    project.awo("render", "latest").expect(0)
    assert {path.name: path.read_bytes() for path in (run / "report").iterdir()} == before


def test_without_matplotlib_the_report_is_the_same_and_nothing_fails(project: Project) -> None:
    site = project.write("site/sitecustomize.py", WITHOUT_MATPLOTLIB)
    bare = {"PYTHONPATH": str(site.parent)}
    project.enrol_reviewer()
    project.awo("run", study(project, gate=True), variables=bare).expect(78)
    (run,) = project.runs.glob("run_*")
    assert not (run / "report").exists()
    report = (run / "report.md").read_bytes()
    project.awo("render", "latest").expect(0)
    assert (run / "report" / "scores.svg").exists()
    assert (run / "report.md").read_bytes() == report
    project.awo("render", "latest", variables=bare).expect(0)
    assert not (run / "report").exists()


def test_a_drawing_that_breaks_is_a_note_and_no_failure(project: Project) -> None:
    site = project.write("site/sitecustomize.py", BREAKS)
    project.awo("run", study(project), variables={"PYTHONPATH": str(site.parent)}).expect(0)
    (run,) = project.runs.glob("run_*")
    page = (run / "report" / "pictures.md").read_text()
    assert "## Not drawn: scores\n\nmatplotlib ended with ValueError\n" in page
    assert "/a/place" not in page
    assert (run / "report" / "differences.svg").exists()


def test_a_run_without_results_loads_no_matplotlib_and_makes_no_folder(project: Project) -> None:
    project.write(
        "w.json", json.dumps({"name": "x", "steps": [{"id": "a", "op": "llm_map", "model": "echo", "prompt": "y"}]})
    )
    done = project.awo("run", "w.json", variables={"PYTHONPROFILEIMPORTTIME": "1"}).expect(0)
    assert "awo.derive.report.pictures" in done.err
    assert not re.search(r"matplotlib|awo\.derive\.charts", done.err)
    (run,) = project.runs.glob("run_*")
    assert not (run / "report").exists()
