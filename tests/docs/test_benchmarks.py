"""benchmarks/README.md lists every benchmark with the limit that its code has."""

from __future__ import annotations

import re
from pathlib import Path

from benchmarks.__main__ import benchmarks_here


def test_every_benchmark_has_a_row_with_its_limit(root: Path) -> None:
    page = (root / "benchmarks" / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\|\s*([\d.,]+) ", page, re.MULTILINE)
    table = benchmarks_here()
    assert table
    assert {name: float(limit.replace(",", "")) for name, limit in rows} == {
        name: module.LIMIT for name, module in table.items()
    }
