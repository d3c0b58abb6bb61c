"""Which move may follow which: one rule book that the engine and the judge both obey. Pure."""
