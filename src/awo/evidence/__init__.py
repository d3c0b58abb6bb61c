"""What is recorded: the shapes of a run's folder, its journal and its Merkle tree. Shapes only, no moves."""
