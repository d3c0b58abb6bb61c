"""What the authors say of the work, read from their own files. No line of it is evidence, and none is invented."""
