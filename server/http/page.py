"""The page: files of one folder, known by their names when the server starts."""

from pathlib import Path

import msgspec

from domain.refusal import NOT_FOUND, Code, Refusal
from server.http.fields import Nothing
from server.http.files import file_content, unless_known
from server.http.route import ANYBODY, AnyRoute, Call, Content, Handler, Route

MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; font-src 'self'; manifest-src 'self'; frame-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)


class AnyQuery(msgspec.Struct, frozen=True):
    """A link to a page may carry a query that is of no account to us."""


class PageFile(AnyQuery, frozen=True):
    file: str


class Page:
    """The files of the folder itself, held in memory: a name that is not among them is nothing."""

    def __init__(self, folder: Path) -> None:
        self._files: dict[str, Content] = {}
        found = sorted(folder.iterdir()) if folder.is_dir() else []
        for path in found:
            media_type = MEDIA_TYPES.get(path.suffix)
            if media_type is not None and path.is_file():
                self._files[path.name] = file_content(
                    path.read_bytes(), media_type, ("Content-Security-Policy", POLICY)
                )

    def file(self, name: str, if_none_match: str = "") -> Content | Refusal:
        """The file ``name``, or 304 if the client has it already."""
        content = self._files.get(name)
        return NOT_FOUND if content is None else unless_known(content, if_none_match)

    async def index(self, call: Call[AnyQuery, Nothing]) -> Content | Refusal:
        """The page itself."""
        return self.file("index.html", call.if_none_match)

    async def docs(self, call: Call[AnyQuery, Nothing]) -> Content | Refusal:
        """The reader of the API's description."""
        return self.file("docs.html", call.if_none_match)

    async def asset(self, call: Call[PageFile, Nothing]) -> Content | Refusal:
        """A script, a style sheet, a picture."""
        return self.file(call.parameters.file, call.if_none_match)

    def routes(self) -> tuple[AnyRoute, ...]:
        """`/`, `/v1/docs` and the files that they load."""
        return (
            _route("/", "The page", self.index),
            _route("/v1/docs", "The API's description, to read", self.docs),
            Route(
                method="GET",
                path="/page/{file}",
                summary="A file of the page",
                handler=self.asset,
                callers=ANYBODY,
                parameters=PageFile,
                body=Nothing,
                answer=Content,
                refusals=(Code.NOT_FOUND,),
                media_type="*/*",
            ),
        )


def _route(
    path: str, summary: str, handler: Handler[AnyQuery, Nothing, Content]
) -> Route[AnyQuery, Nothing, Content]:
    return Route(
        method="GET",
        path=path,
        summary=summary,
        handler=handler,
        callers=ANYBODY,
        parameters=AnyQuery,
        body=Nothing,
        answer=Content,
        refusals=(Code.NOT_FOUND,),
        media_type=MEDIA_TYPES[".html"],
    )
