"""Tests, cheap ones first: core, measures and schemas are pure; the rest starts servers on loopback and stops them."""
