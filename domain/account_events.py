"""What has happened to how people sign in. What holds for all events stands in `domain.events`."""

import msgspec


class AccountChanged(msgspec.Struct, frozen=True):
    """``person`` signs in with ``email``, which is compared by ``email_key``.

    ``anew``: it was another one's doing, so their password and everything of before is void.
    """

    at: int
    author: str
    person: str
    email: str
    email_key: str
    anew: bool = False


class AccountRemoved(msgspec.Struct, frozen=True):
    """``person`` has no account any more; every token and sign-in of theirs is void."""

    at: int
    author: str
    person: str


class SignedIn(msgspec.Struct, frozen=True):
    """``person`` is signed in on ``device``, by ``how``.

    With ``password_hash`` it is their new password, and everything of before is void. ``link`` is
    the hash of the one-time link that is used up.
    """

    at: int
    person: str
    sign_in: str
    device: str
    how: str
    link: bytes = b""
    password_hash: str = ""


class SignInFailed(msgspec.Struct, frozen=True):
    """Somebody could not sign in as ``person``, ``count`` times since it was last told."""

    at: int
    person: str
    count: int
