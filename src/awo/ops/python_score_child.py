"""The program that `python_score` starts: calls an author's function once for each answer. Knows nothing of AWO.

Arguments: the file and the function. Each line of standard input is `{"item", "text"}`; each line of
results is `{"scores", "why", "error"}`. What the function prints goes to standard error, never among the results.
"""

from __future__ import annotations

import importlib.util
import json
import math
import numbers
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any, TextIO

CANNOT_LOAD = 3
NO_FUNCTION = 4
LONGEST_TEXT = 1000
MOST_SCORES = 100


def main(path: str, name: str) -> int:
    """Calls the function until the input ends. 0, or why it could not begin."""
    asked, results = own_streams()
    try:
        function = loaded(path, name)
    except BaseException:  # the author's own file may raise anything, SystemExit too
        traceback.print_exc()
        return CANNOT_LOAD
    if function is None:
        print(f"{path} has no function {name}", file=sys.stderr)
        return NO_FUNCTION
    for line in asked:
        json.dump(result_of(function, name, json.loads(line)), results, separators=(",", ":"))
        results.write("\n")
    results.flush()
    return 0


def own_streams() -> tuple[TextIO, TextIO]:
    """The input and the results, under descriptors of their own; 0 reads nothing then, and 1 is standard error."""
    asked = os.fdopen(os.dup(0), encoding="utf-8")
    results = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    return asked, results


def loaded(path: str, name: str) -> Callable[..., Any] | None:
    """The function of the file, which is run as a module of its own; None when there is none of that name."""
    spec = importlib.util.spec_from_file_location("scored_by", path)
    if spec is None or spec.loader is None:
        return None
    module = importlib.util.module_from_spec(spec)
    sys.modules["scored_by"] = module
    spec.loader.exec_module(module)
    function = getattr(module, name, None)
    return function if callable(function) else None


def result_of(function: Callable[..., Any], name: str, asked: dict[str, Any]) -> dict[str, Any]:
    """The result of one call, or the name of what it raised; never the words, which may hold a model's."""
    try:
        given = function(asked["item"], asked["text"])
        if given is None:
            return {"scores": {}, "why": {}, "error": ""}
        named = given if isinstance(given, dict) else {name: given}
        if len(named) > MOST_SCORES or not all(isinstance(key, str) for key in named):
            return {"scores": {}, "why": {}, "error": "a mapping without names, or with too many"}
        scores: dict[str, Any] = {}
        why: dict[str, str] = {}
        for key, value in named.items():
            scores[key[:LONGEST_TEXT]], said = plain(value)
            if said:
                why[key[:LONGEST_TEXT]] = said
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # one answer must not end the others, whatever the function does
        traceback.print_exc()
        return {"scores": {}, "why": {}, "error": type(error).__name__[:LONGEST_TEXT]}
    return {"scores": scores, "why": why, "error": ""}


def plain(value: object) -> tuple[Any, str]:
    """A truth, a number, a text or None, as JSON has them; or None and why."""
    if value is None:
        return None, "the function gave none"
    if isinstance(value, bool) or type(value).__name__ == "bool_":
        return bool(value), ""
    if isinstance(value, str):
        return str(value)[: LONGEST_TEXT + 1], ""
    if isinstance(value, numbers.Real):
        number = float(value)
        return (number, "") if math.isfinite(number) else (None, "the number is not finite")
    return None, "the function gave neither a truth nor a number nor a text"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
