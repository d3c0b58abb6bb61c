"""The number of the report's layout: the same record gives the same bytes under the same number.

Whoever changes a text of the report raises it; tests/unit/test_report_layout.py notices. Then verify
compares a report byte for byte where its writer had this number, whatever the version of the software.
"""

from __future__ import annotations

from typing import Final

REPORT_LAYOUT: Final = 1
