"""Pictures of results for people, drawn offline from the values of a run."""
