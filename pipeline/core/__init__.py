"""The pure heart: the fold of touchpoints and facts into cells, the calendar, histograms and windows. No I/O, no
clock.
"""

from pipeline.compiled import with_extensions

__path__ = with_extensions(__path__, "core")
