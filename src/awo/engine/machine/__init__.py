"""What a machine is and has on it, read from files alone: `engine/environment.py` puts it together for a record."""
