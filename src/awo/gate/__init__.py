"""What a person decides, on what, and who may: checklists, answers, policy, decisions. Touches no disk and no clock."""
