"""Results from results, purely: no files, no clock, no network. Operations compute with it, the judge recomputes."""
