"""Where the page is: installed beside this module, or in the checkout."""

from pathlib import Path


def page_folder() -> Path:
    """The folder of the page's files."""
    installed = Path(__file__).parent / "page"
    return installed if installed.is_dir() else Path(__file__).parent.parent / "clients" / "js-demo"
