"""Votes over answers, the ledger of those who disagreed, and answers side by side: who says the same as whom."""
