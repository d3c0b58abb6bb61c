"""What may not be seen any more: the policy, the cutting, the record; for redactions and for erasures."""
