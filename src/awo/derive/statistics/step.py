"""The derivation `statistics`: from lines of scores to estimates, comparisons and agreement.

What computes is loaded only when a step is computed: NumPy, SciPy, statsmodels and krippendorff take seconds.
"""

from __future__ import annotations

from awo.derive.seam import Derivation, Derived, Sources
from awo.derive.statistics.args import StatisticsArgs
from awo.errors import CannotCheck
from awo.plugins import EXTRA_OF_MODULE


def computed(args: StatisticsArgs, sources: Sources) -> Derived:
    """A `StatisticsValue`. Raises `StepFailed` for names that lead nowhere, and `CannotCheck` without the libraries."""
    try:
        from awo.derive.statistics.whole import statistics_of

        return Derived(statistics_of(args, sources))
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        extra = EXTRA_OF_MODULE.get(missing)
        if extra is None:
            raise
        raise CannotCheck(
            f"statistics need the package {missing}, which is not installed",
            where=f"step {sources.step}",
            hint=f"pip install 'awo[{extra}]'",
        ) from error


def libraries(args: StatisticsArgs) -> list[str]:
    """The modules that these statistics compute with."""
    needs_alpha = any(one.coefficient == "krippendorff_alpha" for one in args.agreement.values())
    return ["numpy", "scipy", "statsmodels", *(["krippendorff"] if needs_alpha else [])]


DERIVATION = Derivation(
    name="statistics",
    summary="Estimates with intervals, paired comparisons and agreement, from scores.",
    args=StatisticsArgs,
    compute=computed,
    is_heavy=True,
    needs=libraries,
)
