"""All statistics over 100,000 scored answers, as `awo verify` computes them again from the lines."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.measure import Process, Result, in_turns, run_process, versions

NAME = "recompute_scores"
LIMIT = 30.0
ITEMS, MODELS, REPEATS = 5_000, 4, 5
ROUNDS = 3

WRITE = """
import json, random, sys
chance = random.Random(7)
with open(sys.argv[1], "w") as lines:
    for cell in range({items} * {repeats}):
        item, repeat = divmod(cell, {repeats})
        if repeat == 0:
            hard, people = chance.random(), [chance.randint(-3, 3) for _ in range(5)]
        for place in range({models}):
            line = dict(cell=cell, answer=place, item=f"i{{item}}", matrix={{}}, repeat=repeat, model=f"m{{place}}",
                status="done", groups=dict(topic=item % 10), labels=dict(word=chance.choice("abc")),
                scores=dict(exact=float(chance.random() < hard), grade=round(chance.random(), 3),
                    seconds=chance.lognormvariate(0, 1)), ratings=dict(people=people), why={{}})
            lines.write(json.dumps(line, separators=(",", ":"), sort_keys=True) + "\\n")
"""

OURS = """
import sys
from pathlib import Path
import msgspec
from awo.derive.statistics.step import DERIVATION
from awo.testing.fake_sources import FakeSources
lines = Path(sys.argv[1]).read_bytes().splitlines(keepends=True)
types = dict(exact="test", grade="grade", seconds="measure", word="label", people="ratings")
empty = dict(kind="x", answers=0, missing=0, passed=0, threshold=0.0, mean=None)
scores = {name: dict(empty, type=kind) for name, kind in types.items()}
value = dict(of="ask", cells=0, failed=0, answers=0, path="x", scores=scores)
numbers = ("exact", "grade", "seconds")
couples = [(f"m{a}", f"m{b}") for a in range(4) for b in range(a)]
args = dict(
    of="marks",
    metrics={n: dict(score=n, by=["model"]) for n in numbers}
    | dict(
        topics=dict(score="exact", by=["model", "topic"]),
        middle=dict(score="seconds", by=["model"], estimate="median"),
    ),
    comparisons={f"{n}_{a}_{b}": dict(score=n, between=dict(model=[a, b])) for n in numbers for a, b in couples}
    | dict(
        first=dict(score="exact", between=dict(model=["m0", "m1"]), where=dict(repeat=0), test="mcnemar"),
        ranks=dict(score="seconds", between=dict(model=["m0", "m1"]), test="wilcoxon"),
        moved=dict(score="grade", between=dict(model=["m0", "m1"]), test="paired_bootstrap"),
    ),
    agreement=dict(
        models=dict(score="word", by="model"),
        fleiss=dict(score="word", by="model", coefficient="fleiss_kappa"),
        cohen=dict(score="word", by="model", coefficient="cohen_kappa"),
        people=dict(ratings="people", level="ordinal"),
        both=dict(ratings="people", score="grade", by="model", level="interval"),
    ),
)
sources = FakeSources(step="stats", seed=7, values={"marks": value}, lines={("marks", "scores.jsonl"): lines})
print(DERIVATION.compute(msgspec.convert(args, DERIVATION.args), sources).value)
"""

FLOOR = """
import json, sys
import pandas
lines = [json.loads(line) for line in open(sys.argv[1])]
frame = pandas.DataFrame([dict(item=l["item"], repeat=l["repeat"], model=l["model"], topic=l["groups"]["topic"],
    **l["scores"], word=l["labels"]["word"]) for l in lines])
print(frame.groupby("model")[["exact", "grade", "seconds"]].agg(["mean", "std", "median"]))
print(frame.groupby(["model", "topic"])["exact"].agg(["mean", "std"]))
means = frame.groupby(["item", "model"])[["exact", "grade", "seconds"]].mean().unstack()
couples = [(f"m{a}", f"m{b}") for a in range(4) for b in range(a)]
print([(means[n][a] - means[n][b]).mean() for n in ("exact", "grade", "seconds") for a, b in couples])
print(frame[frame.repeat == 0].pivot(index="item", columns="model", values="word").value_counts())
"""


def run() -> Result:
    """Seconds for a whole process that reads the lines and computes everything, 10,000 resamples each time."""
    with tempfile.TemporaryDirectory(prefix="awo-bench-") as name:
        lines = Path(name) / "scores.jsonl"
        run_process([sys.executable, "-c", WRITE.format(items=ITEMS, models=MODELS, repeats=REPEATS), lines])
        processes: list[Process] = []

        def ours() -> float:
            processes.append(run_process([sys.executable, "-c", OURS, lines]))
            return processes[-1].seconds

        medians = in_turns(
            {
                "awo, statistics of 100,000 answers (s)": ours,
                "pandas, the same means without intervals (s)": lambda: (
                    run_process([sys.executable, "-c", FLOOR, lines]).seconds
                ),
            },
            ROUNDS,
        )
    mine, floor = medians.values()
    peak_mb = max(process.peak_bytes for process in processes) / 1e6
    return Result(
        name=NAME,
        value=mine,
        unit="s",
        limit=LIMIT,
        ratio=mine / floor,
        medians=medians | {"awo (MB at the peak)": peak_mb},
        versions=versions("numpy", "scipy", "statsmodels", "krippendorff", "pandas"),
        rounds=ROUNDS,
        notes=[
            f"{ITEMS} items, {MODELS} models, {REPEATS} repeats",
            "5 metrics with 56 groups, 21 comparisons with their A/A controls, 5 agreements",
            "the floor draws nothing: it reads the lines and gives means, spreads and counts",
        ],
    )
