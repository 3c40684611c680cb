"""Upkeep: encrypted backups, restoring them, and what is deleted when its time is over."""
