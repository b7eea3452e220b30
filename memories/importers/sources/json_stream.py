"""JSON of any size, one element at a time, with the line where each begins; what is broken is passed over and named."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple, TextIO

CHUNK = 1 << 18
_SPACE = " \t\r\n"


class Element(NamedTuple):
    """`path`: the keys above it. `broken`: why it could not be read; then `value` is None."""

    path: tuple[str, ...]
    line: int
    value: Any
    broken: str = ""


class BrokenJSON(ValueError):
    """Nothing after this place can be read."""

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line}")
        self.line = line


def elements(file: TextIO, *, lists: frozenset[str]) -> Iterator[Element]:
    """The elements of a top-level list, or of the lists under the keys `lists` of a top-level object; then, with the
    path (), that object's other keys together. Raises `BrokenJSON` where no next element can be found.
    """
    reader = _Reader(file)
    start = reader.peek()
    if start == "[":
        yield from reader.list_elements(())
    elif start == "{":
        yield from reader.object_elements(lists)
    else:
        raise BrokenJSON(reader.line)


def json_lines(file: TextIO) -> Iterator[Element]:
    """The value of each line."""
    for number, line in enumerate(file, start=1):
        if not line.strip():
            continue
        try:
            yield Element((), number, json.loads(line))
        except ValueError:
            yield Element((), number, None, "it is no JSON")


class _Reader:
    """A window on the file that is filled as it is read."""

    def __init__(self, file: TextIO) -> None:
        self.file = file
        self.window = ""
        self.at = 0
        self.ended = False
        self.line = 1
        self._decode = json.JSONDecoder().raw_decode

    def peek(self) -> str:
        """The next character that is no space, or "" at the end."""
        while True:
            while self.at < len(self.window) and self.window[self.at] in _SPACE:
                self._advance(self.at + 1)
            if self.at < len(self.window) or not self._fill():
                return self.window[self.at : self.at + 1]

    def list_elements(self, path: tuple[str, ...]) -> Iterator[Element]:
        self._take("[")
        while self.peek() not in ("]", ""):
            line = self.line
            value, broken = self._value()
            yield Element(path, line, value, broken)
            self._separator("]")
        self._take("]")

    def object_elements(self, lists: frozenset[str]) -> Iterator[Element]:
        self._take("{")
        rest: dict[str, Any] = {}
        while self.peek() not in ("}", ""):
            key, broken = self._value()
            if broken or not isinstance(key, str):
                raise BrokenJSON(self.line)
            self._take(":")
            if key in lists and self.peek() == "[":
                yield from self.list_elements((key,))
            else:
                rest[key], broken = self._value()
                if broken:
                    raise BrokenJSON(self.line)
            self._separator("}")
        self._take("}")
        if rest:
            yield Element((), 1, rest)

    def _value(self) -> tuple[Any, str]:
        """The value that begins here, or why there is none: then the reader stands behind what it passed over."""
        self.peek()
        while True:
            try:
                value, end = self._decode(self.window, self.at)
            except json.JSONDecodeError as error:
                incomplete = error.msg.startswith("Unterminated") or error.pos >= len(self.window) - 8
                if incomplete and self._fill():
                    continue
                self._pass_over()
                return None, "it is no JSON"
            # A number that ends where the window ends may go on.
            if end == len(self.window) and not self.ended and self._fill():
                continue
            self._advance(end)
            return value, ""

    def _pass_over(self) -> None:
        """Go behind the object that cannot be read, by its braces, strings left out. Raises `BrokenJSON`."""
        if self.peek() != "{":
            raise BrokenJSON(self.line)
        depth, at, in_string = 0, self.at, False
        while True:
            if at == len(self.window):
                before = len(self.window) - self.at
                if not self._fill():
                    raise BrokenJSON(self.line)
                at = self.at + before
            character = self.window[at]
            at += 1
            if in_string:
                at += character == "\\"
                in_string = character != '"'
            elif character == '"':
                in_string = True
            elif character in "{}":
                depth += 1 if character == "{" else -1
                if depth == 0:
                    self._advance(at)
                    return

    def _separator(self, closing: str) -> None:
        following = self.peek()
        if following == ",":
            self._advance(self.at + 1)
        elif following != closing:
            raise BrokenJSON(self.line)

    def _take(self, expected: str) -> None:
        if self.peek() != expected:
            raise BrokenJSON(self.line)
        self._advance(self.at + 1)

    def _advance(self, to: int) -> None:
        self.line += self.window.count("\n", self.at, to)
        self.at = to

    def _fill(self) -> bool:
        more = self.file.read(CHUNK)
        self.window = self.window[self.at :] + more
        self.at = 0
        self.ended = not more
        return bool(more)
