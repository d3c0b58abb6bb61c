"""What the step does in the repository: which runs a push brought, the commit of a run, and the push of that commit."""

from __future__ import annotations

import base64
import json
import os
import re
from pathlib import Path

from programs import Stop, asks_git, awo, git, in_words
from runner import command

RUN_ID = re.compile(r"run_\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}Z(?:-\d+)?")
NO_COMMIT = "0" * 40
BOT = ("github-actions[bot]", "41898282+github-actions[bot]@users.noreply.github.com")
BRANCH = "refs/heads/"
TRIES = 3


def branch() -> str:
    """The branch that the job runs on. Raises `Stop` for a tag and for a pull request, whose ref is no branch's."""
    ref = os.environ.get("GITHUB_REF", "")
    if not ref.startswith(BRANCH):
        raise Stop(2, f"a run can only be pushed to a branch, and this job runs on {ref or 'none'}")
    return ref.removeprefix(BRANCH)


def pushed_runs() -> set[str]:
    """The ids of runs below which the push changed a file; none, with a warning, where git does not know."""
    event = json.loads(Path(os.environ.get("GITHUB_EVENT_PATH", os.devnull)).read_text(encoding="utf-8") or "{}")
    before, after = str(event.get("before", "")), str(event.get("after", ""))
    if (
        not re.fullmatch(r"[0-9a-f]{40,64}", before)
        or before == NO_COMMIT
        or not re.fullmatch(r"[0-9a-f]{40,64}", after)
    ):
        return set()
    code, names, _ = asks_git("diff", "--name-only", "-z", before, after, "--", ".")
    if code:  # a shallow clone, or a push that was forced
        command("warning", "what the push changed is not in this clone (fetch-depth: 0); runs that wait are taken up")
        return set()
    return {found.group() for name in names.split("\0") if (found := RUN_ID.search(name))}


def keep(run: str, folder: str, state: str, *, is_sealed: bool) -> str:
    """Commits the run's folder and the ledger, and nothing else; gives the commit. What is sealed goes in by
    `awo seal --commit`, which checks that git holds the very bytes."""
    who = {}
    if asks_git("config", "user.email")[0]:
        name, email = BOT
        who = {"GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": email}
        who |= {"GIT_COMMITTER_NAME": name, "GIT_COMMITTER_EMAIL": email}
    if is_sealed:
        code, found = awo("seal", run, "--commit", **who)
        if code:
            raise Stop(code, in_words(found))
    paths = [path for path in (folder, _ledger(folder)) if Path(path).exists()]
    git("-c", "core.autocrlf=false", "add", "-f", "--", *paths)
    if git("diff", "--cached", "--name-only", "--", *paths):
        what = f"Keep {run}: {state}"
        git("-c", "core.autocrlf=false", "commit", "-q", "-m", what, "--", *paths, **who)
    return git("rev-parse", "HEAD").strip()


def push(token: str, folder: str) -> str:
    """Pushes to the branch that the job runs on; gives the commit that was pushed.

    Where somebody pushed meanwhile, the commits are put behind theirs, unless theirs changed this run or the ledger:
    two ledgers are never joined. The token is in the environment of single git processes, in no file.
    """
    name, extra = branch(), {}
    if token:
        basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
        extra = {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"http.{os.environ['GITHUB_SERVER_URL']}/.extraheader",
            "GIT_CONFIG_VALUE_0": f"AUTHORIZATION: basic {basic}",
        }
    for left in reversed(range(TRIES)):
        code, printed, said = asks_git("push", "-q", "--porcelain", "origin", f"HEAD:{BRANCH}{name}", **extra)
        if not code:
            break
        if not left or not re.search(r"fetch first|non-fast-forward", printed + said):
            raise Stop(7, f"git push does not work: {said[-500:]}")
        git("fetch", "-q", "origin", f"{BRANCH}{name}", **extra)
        _go_behind(folder)
    return git("rev-parse", "HEAD").strip()


def _go_behind(folder: str) -> None:
    """Puts the commits of this job behind what was fetched. Raises `Stop`, with nothing changed, where it cannot."""
    theirs = git("rev-parse", "FETCH_HEAD").strip()
    common = git("merge-base", "HEAD", theirs).strip()
    if touched := git("diff", "--name-only", common, theirs, "--", folder, _ledger(folder)).split("\n")[0]:
        raise Stop(
            7,
            f"somebody pushed {touched} while this job ran, so its commit does not fit behind theirs. Nothing was "
            "pushed. Let one job at a time append to the ledger (concurrency), and start this one anew",
        )
    code, _, said = asks_git("rebase", "-q", theirs, **_committer())
    if code:
        asks_git("rebase", "--abort")
        raise Stop(7, f"git rebase does not work: {said[-500:]}")


def _committer() -> dict[str, str]:
    if not asks_git("config", "user.email")[0]:
        return {}
    return {"GIT_COMMITTER_NAME": BOT[0], "GIT_COMMITTER_EMAIL": BOT[1]}


def _ledger(folder: str) -> str:
    return str(Path(folder).parent / "ledger")
