"""The words of the full-text index that stand for what a text belongs to, in a column of their own.

A search that is narrowed by them costs no more than one for a word more. No two kinds have a word
in common: they end in different letters.
"""

from domain.channels import APP, Channel
from storage.keys import SEQ_BITS, SEQ_MASK

WITH_FILES = "f"
"""What has attachments."""

_TITLE = "title"


def conversation_word(no: int) -> str:
    """The word that stands for a conversation in the scope of what is in it.

    Its end comes first: words that begin alike would share a long list in the index of beginnings.
    """
    return f"{str(no)[::-1]}c"


def author_word(person: str) -> str:
    """The word that stands for somebody in the scope of what they said."""
    return f"{person.encode()[::-1].hex()}a"


def channel_word(channel: str) -> str:
    """The word for what was said on a channel that is not the app."""
    return f"{channel}k"


NOT_IN_APP = (*(channel_word(each) for each in Channel if each is not APP), channel_word(_TITLE))
"""What has none of these was said in the app: nearly all, which therefore needs no word."""


def scope(key: int, author: str | None, channel: str, with_files: bool) -> str:
    """The words for a message, or for a title: that is nobody's, and on no channel."""
    words = [conversation_word(key >> SEQ_BITS)]
    if author is not None:
        words.append(author_word(author))
    if not key & SEQ_MASK:
        channel = _TITLE
    if channel:
        words.append(channel_word(channel))
    if with_files:
        words.append(WITH_FILES)
    return " ".join(words)
