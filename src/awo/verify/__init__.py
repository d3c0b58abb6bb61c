"""The judge: reads a folder or a bundle once, changes nothing, runs nothing, and says what holds and what does not."""
