"""Tokens: signed claims that need no lookup, and can be revoked.

A token made by `POST /v1/tokens` lives for minutes; the session token of `welcome` for days and is
bound to its device, so that a reconnect storm does not fall on the integrator's backend. API keys
are 256 random bits, stored only as SHA-256; signing uses a secret made once per database.
"""

import base64
import binascii
import hashlib
import secrets
from collections.abc import Iterable

import msgspec
from itsdangerous import BadSignature, Signer


class Claims(msgspec.Struct, frozen=True, array_like=True):
    """Who a token speaks for. ``expires_at``: milliseconds since 1970 UTC.

    A session token keeps the ``id`` of the token it came from: revoking one revokes both.
    ``revoked_revision`` is the last event that made all tokens of the person void (0: none), so
    that a token made before the next one is known by it, whatever the clock said.
    """

    id: str
    business: str
    person: str
    device: str  # "" for one that any device may use
    revoked_revision: int
    expires_at: int


def hash_key(key: str) -> bytes:
    """What is stored of an API key: it has 256 random bits, so one round of SHA-256 suffices."""
    return hashlib.sha256(key.encode()).digest()


def make_key(kind: str) -> str:
    """A new API key; ``kind`` is a prefix that tells people what they have in hand."""
    return f"{kind}_{secrets.token_urlsafe(32)}"


class Tokens:
    """Makes and checks tokens; knows which were revoked before their time."""

    def __init__(self, secret: str, revoked: Iterable[str]) -> None:
        # The key is derived once, and not anew for each token.
        key = Signer(
            secret, salt="deskbell.token.v1", key_derivation="hmac", digest_method=hashlib.sha256
        ).derive_key()
        self._signer = Signer(key, key_derivation="none", digest_method=hashlib.sha256)
        self._sign_in_signer = Signer(
            secret, salt="deskbell.sign-in.v1", key_derivation="hmac", digest_method=hashlib.sha256
        )
        self._encoder = msgspec.json.Encoder()
        self._decoder = msgspec.json.Decoder(Claims)
        self._revoked = set(revoked)

    def issue(
        self,
        business: str,
        person: str,
        now: int,
        ttl_ms: int,
        revoked_revision: int = 0,
        sign_in: str = "",
    ) -> tuple[str, Claims]:
        """A token for ``person`` on any device, and its claims.

        All tokens of one ``sign_in`` have the same id, so that revoking it ends them together.
        """
        # The business is part of the id: nobody revokes what another business was given.
        id_ = f"{business}/{sign_in or secrets.token_hex(12)}"
        claims = Claims(id_, business, person, "", revoked_revision, now + ttl_ms)
        return self._sign(claims), claims

    def renew(self, claims: Claims, device: str, now: int, ttl_ms: int) -> tuple[str, Claims]:
        """A session token for the bearer of ``claims``, bound to ``device``."""
        renewed = msgspec.structs.replace(claims, device=device, expires_at=now + ttl_ms)
        return self._sign(renewed), renewed

    def sign_in_secret(self, sign_in: str, renewals: int) -> str:
        """What renews a sign-in once more after so many ``renewals``."""
        return self._sign_in_signer.sign(f"{sign_in}.{renewals}").decode()

    def read_sign_in_secret(self, secret: str) -> tuple[str, int] | None:
        """The sign-in and the renewals of a genuine secret; whether it still holds is stored."""
        try:
            sign_in, _, renewals = (
                self._sign_in_signer.unsign(secret.encode("ascii", "strict"))
                .decode()
                .rpartition(".")
            )
        except (BadSignature, UnicodeEncodeError):
            return None
        return sign_in, int(renewals)

    def _sign(self, claims: Claims) -> str:
        payload = base64.urlsafe_b64encode(self._encoder.encode(claims))
        return self._signer.sign(payload).decode()

    def verify(self, token: str, now: int) -> Claims | None:
        """The claims of a token that is genuine, not expired and not revoked by its id."""
        try:
            payload = self._signer.unsign(token.encode("ascii", "strict"))
            claims = self._decoder.decode(base64.urlsafe_b64decode(payload))
        except (BadSignature, UnicodeEncodeError, binascii.Error, msgspec.DecodeError):
            return None
        if claims.expires_at <= now or self.is_revoked(claims.id):
            return None
        return claims

    def is_revoked(self, token_id: str) -> bool:
        """Whether this token, by its id, is refused before its time."""
        return token_id in self._revoked

    def revoke(self, token_id: str) -> None:
        """Refuse this token from now on, for ever: an id does not tell how long its tokens last."""
        self._revoked.add(token_id)
