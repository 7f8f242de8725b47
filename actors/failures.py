"""Why an actor, or the process, starts anew."""


class ActorHang(Exception):
    """An activation or a batch, storing apart, took longer than `receive_seconds` (see limits)."""


class SystemicFailure(Exception):
    """So many actors fail that the fault is not theirs; the process should start anew."""
