"""A business of its own on a server: people, tokens and conversations made by the HTTP API."""

import time
from typing import Any

from tests.browser.stage import Server


class Business:
    """Made with the operator's key; what happens in it is asked for with its own key."""

    def __init__(self, server: Server, name: str) -> None:
        operator = (server.data / "operator.key").read_text().strip()
        self._server = server
        made = server.ask("POST", "/v1/businesses", {"id": name, "name": name}, operator)
        self._key = str(made["api_key"])

    def ask(self, method: str, path: str, body: object = None, person: str = "") -> Any:
        """One request as a person, or with the key of the business."""
        return self._server.ask(method, path, body, self.token(person) if person else self._key)

    def person(self, name: str, role: str) -> None:
        self.ask("POST", "/v1/people", {"id": name, "name": name.title(), "role": role})

    def token(self, person: str) -> str:
        made = self._server.ask("POST", "/v1/tokens", {"person": person}, self._key)
        return str(made["token"])

    def group(self, title: str, author: str, people: list[str], texts: list[str]) -> str:
        """A conversation with these messages of its author; its id is made of the title."""
        name = title.lower().replace(" ", "-")
        group = {"kind": "group", "people": people, "title": title, "id": name}
        self.ask("POST", "/v1/conversations", group, author)
        self.say(name, author, texts)
        return name

    def upload(self, person: str, name: str, data: bytes) -> str:
        """The id of a file that ``person`` can attach to something."""
        begun = self.ask("POST", "/v1/uploads", {"name": name, "size": len(data)}, person)
        path = f"/v1/uploads/{begun['id']}"
        self.ask("PATCH", f"{path}?offset=0", data, person)
        while self.ask("GET", path, person=person)["state"] != "ready":
            time.sleep(0.05)
        return str(begun["id"])

    def say(self, conversation: str, author: str, texts: list[str]) -> None:
        token = self.token(author)
        for number, text in enumerate(texts):
            said = {"client_message_id": f"{time.time_ns()}-{number}", "text": text}
            path = f"/v1/conversations/{conversation}/messages"
            self._server.ask("POST", path, said, token)
