"""Watches the catalogue's file while the pipeline runs: what begins in the future is taken over, a mistake is refused.

The catalogue that was in force stays in force until a better one is saved.
"""

import asyncio
import logging
from pathlib import Path
from typing import Final

from pipeline.app import App
from pipeline.app.catalogues import Chosen, keep
from schemas.catalogue import CatalogueError, changes, reload

_LOOK_SECONDS: Final = 2.0
log_ = logging.getLogger("touchline.catalogue")


class CatalogueWatch:
    """Looks at the file's time every few seconds. `problem`: why what was saved last is not in force."""

    def __init__(self, app: App, path: Path) -> None:
        self.problem = ""
        self._app = app
        self._path = path
        self._seen = self._stamp()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            self.look()

    def look(self) -> None:
        """Take over what was saved since the last look, or say why not."""
        stamp = self._stamp()
        if stamp == self._seen:
            return
        self._seen = stamp
        old = self._app.rulebook.catalogue
        try:
            text = self._path.read_text(encoding="utf-8")
            new = reload(old, text, str(self._path))
        except (CatalogueError, OSError, UnicodeDecodeError) as error:
            self._refuse(f"the catalogue was saved with a mistake, the old one stays in force:\n{error}")
            return
        rebuild = [each.entry for each in changes(old, new, self._app.clock.now_ms()) if each.rebuild]
        if rebuild:
            self._refuse(
                f"the catalogue was saved with changes of what is counted already ({', '.join(rebuild)}); the old one"
                " stays in force. Let them begin in the future (valid_from), or stop, and count everything anew:"
                " touchline rebuild."
            )
            return
        self._app.take_over(new)
        keep(self._app.settings, Chosen(new, text, str(self._path)))
        self.problem = ""
        log_.warning("the catalogue %s was taken over", self._path)

    def _refuse(self, problem: str) -> None:
        self.problem = problem
        log_.error("%s", problem)

    def _stamp(self) -> tuple[int, int]:
        try:
            found = self._path.stat()
        except OSError:
            return (0, 0)
        return found.st_mtime_ns, found.st_size
