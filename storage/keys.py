"""The key of a message: its conversation's number and its seq in one integer.

One b-tree then holds every conversation in order, and full-text search finds the integer key that
it needs.
"""

SEQ_BITS = 32
SEQ_MASK = (1 << SEQ_BITS) - 1


def message_key(conversation_no: int, seq: int) -> int:
    """The key of a place, for any ``seq`` that somebody asks for: what cannot be has a key too.

    Beyond the range of a seq the key stays within the conversation: a number from outside must
    never reach into another one.
    """
    return conversation_no << SEQ_BITS | min(max(seq, 0), SEQ_MASK)
