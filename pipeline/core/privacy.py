"""What intake does to customer ids: pseudonyms, and nothing of who was erased. Pure; the list of erasures grows."""

from collections.abc import Mapping

import msgspec

from pipeline.core.contact import subject_of
from schemas.pseudonyms import Pseudonyms
from schemas.touchpoint import Touchpoint


class Privacy:
    """`erased`: until when (ms) nothing is to be known of a customer, by fingerprint. What they do later is theirs to
    be served for: it is somebody who came back.
    """

    def __init__(self, pseudonyms: Pseudonyms | None = None, erased: Mapping[str, int] | None = None) -> None:
        self.pseudonyms = pseudonyms or Pseudonyms()
        self.erased: dict[str, int] = dict(erased or {})

    def applied(self, touchpoint: Touchpoint) -> Touchpoint:
        """The touchpoint as it may enter the log."""
        known = self.pseudonyms.applied(touchpoint)
        if self.erased and known.customer_id is not None:
            until_ms = self.erased.get(subject_of(known.customer_id))
            if until_ms is not None and known.time <= until_ms:
                return msgspec.structs.replace(known, customer_id=None)
        return known
