"""Who decides, in which order: the actor runtime, and the actors that run on it.

An actor is one task with one bounded mailbox and state that no other task touches. Callers name an
id; the supervisor activates the actor on its first message, restarts it from storage when it
crashes, quarantines it when it keeps crashing, and passivates it when it is idle.
"""
