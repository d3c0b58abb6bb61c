"""The command line: parses arguments, calls `awo.api`, prints for people or as one JSON object."""
