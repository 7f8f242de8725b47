"""The servers that bench/run compares: how each is installed, filled, started and addressed."""
