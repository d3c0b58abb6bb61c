"""The forms in which a run is taken elsewhere: one file for each, in the words of those who read it there."""
