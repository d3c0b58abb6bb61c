"""Regular expressions of workflow files, by an engine whose time grows with the text and no faster."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from awo.workflow.names import BadText

LONGEST_PATTERN: Final = 10_000


@lru_cache(maxsize=256)
def searcher(pattern: str) -> Callable[[str], bool]:
    """What says whether `pattern` matches anywhere in a text. Made once for each pattern.

    The syntax is that of Rust's crate `regex` (docs.rs/regex), reached as the keyword `pattern` of JSON
    Schema: no look-around, no references back, and so no text that could make it hang. Raises `BadText`.
    """
    import jsonschema_rs

    if len(pattern) > LONGEST_PATTERN:
        raise BadText(f"a pattern is longer than {LONGEST_PATTERN} characters")
    try:
        validator = jsonschema_rs.validator_for({"pattern": pattern}, pattern_options=jsonschema_rs.RegexOptions())
    except (jsonschema_rs.ValidationError, ValueError) as error:
        raise BadText(
            "this is no regular expression that can be used",
            expected="the syntax of Rust's regex crate: no look-around, no references back",
            got=repr(pattern[:60]),
        ) from error
    return validator.is_valid
