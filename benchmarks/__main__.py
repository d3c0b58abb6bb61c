"""`python -m benchmarks [NAME …] [--json]`: runs the benchmarks and prints one object for each.

Exit code 0 whatever the figures say; 1 when a benchmark could not be run; 2 for a name that is not there.
"""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import sys
from pathlib import Path
from types import ModuleType

from benchmarks.measure import Broken, Result


def benchmarks_here() -> dict[str, ModuleType]:
    """Every benchmark of this folder, by its NAME; files without one hold what benchmarks share."""
    names = [found.name for found in pkgutil.iter_modules([str(Path(__file__).parent)]) if found.name != "__main__"]
    modules = [importlib.import_module(f"benchmarks.{name}") for name in names]
    return {module.NAME: module for module in modules if hasattr(module, "NAME")}


def for_people(result: Result) -> str:
    """The result in a few lines."""
    judgement = "within" if result.is_within else "OVER"
    value = f"{result.value:.3g}" if result.unit == "ratio" else f"{result.value:.4g} {result.unit}"
    lines = [
        f"{result.name}: {value}, {judgement} the limit of {result.limit:g}; ratio to the floor {result.ratio:.3g}"
    ]
    lines += [f"  {name}: {median:.6g}" for name, median in result.medians.items()]
    lines += [f"  {note}" for note in result.notes]
    return "\n".join(lines)


def main() -> int:
    """Runs what the command line names, one after another; gives the exit code."""
    table = benchmarks_here()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.partition("\n")[0])
    parser.add_argument("names", metavar="NAME", nargs="*", help=f"one of: {', '.join(table)}; all without a name")
    parser.add_argument("--json", action="store_true", help="one JSON object a line on stdout, and nothing else there")
    wanted = parser.parse_args()
    if unknown := [name for name in wanted.names if name not in table]:
        parser.error(f"there is no benchmark called {unknown[0]!r}; there are {', '.join(table)}")

    is_broken = False
    for name in wanted.names or table:
        try:
            result: Result = table[name].run()
        except Broken as error:
            print(f"{name}: could not be run: {error}", file=sys.stderr)
            is_broken = True
            continue
        print(json.dumps(result.as_dict()) if wanted.json else for_people(result), flush=True)
    return 1 if is_broken else 0


if __name__ == "__main__":
    sys.exit(main())
