"""Patterns of principals and namespaces: `*`, `?`, `!` and commas (ssh_config(5), PATTERNS)."""

from __future__ import annotations

from collections.abc import Sequence

LONGEST_PRINCIPAL = 255


def why_not_a_principal(text: str) -> str:
    """Why `text` cannot be a person's id such as `alice@example.org`, as a short clause; empty when it can."""
    if not text:
        return "it is empty"
    if len(text) > LONGEST_PRINCIPAL:
        return f"it is longer than {LONGEST_PRINCIPAL} characters"
    if not text.isascii() or not text.isprintable():
        return "it has a character that is not printable ASCII"
    if any(c in " \"',\\*?!" for c in text):
        return "it has a space, a quote, a comma, a back slash or one of the characters * ? !"
    if text.startswith(("#", "-")):
        return f"it starts with {text[0]!r}"
    return ""


def why_not_a_pattern_list(text: str) -> str:
    """Why `text` is no comma-separated list of patterns, as a short clause; empty when it is one."""
    for part in text.split(","):
        bare = part.removeprefix("!")
        if not bare:
            return "one of its patterns is empty"
        if "!" in bare:
            return "a '!' stands inside a pattern"
        why = why_not_a_principal(bare.replace("*", "x").replace("?", "x"))
        if why:
            return why
    return ""


def matches(name: str, patterns: Sequence[str]) -> bool:
    """Whether one pattern fits `name` and no pattern with `!` does. Case counts."""
    fits = False
    for pattern in patterns:
        if pattern.startswith("!"):
            if _fits(name, pattern[1:]):
                return False
        elif not fits:
            fits = _fits(name, pattern)
    return fits


def _fits(name: str, pattern: str) -> bool:
    """One pattern against the whole name, in at most len(name) * len(pattern) steps."""
    at_name = at_pattern = 0
    star, resume = -1, 0
    while at_name < len(name):
        if at_pattern < len(pattern) and pattern[at_pattern] == "*":
            star, resume = at_pattern, at_name
            at_pattern += 1
        elif at_pattern < len(pattern) and pattern[at_pattern] in ("?", name[at_name]):
            at_name += 1
            at_pattern += 1
        elif star >= 0:
            resume += 1
            at_name, at_pattern = resume, star + 1
        else:
            return False
    return all(c == "*" for c in pattern[at_pattern:])
