"""What the desk is asked about imports: that one is over."""

import msgspec


class FinishImport(msgspec.Struct, frozen=True):
    """Nothing more comes: who is connected loads anew."""

    author: str
    name: str
