"""What leaves the machine: bundles now, targets later."""
