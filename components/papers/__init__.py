"""Papers: the raw record, the one reader of stored papers, and their keys."""
