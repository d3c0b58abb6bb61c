"""What the author promises before the run: the workflow file, its types, its references, its templates."""
