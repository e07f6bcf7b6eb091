"""Touchpoints and vendors' webhooks over HTTP: who may send, what a body may be, and what the answer means.

A 2xx is given for what is durable and for nothing else. What is rejected is named in the answer and kept as a dead
letter; it takes nothing good with it.
"""
