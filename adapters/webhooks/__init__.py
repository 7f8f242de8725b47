"""Calling the servers of businesses over HTTP: where they may be, and the calls themselves."""
