"""Secrets of the environment never reach the run's folder, a bundle or the terminal, in whatever spelling."""

from __future__ import annotations

import base64
import json
import urllib.parse

import pytest
from tests.e2e.installed import Done, Project, contents, of_kind

SECRETS = {
    "OPENAI_API_KEY": "sk-aB3/dE+fG hI&jK=0123456789",
    "DEPLOY_TOKEN": "tok\u00e9n-with-\u00fcmlauts-and-%-signs",
    "DB_PASSWORD": "pa\"ss\\word'quoted",
}


def spellings(secret: str) -> list[bytes]:
    """How a secret may turn up: as it is, in JSON, in a URL, and in base64 wherever it begins."""
    raw = secret.encode()
    found = [raw, json.dumps(secret)[1:-1].encode(), urllib.parse.quote(secret).encode()]
    found += [urllib.parse.quote_plus(secret).encode()]
    for before in range(3):
        encoded = base64.b64encode(b"x" * before + raw + b"y" * 3)
        found.append(encoded[4 if before else 0 : -8])
    return found


def assert_kept(project: Project, *printed: Done) -> None:
    """No secret stands below the project (bundle and all), or was printed."""
    places = contents(project.root / "runs") | {"terminal": b"".join(done.stdout + done.stderr for done in printed)}
    for name, data in places.items():
        for variable, secret in SECRETS.items():
            for spelling in spellings(secret):
                assert spelling not in data, f"{variable} as {spelling!r} stands in {name}"


def run(project: Project, workflow: str, *more: str) -> Done:
    project.write("w.yaml", workflow)
    return project.awo("run", "w.yaml", *more, variables=SECRETS)


def command(line: str) -> str:
    names = ", ".join(SECRETS)
    return f"name: x\nsteps:\n  - {{id: leak, op: command, env: [{names}], shell: {json.dumps(line)}}}\n"


PRINTED = {
    "as it is": 'echo "key=$OPENAI_API_KEY $DEPLOY_TOKEN"; echo "$DB_PASSWORD" >&2',
    "in base64": 'printf "%s" "$OPENAI_API_KEY" | base64 -w0; printf "xy%s-and-more" "$DB_PASSWORD" | base64 -w0 >&2',
    "in JSON": (
        "python3 -c 'import json, os; print(json.dumps(dict(os.environ))); "
        'print(json.dumps(os.environ["DEPLOY_TOKEN"], ensure_ascii=False))\''
    ),
    "in a URL": (
        "python3 -c 'import os, urllib.parse as u; "
        'print(u.quote(os.environ["OPENAI_API_KEY"]), u.quote_plus(os.environ["DEPLOY_TOKEN"]))\''
    ),
    "behind much else": "head -c 300000 /dev/zero | tr '\\0' x; echo \"$OPENAI_API_KEY\"",
}


@pytest.mark.parametrize("how", PRINTED)
def test_what_a_command_prints_has_no_secret_in_it(project: Project, how: str) -> None:
    done = run(project, command(PRINTED[how])).expect(0)
    kept = b"".join((project.latest() / f"outputs/leak/files/{name}.txt").read_bytes() for name in ("stdout", "stderr"))
    assert b"[secret " in kept
    project.awo("export", variables=SECRETS).expect(0)
    shown = [project.awo(*words, variables=SECRETS) for words in (("show",), ("show", "--json"), ("verify",))]
    assert_kept(project, done, *shown)


@pytest.mark.parametrize("how", ["as it is", "in base64"])
def test_a_command_that_fails_with_a_secret_on_its_lips_tells_nobody(project: Project, how: str) -> None:
    done = run(project, command(f"{PRINTED[how]}; exit 3")).expect(6)
    assert b"[secret " in (project.latest() / "outputs/leak/attempt-1/stdout.txt").read_bytes()
    assert_kept(project, done, project.awo("show", variables=SECRETS))


def test_a_file_with_a_secret_is_refused_and_not_kept(project: Project) -> None:
    line = 'printf "%s" "$OPENAI_API_KEY" > key.txt; printf "%s" "$DB_PASSWORD" | base64 -w0 > b.txt'
    for name in ("key.txt", "b.txt"):
        done = run(project, command(line).replace("shell:", f"outputs: [{name}], shell:"), "--json").expect(6)
        assert name in done.json["failures"]["leak"]["error"]
        (failure,) = of_kind(project.latest(), "step_failed")
        assert failure["reason"]["code"] == "secret_in_output"
        assert_kept(project, done)


def test_a_workflow_with_a_secret_is_refused_before_a_folder_is_made(project: Project) -> None:
    for secret in SECRETS.values():
        prompt = json.dumps(f"My key is {secret}.")
        done = run(project, f"name: x\nsteps:\n  - {{id: a, op: llm_map, prompt: {prompt}}}\n")
        done.refused(8, "environment variable", "w.yaml:3")
        assert not project.runs.exists()
        assert_kept(project, done)


def test_a_file_that_a_workflow_reads_may_hold_no_secret(project: Project) -> None:
    project.write("notes.md", f"line one\nkey: {SECRETS['DEPLOY_TOKEN']}\n")
    text = "name: x\ninputs: {n: {file: notes.md}}\nsteps:\n  - {id: a, op: llm_map, prompt: '{{ inputs.n }}'}\n"
    done = run(project, text)
    done.refused(8, "DEPLOY_TOKEN", "notes.md:2")
    assert_kept(project, done)


def test_a_model_that_repeats_a_secret_from_a_file_of_an_earlier_step_is_cut(project: Project) -> None:
    """The command spells the secret backwards, so nobody sees it; the model turns it round."""
    line = 'printf "%s" "$OPENAI_API_KEY" | rev'
    more = "  - {id: turn, op: fanout_generate, prompt: '{{ steps.leak.stdout_text }}', models: [reverse]}\n"
    done = run(project, command(line) + more)
    assert done.code in (0, 6)
    assert_kept(project, done)


def test_the_reason_of_a_decision_may_hold_no_secret(at_gate: Project) -> None:
    reason = f"It says {SECRETS['OPENAI_API_KEY']} in the answer."
    arguments = ("reject", "latest", "--key", at_gate.key, "--as", "alice@example.org", "--reason", reason)
    done = at_gate.awo(*arguments, variables=SECRETS)
    done.refused(2, "OPENAI_API_KEY")
    assert_kept(at_gate, done)


def test_the_record_of_the_environment_has_no_variables_names_or_paths(project: Project) -> None:
    run(project, "name: x\nsteps:\n  - {id: a, op: llm_map, prompt: x}\n").expect(0)
    folder = project.latest()
    (recorded,) = of_kind(folder, "environment_recorded")
    usual = "container cpu distributions git gpu hash_seed locale memory packages platform python threads time_zone"
    assert sorted(recorded["environment"]) == usual.split()
    for name, data in contents(folder).items():
        for text in (*SECRETS, *project.environment, str(project.top)):
            assert text.encode() not in data, (name, text)
