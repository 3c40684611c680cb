"""Letters by e-mail: written in the transaction that causes them, sent afterwards, never twice."""
