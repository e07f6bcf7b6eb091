"""A simulated service organisation: customers, queues, agents and the touchpoints between them, the same for one seed.

Waiting is not drawn from a distribution: it comes about, because agents are few and busy. So are abandoned calls, mails
that lie overnight, callbacks, and the follow-ups of what was not solved. No wall clock: the caller says how far to go.
"""

from pipeline.io.simulator.organisation import Organisation
from pipeline.io.simulator.plan import QUEUES, SEGMENTS

__all__ = ["QUEUES", "SEGMENTS", "Organisation"]
