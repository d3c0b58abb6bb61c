"""A policy as a choice: an allow-list held against the files of a package. What it does not name is withheld."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from awo.evidence.disclosure import Form, form_of
from awo.evidence.redaction_policy import RedactionPolicy, Show
from awo.withhold.choice import ALWAYS_SHOWN, LineChoice, State, ValueChoice
from awo.withhold.presets import PRESETS
from awo.workflow.globs import matches

Entry = Sequence[str] | Literal["all", "facts only", "nothing"]
"""What a policy says of a file that is cut: a list of keys or places, or a word."""


@dataclass(slots=True)
class PolicyChoice:
    """Implements `awo.withhold.choice.Choice`; remembers which of its patterns were of use.

    Of a file that is cut, `values`, `responses` and `items` say more than `files`; of several patterns that fit it the
    one that is its very name counts, else only what all of them show is shown; and `withhold` goes over everything.
    """

    policy: RedactionPolicy
    used: set[tuple[str, str]] = field(default_factory=set)
    used_places: set[tuple[str, str]] = field(default_factory=set)

    def state(self, path: str) -> State:
        if self._fitting("withhold", self.policy.withhold, path):
            return "withheld"
        if entries := self._entries(path):
            return _state_by(entries)
        is_named = self._is_named(path) or any(matches(one, path) for one in PRESETS[self.policy.like].files)
        return "shown" if is_named else "withheld"

    def lines(self, path: str) -> LineChoice:
        entries = [{f"/{key}" for key in entry} for entry in self._entries(path) if not isinstance(entry, str)]
        is_bare = any(entry == "facts only" for entry in self._entries(path))
        places: frozenset[str] = frozenset() if is_bare or not entries else frozenset(set.intersection(*entries))
        return lambda number, line: places

    def values(self, path: str) -> ValueChoice:
        entries = [entry for entry in self._entries(path) if not isinstance(entry, str)]
        patterns = [[(pattern, place_pattern(pattern)) for pattern in entry] for entry in entries]

        def is_shown(place: str) -> bool:
            for group in patterns:
                fitting = [pattern for pattern, fits in group if fits(place)]
                self.used_places.update((path, pattern) for pattern in fitting)
                if not fitting:
                    return False
            return bool(patterns)

        return is_shown

    def why(self, path: str) -> str:
        exact = self.policy.reasons.get(path)
        if exact is not None:
            self.used.add(("reasons", path))
            return exact
        fitting = self._fitting("reasons", self.policy.reasons, path)
        return "; ".join(dict.fromkeys(self.policy.reasons[pattern] for pattern in fitting))

    # --- what was of no use -----------------------------------------------------------------------------

    def missing_files(self) -> list[str]:
        """Files that the policy names and the package does not have."""
        return sorted({pattern for _, pattern in self._of_no_use() if not _is_pattern(pattern)})

    def idle_patterns(self) -> list[str]:
        """Patterns that fit nothing in the package, as `show.files: outputs/**`."""
        idle = [f"{where}: {pattern}" for where, pattern in self._of_no_use() if _is_pattern(pattern)]
        named = self.policy.show.values
        for pattern, places in named.items():
            if not isinstance(places, str):
                used = {place for path, place in self.used_places if pattern == path or matches(pattern, path)}
                idle += [f"show.values {pattern}: {place}" for place in places if place not in used]
        return sorted(dict.fromkeys(idle))

    def _of_no_use(self) -> Iterable[tuple[str, str]]:
        show = self.policy.show
        every = [("withhold", one) for one in self.policy.withhold] + [("show.files", one) for one in show.files]
        every += [("show.values", one) for one in show.values] + [("reasons", one) for one in self.policy.reasons]
        for where, said in (("show.responses", show.responses), ("show.items", show.items)):
            every += [(where, one) for one in said] if isinstance(said, dict) else []
        return [one for one in every if one not in self.used and one[1] not in ALWAYS_SHOWN]

    # --- which patterns fit -----------------------------------------------------------------------------

    def _fitting(self, where: str, patterns: Iterable[str], name: str) -> list[str]:
        """The patterns that fit a name; they are of use."""
        found = [pattern for pattern in patterns if pattern == name or matches(pattern, name)]
        self.used.update((where, pattern) for pattern in found)
        return found

    def _is_named(self, path: str) -> bool:
        return bool(self._fitting("show.files", self.policy.show.files, path))

    def _entries(self, path: str) -> list[Entry]:
        """What the policy, else its preset, says of the inside of a file; empty where neither says anything of it."""
        form = form_of(path)
        name = path.split("/")[1] if form in ("responses", "items") else path
        own = self._chosen(f"show.{_KEYS[form]}", _said(self.policy.show, form), name) if form in _KEYS else []
        if own or form not in _KEYS or self._is_named(path):
            return own
        return self._chosen("", _said(PRESETS[self.policy.like], form), name)

    def _chosen(self, where: str, said: Any, name: str) -> list[Entry]:
        if not isinstance(said, dict):
            return [said]
        if name in said:
            self.used.add((where, name))
            return [said[name]]
        return [said[pattern] for pattern in self._fitting(where, said, name)]


_KEYS: Final[Mapping[Form, str]] = {"value": "values", "responses": "responses", "items": "items"}
"""The key of `show` that says what of the inside of a file of each form is shown."""


def _said(show: Show, form: Form) -> Any:
    return {"value": show.values, "responses": show.responses, "items": show.items}[form]


def _state_by(entries: Sequence[Entry]) -> State:
    if any(entry == "nothing" for entry in entries):
        return "withheld"
    return "shown" if all(entry == "all" for entry in entries) else "partial"


def _is_pattern(text: str) -> bool:
    return any(sign in text for sign in "*?[")


def place_pattern(pattern: str) -> Callable[[str], bool]:
    """Whether a place (a JSON pointer) is the one that a pattern names, or lies below it.

    `*` stands for any part of a part, and `**` for any number of parts.
    """
    parts = []
    for part in pattern.split("/")[1:]:
        if part == "**":
            parts.append("(?:/[^/]*)*")
        else:
            parts.append("/" + "[^/]*".join(re.escape(piece) for piece in part.split("*")))
    expression = re.compile("".join(parts) + "(?:/.*)?", re.DOTALL)
    return lambda place: expression.fullmatch(place) is not None


def choice_of(policy: RedactionPolicy) -> PolicyChoice:
    """The choice that a policy makes; one for each package, since it remembers what was of use."""
    return PolicyChoice(policy)
