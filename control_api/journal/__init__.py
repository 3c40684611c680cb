"""The journal: append-only, one chain of hashes per conference (S99)."""
