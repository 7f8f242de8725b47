"""Write the golden files beside this script: `python tests/golden/write.py`.

The bytes come from the `msgpack` package and the standard library's `json`, not from the server.
"""

import json
from pathlib import Path

import frames
import msgpack

HERE = Path(__file__).parent
HEX_COLUMNS = 32


def text(value: object) -> str:
    """``value`` as JSON for people: indented, in its own order, beyond ASCII as it is."""
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def hexed(data: bytes) -> str:
    """``data`` as lines of hex, so that a change shows where it is."""
    digits = data.hex()
    width = 2 * HEX_COLUMNS
    return "".join(digits[i : i + width] + "\n" for i in range(0, len(digits), width))


def files() -> dict[str, str]:
    """Every golden file by name, with what has to be in it."""
    written: dict[str, str] = {}
    index = []
    for golden in frames.ALL:
        written[f"{golden.name}.json"] = text(golden.frame)
        written[f"{golden.name}.msgpack.hex"] = hexed(msgpack.packb(golden.frame))
        index.append(
            {
                "name": golden.name,
                "direction": golden.direction,
                "type": golden.frame["type"],
                "notes": golden.notes,
            }
        )
    return written | {"index.json": text(index)}


def main() -> None:
    """Write what differs and delete what is no longer golden."""
    wanted = files()
    for path in HERE.iterdir():
        if path.name.endswith((".json", ".msgpack.hex")) and path.name not in wanted:
            path.unlink()
    for name, content in wanted.items():
        path = HERE / name
        if not path.exists() or path.read_text(encoding="utf-8") != content:
            path.write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
