"""The world outside: the ways a message leaves Deskbell when a person is not in the app.

No channel is built in yet: people reach each other in the app alone.
"""
