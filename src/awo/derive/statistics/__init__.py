"""Estimates, comparisons, agreement and noise from scores, computed with SciPy, statsmodels and krippendorff."""
