"""Settings for every test: hypothesis keeps no database, has no clock, and is the same on each run of CI."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("awo", database=None, deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("awo")
