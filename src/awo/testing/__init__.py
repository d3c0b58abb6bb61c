"""Suites that authors of plug-ins run in their own tests: one for each seam, plain functions, any test runner."""
