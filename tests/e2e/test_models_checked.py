"""What is asked of a model is checked before anything starts, and so is whether it is there."""

from __future__ import annotations

from tests.e2e.installed import Project, run_folders


def workflow(model: str, params: str) -> str:
    return (
        f"name: x\nmodels:\n  small: {{backend: llama, model: {model}, params: {params}}}\n"
        "steps:\n  - {id: a, op: llm_map, model: small, prompt: hi}\n"
    )


def test_a_parameter_that_no_model_has_is_a_problem_of_the_workflow(project: Project) -> None:
    project.write("w.yaml", workflow("smollm2", "{temprature: 0}"))
    for command in ("validate", "run"):
        project.awo(command, "w.yaml").refused(8, "w.yaml:3:", "'temprature'", "did you mean 'temperature'?")
    assert run_folders(project.runs) == []


def test_weights_that_are_not_here_stop_a_run_before_it_begins(project: Project) -> None:
    project.write("w.yaml", workflow("absent.gguf", "{}"))
    validated = project.awo("validate", "w.yaml").expect(0)
    assert "this machine cannot run it yet" in validated.err
    assert "absent.gguf" in project.awo("validate", "w.yaml", "--json").expect(0).json["lacking"]
    project.awo("run", "w.yaml").refused(7, "'absent.gguf'", "smollm2")
    assert run_folders(project.runs) == []
