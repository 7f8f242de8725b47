"""The edge and the composition root: it knows every other package and contains no rules."""
