"""Telling the servers of businesses what happened, and asking them before a message is accepted."""
