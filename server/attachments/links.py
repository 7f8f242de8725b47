"""Links to files: signed, for some minutes, for whoever has them."""

import base64
import binascii
import hashlib

import msgspec
from itsdangerous import BadSignature, Signer

LINK_PATTERN = r"\A[A-Za-z0-9_=-]{1,1024}\.[A-Za-z0-9_-]{43}\Z"


class Link(msgspec.Struct, frozen=True, array_like=True):
    """Which file of which business. ``own``: for its uploader, who need not wait for a scanner."""

    business: str
    attachment: str
    thumbnail: bool
    own: bool
    expires_at: int


class Links:
    """Makes and checks links, with a secret of their own: none of them is a token."""

    def __init__(self, secret: str) -> None:
        self._signer = Signer(
            secret, salt="deskbell.file.v1", key_derivation="hmac", digest_method=hashlib.sha256
        )

    def sign(self, link: Link) -> str:
        """The last part of the link's address."""
        return self._signer.sign(base64.urlsafe_b64encode(msgspec.json.encode(link))).decode()

    def verify(self, signed: str) -> Link | None:
        """The link, if it is genuine; whether its time is over is for the caller to say."""
        try:
            payload = self._signer.unsign(signed.encode("ascii", "strict"))
            return msgspec.json.decode(base64.urlsafe_b64decode(payload), type=Link)
        except (BadSignature, UnicodeEncodeError, binascii.Error, msgspec.DecodeError):
            return None
