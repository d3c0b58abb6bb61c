"""Asks GitHub who approved a job in a protected environment, with what the runner's environment says. ADR 0020."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from awo.errors import CannotCheck, UsageError
from awo.evidence.relayed import LONGEST_WORDS, Relayed
from awo.publish.post import Reply, check_url, get

TIMEOUT_S: Final = 30.0
MOST_REVIEWS: Final = 100

_FORMS: Final[Mapping[str, str]] = {
    "GITHUB_REPOSITORY": r"[A-Za-z0-9][A-Za-z0-9-]{0,99}/[A-Za-z0-9._-]{1,100}",
    "GITHUB_RUN_ID": r"[1-9][0-9]{0,19}",
    "GITHUB_RUN_ATTEMPT": r"[1-9][0-9]{0,9}",
    "GITHUB_SERVER_URL": r"https?://[A-Za-z0-9.:\[\]-]{1,200}",
    "GITHUB_API_URL": r"https?://[A-Za-z0-9.:\[\]-]{1,200}(/[A-Za-z0-9._/-]{0,200})?",
    "GITHUB_SHA": r"[0-9a-f]{40}([0-9a-f]{24})?",
    "GITHUB_ACTOR": r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}(\[bot\])?",
}
"""What the runner sets for every job, and the form it must have."""

_LOGIN: Final = re.compile(_FORMS["GITHUB_ACTOR"])
_BOT: Final = "[bot]"
_TOKEN: Final = re.compile(r"[\x21-\x7e]{8,1000}")


class _User(msgspec.Struct, frozen=True):
    login: str


class _Environment(msgspec.Struct, frozen=True):
    name: str


class _Review(msgspec.Struct, frozen=True):
    state: str
    user: _User
    environments: list[_Environment]
    comment: str | None = None


def approval_on_github(environment: str, runner: Mapping[str, str], *, may_be_own: bool) -> Relayed:
    """Who approved the protected `environment` for the workflow run that `runner`, the process's variables, names.

    `may_be_own` lets whoever triggered the workflow run approve it. Raises `UsageError` where it was not approved or
    the variables are not a runner's, `CannotCheck` without a token or an answer. No error shows the token.
    """
    told = {name: _variable(runner, name) for name in _FORMS}
    token = runner.get("GITHUB_TOKEN", "")
    if not _TOKEN.fullmatch(token):
        raise CannotCheck(
            "there is no token to ask GitHub with",
            where="GITHUB_TOKEN",
            expected="the token of the job, with the permission actions: read",
            got="no token" if not token else "a text that cannot be one",
            hint="env: GITHUB_TOKEN: ${{ github.token }}, at the step that calls awo",
        )
    if told["GITHUB_RUN_ATTEMPT"] != "1":
        raise UsageError(
            "this is another attempt of a workflow run, and GitHub does not say to which attempt an approval belongs",
            where="GITHUB_RUN_ATTEMPT",
            expected="1",
            got=told["GITHUB_RUN_ATTEMPT"],
            hint="start the workflow anew, and do not re-run its jobs",
        )
    api = told["GITHUB_API_URL"].rstrip("/")
    _refuse_open_line(api)
    path = f"/repos/{told['GITHUB_REPOSITORY']}/actions/runs/{told['GITHUB_RUN_ID']}/approvals"
    headers = (
        ("Accept", "application/vnd.github+json"),
        ("Authorization", f"Bearer {token}"),
        ("X-GitHub-Api-Version", "2022-11-28"),
    )
    reply = get(f"{api}{path}", timeout_s=TIMEOUT_S, headers=headers)
    run_url = f"{told['GITHUB_SERVER_URL']}/{told['GITHUB_REPOSITORY']}/actions/runs/{told['GITHUB_RUN_ID']}"
    triggers = {told["GITHUB_ACTOR"], runner.get("GITHUB_TRIGGERING_ACTOR") or told["GITHUB_ACTOR"]}
    approvers, words = approvers_in(
        _reviews(reply, api), environment, triggers=frozenset() if may_be_own else frozenset(triggers), where=run_url
    )
    return Relayed(
        approvers=approvers,
        environment=environment,
        run_url=run_url,
        commit=told["GITHUB_SHA"],
        triggered_by=", ".join(sorted(name for name in triggers if _LOGIN.fullmatch(name))),
        asked_at=api,
        words=words,
    )


def approvers_in(
    reviews: Sequence[tuple[str, str, Sequence[str], str]], environment: str, *, triggers: frozenset[str], where: str
) -> tuple[tuple[str, ...], str]:
    """Who approved `environment`, and what they wrote: from (state, login, environments, comment) of each review.

    Raises `UsageError`, naming `where`, when nobody did, when somebody rejected it, and for one of `triggers`.
    """
    wanted = _as_github_compares(environment)
    about = [one for one in reviews if wanted in map(_as_github_compares, one[2])]
    approved = [one for one in about if one[0] == "approved"]
    refused = sorted({login for state, login, _, _ in about if state != "approved"})
    if refused:
        raise UsageError(
            f"{', '.join(refused)} did not approve the environment {environment} for this workflow run",
            where=where,
            expected="approvals only",
            hint="start the workflow anew; what is rejected on GitHub rejects no run: `awo reject` does",
        )
    if not approved:
        others = sorted({_plain(name) for one in reviews for name in one[2]})
        raise UsageError(
            f"nobody has approved the environment {environment} for this workflow run on GitHub",
            where=where,
            expected="an approval by a required reviewer of that environment",
            got=f"approvals for {', '.join(others)}"[:200] if others else "no approval at all",
            hint="name the environment at the job (environment:), and give it required reviewers on GitHub",
        )
    logins = tuple(dict.fromkeys(login for _, login, _, _ in approved))
    if machines := [login for login in logins if login.endswith(_BOT)]:
        raise UsageError(
            f"{machines[0]} approved this workflow run, and is no person",
            where=where,
            expected="an approval by a required reviewer, who is a person",
        )
    folded = {name.casefold() for name in triggers}
    if own := [login for login in logins if login.casefold() in folded]:
        raise UsageError(
            f"{own[0]} triggered this workflow run and approved it",
            where=where,
            expected="an approval by somebody else",
            hint="turn on 'Prevent self-review' for the environment; who works alone sets solo = true for the gate",
        )
    return logins, "\n".join(dict.fromkeys(filter(None, (_plain(one[3]) for one in approved))))[:LONGEST_WORDS]


def _as_github_compares(environment: str) -> str:
    """Names of environments differ by more than the case of ASCII letters: no other letter passes for one of them."""
    return environment.lower() if environment.isascii() else environment


def _reviews(reply: Reply, api: str) -> list[tuple[str, str, list[str], str]]:
    if reply.status != 200:
        raise CannotCheck(
            "GitHub does not say who approved",
            where=api,
            expected="status 200",
            got=f"status {reply.status}",
            hint="the job needs `permissions: actions: read`" if reply.status in (401, 403, 404) else "try again later",
        )
    try:
        found = msgspec.json.decode(reply.body, type=list[_Review])
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise CannotCheck("GitHub's answer is not a list of reviews", where=api, got=ascii(str(error))[:200]) from error
    if len(found) > MOST_REVIEWS or not all(_LOGIN.fullmatch(one.user.login) for one in found):
        raise CannotCheck(
            "GitHub's answer is not a list of reviews",
            where=api,
            expected=f"at most {MOST_REVIEWS} reviews, each by somebody with a login name",
        )
    return [(one.state, one.user.login, [env.name for env in one.environments], one.comment or "") for one in found]


def _variable(runner: Mapping[str, str], name: str) -> str:
    value = runner.get(name, "")
    if not re.fullmatch(_FORMS[name], value):
        raise UsageError(
            "an approval is relayed from GitHub by a job that runs there",
            where=name,
            expected="the variable as the runner sets it",
            got=ascii(value)[:80] if value else "no such variable",
            hint="elsewhere, decide with a key of your own: awo approve RUN --key KEY --as ID",
        )
    return value


def _refuse_open_line(api: str) -> None:
    """A token goes over TLS, or no further than this machine."""
    host = check_url(api).hostname
    if not api.startswith("https://") and host not in ("127.0.0.1", "::1", "localhost"):
        raise UsageError("a token is not sent without TLS", where="GITHUB_API_URL", expected="https://…", got=api[:80])


def _plain(text: str) -> str:
    """`text` as it can stand in a decision: one kind of line end, and U+FFFD for what cannot be shown."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    shown = (
        c if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp") else "\ufffd" for c in lines
    )
    return unicodedata.normalize("NFC", "".join(shown)).strip()
