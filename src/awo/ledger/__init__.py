"""The log over all runs of a project: what was begun, decided and sealed, so that nothing is dropped unseen."""
