"""AWO runs AI-assisted research and leaves each run behind as evidence that a stranger can check."""

__version__ = "2.0.0.dev0"
