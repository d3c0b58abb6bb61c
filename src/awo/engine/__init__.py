"""The doer: appends to the journal and causes the next move. It never imports the judge."""
