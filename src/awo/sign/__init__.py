"""What is vouched for: keys, signatures, and lists of whose signature counts. No runs, no journal, no gates."""
