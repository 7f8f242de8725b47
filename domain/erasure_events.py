"""What has happened when something was erased: to whoever is shown it, a deletion, a change.

What holds for all events is in `domain.events`.
"""

from domain.events import MessageDeleted, PersonChanged


class MessageErased(MessageDeleted, frozen=True):
    """A message was deleted so that nothing is left of what it ever said, for nobody."""


class PersonErased(PersonChanged, frozen=True):
    """All that is known of a person was removed but their id; ``person`` is what they are now.

    ``titled``: conversations that lose their title, because it told of them.
    """

    titled: tuple[str, ...] = ()
