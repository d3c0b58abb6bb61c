"""What others made, read as it stands: pure readers of foreign results. Nothing here was witnessed by AWO."""
