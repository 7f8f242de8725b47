"""What the configuration refuses and puts right: unknown variables, and origins."""

from collections.abc import Mapping

import pytest

from server.app import origins
from server.config import ConfigurationError, read_settings
from server.settings import Settings


def read(environment: Mapping[str, str] | None = None, **options: object) -> Settings:
    return read_settings(None, environment or {}, options)


# --- Variables ------------------------------------------------------------------------------------


def test_an_unknown_variable_is_refused_by_a_sentence_that_names_it() -> None:
    with pytest.raises(ConfigurationError, match=r"DESKBELL_PROT .*operations\.md.*\.$"):
        read(environment={"DESKBELL_PROT": "8000"})


@pytest.mark.parametrize("variable", ["DESKBELL_CHROMIUM", "DESKBELL_ARTIFACTS", "MY_DESKBELL_X"])
def test_variables_of_others_are_left_alone(variable: str) -> None:
    assert read(environment={variable: "/usr/bin/x"}) == Settings()


# --- Origins --------------------------------------------------------------------------------------

MEANT = {
    "https://b.example/": "https://b.example",
    " https://b.example ": "https://b.example",
    "HTTPS://B.Example": "https://b.example",
    "https://b.example:443": "https://b.example",
    "http://b.example:80": "http://b.example",
    "http://b.example:8080": "http://b.example:8080",
    "http://127.0.0.1:8000": "http://127.0.0.1:8000",
    "http://[::1]:8000": "http://[::1]:8000",
    "https://xn--bcher-kva.example": "https://xn--bcher-kva.example",
}
"""How an origin may be written, and how browsers write it."""

NO_ORIGIN = (
    "example.com",
    "ftp//x",
    "ftp://x",
    "//b.example",
    "https://",
    "https:b.example",
    "https://b.example:port",
    "https://b.example:99999",
    "https://*.b.example",
    "https://b_example;",
    "https://bücher.example",
    "https://rita@b.example",
    "https://b.example?x=1",
    "https://b.example#x",
    "https://b.ex ample",
    "https://[::1",
    "null",
    "*",
)


@pytest.mark.parametrize("written", MEANT)
def test_an_origin_becomes_what_browsers_say(written: str) -> None:
    assert read(public_url=written).public_url == MEANT[written]
    assert read(origins=("https://a.example", written)).origins == (
        "https://a.example",
        MEANT[written],
    )


def test_of_a_public_url_with_a_path_its_origin_is_allowed() -> None:
    settings = read(public_url="https://example.com/desk/")
    assert "https://example.com" in origins(settings, 8000)
    with pytest.raises(ConfigurationError, match="origins"):
        read(origins=("https://example.com/desk",))


@pytest.mark.parametrize("text", ["", " ", ","])
def test_no_origins_in_the_environment_are_none(text: str) -> None:
    assert read(environment={"DESKBELL_ORIGINS": text}).origins == ()


def test_origins_in_the_environment_may_have_spaces_between_them() -> None:
    found = read(environment={"DESKBELL_ORIGINS": "https://a.example, https://b.example/,"})
    assert found.origins == ("https://a.example", "https://b.example")


@pytest.mark.parametrize("text", NO_ORIGIN)
def test_what_is_no_origin_is_refused_by_a_sentence_that_names_the_setting(text: str) -> None:
    for name, value in (("public_url", text), ("origins", ("https://a.example", text))):
        with pytest.raises(ConfigurationError) as caught:
            read(**{name: value})
        assert str(caught.value).startswith(f"{name} ")
        assert repr(text) in str(caught.value)
        assert str(caught.value).endswith(".")
