"""Thin agents: intake, contacts, customers and dead letters. They move batches; the folds are in `pipeline.core`."""
