"""What a step may do: one file per operation, each a row in `awo.plugins.OPERATIONS`."""
