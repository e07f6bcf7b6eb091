"""The boards, one file each, and the order in which they are read: `ALL`."""

from typing import Final

from dashboards.boards import channels, live, pipeline_health, queue, resolution, service_catalogue, voice
from dashboards.model import Board

ALL: Final[tuple[Board, ...]] = (
    live.BOARD,
    queue.BOARD,
    resolution.BOARD,
    channels.BOARD,
    service_catalogue.BOARD,
    voice.BOARD,
    pipeline_health.BOARD,
)
"""Every board."""
