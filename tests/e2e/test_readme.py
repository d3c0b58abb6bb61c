"""The tour of README.md works as printed: each line is typed in an empty folder, with a home of its own."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from tests.e2e.at_stub import AtStub, items
from tests.e2e.installed import AWO, Project
from tests.stub.running import running_stub

README = Path(__file__).parents[2] / "README.md"
HEADING = "## Five minutes on your own"
DATA_SET = "## A data set, and any model"
STRANGERS = "## Evidence for strangers"
PUBLISH = "## Publish and cite"
POLICY = README.parent / "examples" / "redaction" / "answers-only.yaml"
LONGEST_TOUR_S = 120


def tour(language: str, heading: str = HEADING) -> list[str]:
    """The fenced blocks of the tour, or of another section, in one language."""
    section = README.read_text(encoding="utf-8").partition(heading)[2].partition("\n## ")[0]
    found: list[str] = re.findall(rf"^```{language}\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    assert found, heading
    return found


def expected_code(line: str) -> int:
    """What the line's remark says of its exit code, 0 without one."""
    said = re.search(r"# exit code (\d+)$", line)
    return int(said[1]) if said else 0


def test_every_line_of_the_tour_ends_as_printed(tmp_path: Path) -> None:
    place = tmp_path / "empty"
    place.mkdir()
    typed = [line for block in tour("sh") for line in block.splitlines()]
    typed += ["python3 ../verify.py ../../tour.tar.gz", "cd ../../tour", f"cp {POLICY} ."]
    typed += [line for heading in (STRANGERS, PUBLISH) for block in tour("sh", heading) for line in block.splitlines()]
    script = "".join(f"{line}\ncode=$?; [ $code = {expected_code(line)} ] || exit 99\n" for line in typed)
    project = Project(tmp_path / "around")
    path = f"{AWO.parent}{os.pathsep}{os.environ['PATH']}"
    environment = {name: value for name, value in project.environment.items() if not name.startswith("AWO_")}
    done = subprocess.run(
        ["bash", "-x", "-c", script],
        cwd=place,
        env=environment | {"PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LONGEST_TOUR_S,
    )
    assert done.returncode == 0, done.stdout
    assert done.stdout.count('Good "awo-') == 2
    assert "report.md: the file has been altered" in done.stdout
    assert "all that was given is what was sealed and withheld" in done.stdout
    assert "was verified and imported" in done.stdout
    assert sorted(path.name for path in (place / "tour").iterdir()) == [
        "answers-only.yaml",
        "awo.toml",
        "checklist.md",
        "reviewers",
        "runs",
        "workflow.yaml",
    ]


@pytest.mark.parametrize("text", tour("yaml"))
def test_a_workflow_of_the_tour_is_valid(text: str, project: Project) -> None:
    project.write("workflow.yaml", text)
    project.awo("validate", "workflow.yaml").expect(0)


def test_the_example_with_a_data_set_does_what_is_said_of_it(tmp_path: Path) -> None:
    with running_stub() as stub:
        project = AtStub(tmp_path, stub)
        rows = project.reviews(5)
        (text,) = tour("yaml", DATA_SET)
        project.write("survey.yaml", text)
        (typed,) = tour("sh", DATA_SET)
        planned, *others = typed.splitlines()
        project.awo(*planned.split()[1:]).expect(0)
        assert stub.counts()["arrived"] == 0
        for line in others:
            project.awo(*line.split()[1:]).expect(0)
        assert [item["row"]["text"] for item in items(project.latest(), "sort")] == [row["text"] for row in rows]
