"""Every queue has a bound, and no error or cancellation disappears."""

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.checkout import dotted, name_of, parse, product_modules

# Where a bound cannot be an argument (a mailbox that refuses when full), the line names it instead.
BOUND_ELSEWHERE = "# bound:"

# The only functions that may catch what they do not know: the supervisors of actors and of senders,
# which answer for what they run, and the outermost frame of a connection, whose failure ends it
# alone.
MAY_CATCH_ALL = {
    "actors/supervisor.py::Supervisor._supervise",
    "actors/supervisor.py::Supervisor._refuse",
    "server/edge/listener.py::Listener._serve",
    "server/edge/poller.py::guarded",
    "server/webhooks/dispatcher.py::Dispatcher._supervise",
}

BROAD = {"Exception", "builtins.Exception"}
ENDS_A_TASK = {"BaseException", "BaseExceptionGroup", "Cancelled", "trio.Cancelled", ""}


def is_infinite(node: ast.expr) -> bool:
    match node:
        case ast.Call(func=ast.Name(id="float"), args=[ast.Constant(value=str(text))]):
            return "inf" in text.lower()
        case _:
            return dotted(node).rpartition(".")[2] in {"inf", "maxsize"}


def has_no_bound(call: ast.Call) -> bool:
    """Whether the call makes a queue that grows for as long as it is fed."""
    arguments = {keyword.arg: keyword.value for keyword in call.keywords}
    called = call.func.value if isinstance(call.func, ast.Subscript) else call.func
    match dotted(called).rpartition(".")[2]:
        case "open_memory_channel":
            return any(is_infinite(value) for value in [*call.args, *arguments.values()])
        case "deque":
            bound = call.args[1] if len(call.args) > 1 else arguments.get("maxlen")
        case "Queue" | "LifoQueue" | "PriorityQueue":
            bound = call.args[0] if call.args else arguments.get("maxsize")
        case "SimpleQueue":
            return True
        case _:
            return False
    return bound is None or (isinstance(bound, ast.Constant) and not bound.value)


def unbounded(source: str) -> Iterator[str]:
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and has_no_bound(node):
            written = lines[node.lineno - 1 : node.end_lineno]
            if not any(BOUND_ELSEWHERE in line for line in written):
                yield f"{node.lineno}: {ast.unparse(node)}"


def caught(handler: ast.ExceptHandler) -> set[str]:
    """The names of what a handler catches; the empty name for a bare `except:`."""
    match handler.type:
        case None:
            return {""}
        case ast.Tuple(elts=several):
            return {dotted(one) for one in several}
        case one:
            return {dotted(one)}


def handlers(tree: ast.AST) -> list[ast.ExceptHandler]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler)]


def catches_all(tree: ast.AST, inside: str = "") -> Iterator[str]:
    """The functions that hold a handler for every error."""
    for node in ast.iter_child_nodes(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield from catches_all(node, f"{inside}.{name}")
            case ast.ClassDef(name=name):
                yield from catches_all(node, f"{inside}.{name}")
            case _:
                if isinstance(node, ast.ExceptHandler) and caught(node) & BROAD:
                    yield inside.removeprefix(".")
                yield from catches_all(node, inside)


def swallows_cancellation(handler: ast.ExceptHandler) -> bool:
    return bool(caught(handler) & ENDS_A_TASK) and not isinstance(handler.body[-1], ast.Raise)


def suppresses_all(tree: ast.AST) -> Iterator[int]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=called, args=errors) if dotted(called).endswith("suppress"):
                if {dotted(error) for error in errors} & (BROAD | ENDS_A_TASK):
                    yield node.lineno


def test_every_queue_has_a_bound() -> None:
    found = [
        f"{name_of(path)}:{finding}"
        for path in product_modules()
        for finding in unbounded(path.read_text())
    ]
    assert not found, f"give each a bound, or name it on the line: `{BOUND_ELSEWHERE} ...`"


def test_only_the_outermost_frames_catch_what_they_do_not_know() -> None:
    found = {
        f"{name_of(path)}::{function}"
        for path in product_modules()
        for function in catches_all(parse(path))
    }
    assert found == MAY_CATCH_ALL


def test_no_handler_swallows_a_cancellation() -> None:
    found = [
        f"{name_of(path)}:{handler.lineno}"
        for path in product_modules()
        for handler in handlers(parse(path))
        if swallows_cancellation(handler)
    ]
    assert not found


def test_nothing_suppresses_every_error() -> None:
    found = [
        f"{name_of(path)}:{line}"
        for path in product_modules()
        for line in suppresses_all(parse(path))
    ]
    assert not found


@pytest.mark.parametrize(
    "line",
    [
        "trio.open_memory_channel(math.inf)",
        "open_memory_channel[int](float('inf'))",
        "trio.open_memory_channel[bytes](max_buffer_size=inf)",
        "deque()",
        "collections.deque([], maxlen=None)",
        "deque[int](seen)",
        "queue.Queue()",
        "queue.Queue(0)",
        "queue.SimpleQueue()",
    ],
)
def test_a_queue_without_a_bound_is_found(line: str) -> None:
    assert list(unbounded(line))
    assert not list(unbounded(f"{line}  {BOUND_ELSEWHERE} the mailbox refuses when full"))


@pytest.mark.parametrize(
    "line", ["trio.open_memory_channel(64)", "deque(maxlen=n)", "deque([], 8)", "queue.Queue(16)"]
)
def test_a_queue_with_a_bound_is_not_found(line: str) -> None:
    assert not list(unbounded(line))


@pytest.mark.parametrize(
    "name", ["BaseException", "trio.Cancelled", "(OSError, trio.Cancelled)", ""]
)
def test_a_swallowed_cancellation_is_found(name: str) -> None:
    (swallowed,) = handlers(ast.parse(f"try:\n  f()\nexcept {name}:\n  g()"))
    (passed_on,) = handlers(ast.parse(f"try:\n  f()\nexcept {name}:\n  g()\n  raise"))
    assert swallows_cancellation(swallowed)
    assert not swallows_cancellation(passed_on)


def test_a_broad_handler_is_found() -> None:
    handler = "try: f()\n  except* (OSError, Exception): g()"
    assert list(catches_all(ast.parse(f"class C:\n async def m():\n  {handler}"))) == ["C.m"]
    assert list(suppresses_all(ast.parse("with contextlib.suppress(Exception): f()"))) == [1]
