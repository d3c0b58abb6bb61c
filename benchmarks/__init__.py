"""Measures AWO beside a floor in the same run: one file per benchmark, with NAME, LIMIT and run()."""
