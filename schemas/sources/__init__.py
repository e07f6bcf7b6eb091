"""One file per source system: vendor payload -> touchpoints or a reject. Pure functions."""
