"""What a run says of itself: one reading of its evidence, from which every form and every citation is written."""
