"""Boards, alert rules and runbooks as code, built from the measures. Reads names only, never data."""
