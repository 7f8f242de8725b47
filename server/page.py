"""Where the page is: its files, beside this module or in the checkout, and its address."""

from pathlib import Path

from server.settings import Settings


def page_folder() -> Path:
    """The folder of the page's files."""
    installed = Path(__file__).parent / "page"
    return installed if installed.is_dir() else Path(__file__).parent.parent / "clients" / "js-demo"


def address_of(host: str, port: int) -> str:
    """Where a browser on this machine finds a server that listens on ``host`` and ``port``."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - all addresses
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


def page_address(settings: Settings, port: int) -> str:
    """Where the page is for those who are sent a link to it."""
    return settings.public_url or address_of(settings.host, port)
