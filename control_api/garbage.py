"""When Python looks for garbage that holds itself: soon, and briefly.

A join and its leaving leave up to ten objects in cycles.  Python puts a full collection off until a quarter more
has piled up than it last counted: beside the quarter of a million objects of our modules that is thousands of joins,
megabytes that look like a leak, and then a long pause.
"""

from __future__ import annotations

import gc


def settle() -> None:
    """What lives now, lives for ever: no later collection looks at it.  Once, before the first request is served."""
    gc.collect()
    gc.freeze()
    gc.collect()  # counts what is left, nearly nothing, so that the next full collection is not put off
