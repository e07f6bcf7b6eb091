"""Answers to what people ask of the numbers: why is it so, which formula was that, what if, what was known then.

Pure: what is stored and the moment come in as arguments, data and sentences go out. Reading is in `pipeline.io.asking`,
the commands are in `pipeline.cli`.
"""
