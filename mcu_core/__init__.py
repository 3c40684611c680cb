"""Conferences and the packets they live on.  README.md beside this file lists the rooms."""
