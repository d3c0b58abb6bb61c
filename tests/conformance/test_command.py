"""The operation `command` with real processes: what it is given, what is kept of it, and that it ends."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from awo.errors import StepFailed
from awo.ops import stopping
from awo.ops.command import OPERATION, CommandArgs
from awo.testing.fake_desk import FakeDesk

SECRET = "correct-horse-battery"


@pytest.fixture
def desk() -> Iterator[FakeDesk]:
    with FakeDesk(
        values={"fit": {"slope": 2}},
        artifacts={("fit", "plots/a.txt"): b"a plot"},
        files={"data/in.txt": "some data"},
        inputs={"name": "Ada; rm -rf /"},
        secrets={"TOKEN": SECRET},
    ) as made:
        yield made


async def work(desk: FakeDesk, **args: Any) -> Any:
    return await OPERATION.perform(msgspec.convert(args, CommandArgs), desk)


def run(desk: FakeDesk, **args: Any) -> Any:
    return asyncio.run(work(desk, **args))


def failure(desk: FakeDesk, **args: Any) -> StepFailed:
    with pytest.raises(StepFailed) as caught:
        run(desk, **args)
    return caught.value


def alive(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    if sys.platform == "linux":
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return True


def await_end(pid: int) -> bool:
    deadline = time.monotonic() + 5
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not alive(pid)


def await_text(path: Path) -> str:
    """What stands in a file that a program is about to write."""
    while not (path.exists() and path.read_text().endswith("\n")):
        time.sleep(0.01)
    return path.read_text()


# --- what comes out ----------------------------------------------------------------------------------


def test_exit_code_stdout_and_stderr_are_kept(desk: FakeDesk) -> None:
    value = run(desk, shell="echo out; echo err >&2; exit 3", expect_exit=3)
    assert value == {
        "argv": ["/bin/sh", "-c", "echo out; echo err >&2; exit 3"],
        "exit_code": 3,
        "stdout": "outputs/step/files/stdout.txt",
        "stderr": "outputs/step/files/stderr.txt",
        "stdout_text": "out\n",
        "cut_bytes": {"stdout": 0, "stderr": 0},
        "outputs": [],
        "env_passed": [],
    }
    assert desk.kept == {"stdout.txt": b"out\n", "stderr.txt": b"err\n"}


def test_what_a_failed_command_said_is_kept_and_the_failure_says_how_it_ended(desk: FakeDesk) -> None:
    error = failure(desk, shell="echo why >&2; exit 3")
    assert (error.code, error.got) == ("command_exit", "exit code 3")
    assert desk.kept["stderr.txt"] == b"why\n"


def test_a_command_ended_by_a_signal_has_failed(desk: FakeDesk) -> None:
    assert failure(desk, shell="kill -9 $$").got == "ended by signal 9"


def test_output_beyond_the_limit_is_cut_and_counted_and_the_program_goes_on(desk: FakeDesk) -> None:
    value = run(desk, shell="head -c 3000000 /dev/zero; echo done >&2", max_output_bytes=1000)
    assert desk.kept["stdout.txt"] == b"\0" * 1000
    assert value["cut_bytes"] == {"stdout": 2_999_000, "stderr": 0}
    assert desk.kept["stderr.txt"] == b"done\n"


def test_output_that_is_no_text_is_kept_byte_for_byte(desk: FakeDesk) -> None:
    value = run(desk, argv=["printf", r"\303\050ok"])
    assert desk.kept["stdout.txt"] == b"\xc3(ok"
    assert value["stdout_text"] == "\N{REPLACEMENT CHARACTER}(ok"


def test_declared_outputs_are_kept(desk: FakeDesk) -> None:
    value = run(desk, shell="echo x > plots/x.txt; echo scrap > scrap.txt", outputs=["plots/x.txt"])
    assert desk.kept["plots/x.txt"] == b"x\n"
    assert "scrap.txt" not in desk.kept
    assert value["outputs"] == [
        {
            "path": "outputs/step/files/plots/x.txt",
            "sha256": "73cb3858a687a8494ca3323053016282f3dad39d42cf62ca4e79dda2aac7d9ac",
            "size_bytes": 2,
        }
    ]


# --- what goes in ------------------------------------------------------------------------------------


def test_declared_files_and_earlier_steps_are_there_as_copies(desk: FakeDesk) -> None:
    shell = "cat data/in.txt steps/fit/files/plots/a.txt steps/fit/output.json; echo spoiled > data/in.txt"
    value = run(desk, shell=shell, inputs=["data/in.txt"], from_steps=["fit"])
    assert value["stdout_text"] == 'some dataa plot{\n  "slope": 2\n}\n'
    assert desk.read_text("data/in.txt") == "some data"


def test_the_working_folder_and_the_home_are_empty_else(desk: FakeDesk) -> None:
    value = run(desk, shell='pwd; find . ; find "$HOME" "$TMPDIR" -mindepth 1')
    where, *found = value["stdout_text"].splitlines()
    assert Path(where).name == "work"
    assert found == ["."]


def test_words_of_argv_reach_the_program_whole(desk: FakeDesk) -> None:
    assert (
        run(desk, argv=["printf", "%s|", "{{ inputs.name }}", "$HOME", "a b"])["stdout_text"]
        == "Ada; rm -rf /|$HOME|a b|"
    )


def test_a_value_reaches_a_shell_line_through_the_environment(desk: FakeDesk) -> None:
    value = run(desk, shell='printf %s "$NAME"', set_env={"NAME": "{{ inputs.name }}"})
    assert value["stdout_text"] == "Ada; rm -rf /"


def test_standard_input_is_what_was_given_and_else_empty(desk: FakeDesk) -> None:
    assert run(desk, argv=["cat"], stdin="Hi {{ steps.fit.slope }}")["stdout_text"] == "Hi 2"
    with FakeDesk() as other:
        assert run(other, argv=["cat"])["stdout_text"] == ""


def test_the_environment_has_only_what_was_listed(desk: FakeDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANTED_TOKEN", "planted")
    monkeypatch.setenv("LISTED", "listed")
    value = run(desk, argv=["env"], env=["LISTED", "NOT_SET_HERE"], set_env={"OWN": "own"})
    names = {line.partition("=")[0] for line in value["stdout_text"].splitlines()}
    assert names == {"PATH", "LANG", "HOME", "TMPDIR", "LISTED", "OWN"}
    assert value["env_passed"] == ["LISTED"]
    assert "planted" not in value["stdout_text"]


def test_no_other_file_of_this_process_is_open_in_the_program(desk: FakeDesk, tmp_path: Path) -> None:
    with (tmp_path / "journal").open("w") as stream:
        os.set_inheritable(stream.fileno(), False)
        listed = run(desk, shell="for fd in 3 4 5 6 7 8 9; do (: <&$fd) 2>/dev/null && echo $fd; done; true")
    assert listed["stdout_text"] == ""


# --- it ends -----------------------------------------------------------------------------------------


def test_a_time_limit_ends_the_program_and_its_grandchildren(desk: FakeDesk, tmp_path: Path) -> None:
    shell = f"echo before; sh -c 'sleep 60 & echo $! > {tmp_path}/pid; wait'"
    error = failure(desk, shell=shell, time_limit_s=0.5)
    assert error.code == "time_limit"
    assert await_end(int((tmp_path / "pid").read_text()))
    assert desk.kept["stdout.txt"] == b"before\n"


def test_a_program_that_ignores_term_is_killed(desk: FakeDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "GRACE_S", 0.1)
    begun = time.monotonic()
    assert failure(desk, shell="trap '' TERM; while :; do sleep 0.1; done", time_limit_s=0.2).code == "time_limit"
    assert time.monotonic() - begun < 5


def test_a_program_is_asked_to_end_before_it_is_killed(desk: FakeDesk) -> None:
    error = failure(desk, shell="trap 'echo tidy; exit 0' TERM; while :; do sleep 0.05; done", time_limit_s=0.3)
    assert error.code == "time_limit"
    assert desk.kept["stdout.txt"] == b"tidy\n"


def test_what_a_program_leaves_in_the_background_ends_with_it(desk: FakeDesk, tmp_path: Path) -> None:
    begun = time.monotonic()
    run(desk, shell=f"sleep 60 & echo $! > {tmp_path}/pid")
    assert await_end(int((tmp_path / "pid").read_text()))
    assert time.monotonic() - begun < 5


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows which environment a process was started with")
def test_a_child_that_left_the_session_ends_too(desk: FakeDesk, tmp_path: Path) -> None:
    run(
        desk,
        shell=f"setsid sh -c 'echo $$ > {tmp_path}/pid; sleep 60' & until [ -s {tmp_path}/pid ]; do sleep 0.01; done",
    )
    assert await_end(int((tmp_path / "pid").read_text()))


def test_a_cancelled_step_ends_its_program(desk: FakeDesk, tmp_path: Path) -> None:
    async def cancel() -> None:
        step = asyncio.create_task(work(desk, shell=f"echo $$ > {tmp_path}/pid; sleep 60"))
        await asyncio.to_thread(await_text, tmp_path / "pid")
        step.cancel()
        with pytest.raises(asyncio.CancelledError):
            await step

    asyncio.run(cancel())
    assert await_end(int((tmp_path / "pid").read_text()))


def test_a_stranger_is_not_ended(desk: FakeDesk) -> None:
    bystander = os.spawnlp(os.P_NOWAIT, "sleep", "sleep", "60")
    try:
        assert failure(desk, argv=["sleep", "60"], time_limit_s=0.1).code == "time_limit"
        assert alive(bystander)
    finally:
        os.kill(bystander, signal.SIGKILL)
        os.waitpid(bystander, 0)


# --- what is refused -----------------------------------------------------------------------------------


def test_an_output_that_was_not_made_is_named(desk: FakeDesk) -> None:
    error = failure(desk, argv=["true"], outputs=["a/b.txt"])
    assert error.code == "output_missing"
    assert "a/b.txt" in error.what


@pytest.mark.parametrize(
    "shell",
    [
        "ln -s /etc/hostname x",
        "ln -s no-such-file x",
        "mkfifo x",
        "mkdir x",
    ],
)
def test_an_output_that_is_no_regular_file_is_refused(desk: FakeDesk, shell: str) -> None:
    assert failure(desk, shell=shell, outputs=["x"]).code == "output_refused"
    assert "x" not in desk.kept


def test_an_output_behind_a_linked_folder_is_refused(desk: FakeDesk) -> None:
    shell = "rmdir plots; mkdir other; echo x > other/x; ln -s other plots"
    assert failure(desk, shell=shell, outputs=["plots/x"]).code == "output_refused"


def test_when_one_output_is_bad_none_is_kept(desk: FakeDesk) -> None:
    failure(desk, shell="echo good > a; ln -s a b", outputs=["a", "b"])
    assert set(desk.kept) == {"stdout.txt", "stderr.txt"}


def test_a_secret_is_cut_from_what_is_printed_and_from_argv(desk: FakeDesk) -> None:
    value = run(desk, shell=f"echo it is {SECRET}")
    assert desk.kept["stdout.txt"] == b"it is [secret TOKEN]\n"
    assert SECRET not in repr(value)


def test_a_secret_across_the_limit_leaves_no_part_of_itself(desk: FakeDesk) -> None:
    run(desk, shell=f"printf 'ab%s' {SECRET}", max_output_bytes=8)
    assert desk.kept["stdout.txt"] == b"ab[secre"


def test_an_output_with_a_secret_is_refused_wherever_in_the_file_it_stands(desk: FakeDesk) -> None:
    before = (4 << 20) - 5
    shell = f"(head -c {before} /dev/zero; printf %s {SECRET}; head -c 100 /dev/zero) > big.bin"
    error = failure(desk, shell=shell, outputs=["big.bin"])
    assert error.code == "secret_in_output"
    assert SECRET not in str(error)


def test_a_program_that_is_not_there_is_named_as_the_workflow_spells_it(desk: FakeDesk) -> None:
    error = failure(desk, argv=["{{ inputs.name }}", "x"])
    assert error.code == "cannot_start"
    assert "{{ inputs.name }}" in error.got


def test_a_word_with_a_nul_cannot_be_started(desk: FakeDesk) -> None:
    assert failure(desk, argv=["echo", "a\0b"]).code == "cannot_start"
