"""Looks for secrets and personal data in what is about to leave the machine."""
