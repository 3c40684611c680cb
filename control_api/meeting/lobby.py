"""Pages of sites that are open but not in the conference: they wait to be rung (S83).

A page tells its join token on a socket of its own and then only listens.  Owned by the event loop; nothing is stored,
pages come back by themselves.  A page that does not read misses all but the newest ring.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from dataclasses import dataclass

MOST_OF_SITE = 4  # pages; a fifth takes the place of the oldest
MOST = 2000


@dataclass(frozen=True, slots=True)
class Ring:
    """What is shown, in both languages; `id` tells a new ring from one that is heard already."""

    id: str
    vi: str
    en: str


class Page:
    """One open page.  Iterating yields rings and ends when another page took its place."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Ring | None] = asyncio.Queue(maxsize=1)

    def put(self, ring: Ring | None) -> None:
        with contextlib.suppress(asyncio.QueueEmpty):
            self._queue.get_nowait()
        self._queue.put_nowait(ring)

    async def next(self) -> Ring | None:
        """The next ring; None: this page is to leave."""
        return await self._queue.get()


class Lobby:
    """Who waits where: (conference, site) -> its pages, the oldest first."""

    def __init__(self) -> None:
        self._pages: defaultdict[tuple[str, str], list[Page]] = defaultdict(list)
        self._count = 0

    def enter(self, conference: str, site: str) -> Page | None:
        """None: too many wait already."""
        pages = self._pages[conference, site]
        if len(pages) >= MOST_OF_SITE:
            oldest = pages[0]
            self.leave(conference, site, oldest)
            oldest.put(None)
        if self._count >= MOST:
            self._forget_empty(conference, site)
            return None
        page = Page()
        self._pages[conference, site].append(page)
        self._count += 1
        return page

    def leave(self, conference: str, site: str, page: Page) -> None:
        """Twice does no harm."""
        pages = self._pages.get((conference, site), [])
        if page in pages:
            pages.remove(page)
            self._count -= 1
        self._forget_empty(conference, site)

    def ring(self, conference: str, site: str, ring: Ring) -> bool:
        """Whether a page was there to hear it."""
        pages = self._pages.get((conference, site), [])
        for page in pages:
            page.put(ring)
        return bool(pages)

    def waiting(self, conference: str) -> frozenset[str]:
        """Sites whose page is open."""
        return frozenset(site for of, site in self._pages if of == conference)

    def _forget_empty(self, conference: str, site: str) -> None:
        if not self._pages.get((conference, site)):
            self._pages.pop((conference, site), None)
