"""Files as answers: asked for each time, sent again only when they have changed."""

import hashlib

from server.http.route import Content


def file_content(body: bytes, media_type: str, *headers: tuple[str, str]) -> Content:
    """``body`` with a tag that names its version; browsers keep it, but ask before they use it."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    return Content(body, media_type, (("ETag", tag), ("Cache-Control", "no-cache"), *headers))


def unless_known(content: Content, if_none_match: str) -> Content:
    """``content``, or 304 without a body if the client has this version already."""
    known = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    if content.headers[0][1] not in known:
        return content
    return Content(b"", content.media_type, content.headers, status=304)
