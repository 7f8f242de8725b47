"""The HTTP API: one declared table of routes; whatever is asked goes through the same actors."""
