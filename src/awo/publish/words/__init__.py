"""Words for a paper, made from the evidence of a run alone: citations, a statement on AI, a paragraph on methods."""
