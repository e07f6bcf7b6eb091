"""The source systems, one file each, by the name that `--source` takes."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from schemas.sources import (
    amazon_connect,
    anonymous_bank,
    asterisk,
    canonical,
    chatwoot,
    freshdesk,
    genesys,
    intercom,
    twilio,
    zendesk,
)
from schemas.sources.source import BadLine, Item, Output, Read, Skipped, Source

__all__ = ["SOURCES", "BadLine", "Item", "Output", "Read", "Skipped", "Source"]

SOURCES: Final[Mapping[str, Source]] = MappingProxyType(
    {
        source.name: source
        for source in (
            canonical.SOURCE,
            asterisk.SOURCE,
            amazon_connect.SOURCE,
            genesys.SOURCE,
            zendesk.SOURCE,
            intercom.SOURCE,
            chatwoot.SOURCE,
            twilio.SOURCE,
            freshdesk.SOURCE,
            anonymous_bank.SOURCE,
        )
    }
)
"""Every source, in the order help texts show them."""
