"""The repository that a run is made from: commit, remote, tags, submodules; the uncommitted text only on request."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from awo.engine.git import Asked, git_facts
from awo.engine.machine.addresses import public_address
from awo.engine.machine.looked import one_line
from awo.evidence.secrets import SecretCutter

MOST_DIFF_BYTES: Final = 256 << 10
MOST_NAMED: Final = 50
"""Tags and submodules that are recorded at most."""
_SUBMODULE = re.compile(rb"160000 commit ([0-9a-f]{40,64})\t(.*)", re.DOTALL)


def repository_facts(root: Path, workflow_root: Path) -> dict[str, Any]:
    """`git_facts`, and where there is a commit: `folder` (of the project in the repository), `has_workflow` (whether
    the workflow lies in the project), `remote` (the address alone, '' for none), `tags` at the commit, and
    `submodules` with the commits that it names."""
    asked = Asked(root)
    facts = git_facts(asked)
    head = asked.head() if facts["commit"] != "none" else None
    if head is None:
        return facts
    tags = asked.output("tag", "--points-at", head.commit).decode(errors="replace").splitlines()
    return facts | {
        "folder": head.folder,
        "has_workflow": workflow_root.resolve().is_relative_to(root.resolve()),
        "remote": _remote(asked, head.branch),
        "tags": [one_line(tag) for tag in tags[:MOST_NAMED]],
        "submodules": _submodules(asked, root / head.up) if (root / head.up / ".gitmodules").is_file() else [],
    }


def _remote(asked: Asked, branch: str) -> str:
    """The address that the branch is fetched from; else that of `origin`, else of the first remote."""
    words = ("config", "-z", "--get-regexp", r"^(remote\..*\.url|branch\..*\.remote)$")
    said = asked.output(*words).decode(errors="replace")
    known: dict[str, str] = {}
    for entry in said.split("\0"):
        key, _, value = entry.partition("\n")
        known.setdefault(key, value)
    urls = {key[len("remote.") : -len(".url")]: value for key, value in known.items() if key.startswith("remote.")}
    name = known.get(f"branch.{branch}.remote", "origin")
    return public_address(urls.get(name) or urls.get("origin") or next(iter(urls.values()), ""))


def _submodules(asked: Asked, top: Path) -> list[dict[str, str]]:
    """Path and commit of each submodule that .gitmodules names, as the commit has them. One that was moved on since
    makes the tree dirty."""
    said = asked.output("config", "-z", "-f", ".gitmodules", "--get-regexp", r"^submodule\..*\.path$", root=top)
    paths = [entry.partition(b"\n")[2] for entry in said.split(b"\0") if entry][:MOST_NAMED]
    if not paths:
        return []
    names = [path.decode(errors="surrogateescape") for path in paths]
    entries = asked.output("ls-tree", "-z", "HEAD", "--", *names, root=top).split(b"\0")
    found = [match for match in map(_SUBMODULE.fullmatch, entries) if match]
    return [{"path": one_line(match[2].decode(errors="replace")), "commit": match[1].decode()} for match in found]


def uncommitted(root: Path, secrets: SecretCutter) -> dict[str, Any]:
    """The text of `git diff HEAD`, without the bytes of binary files, secrets cut out, at most `MOST_DIFF_BYTES`.

    Where a secret goes over several lines of it, nothing of it is recorded: `left_out` says so.
    """
    answer = Asked(root).ask("diff", "--no-ext-diff", "--no-textconv", "--no-color", "HEAD")
    if not answer.is_done:
        return {"left_out": "git gives no difference here"}
    diff = answer.said
    cut = secrets.cut(diff)
    bare = b"\n".join(line[1:] for line in cut.split(b"\n"))
    if found := secrets.found_in(bare):
        return {"left_out": f"it holds the value of {', '.join(found)} over several lines"}
    kept = cut[:MOST_DIFF_BYTES]
    return {
        "text": kept.decode(errors="replace"),
        "size_bytes": len(diff),
        "is_cut": len(kept) < len(cut),
    }
