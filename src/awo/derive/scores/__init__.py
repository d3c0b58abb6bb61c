"""How one answer is scored: one file per family of kinds, pure, so that run and judge score alike."""
