"""Templates of the papers, and the script that makes those for Word."""
