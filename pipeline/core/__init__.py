"""The pure heart: the fold of touchpoints and facts into cells, the calendar, histograms and windows. No I/O, no
clock.
"""
