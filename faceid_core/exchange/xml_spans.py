"""XML with the byte offsets of each element, so that edits leave all other bytes unchanged.

Serialising a parsed tree would lose the quotes, whitespace, prefixes and comments of other programs. Here, elements
are only inserted and deleted.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from faceid_core.errors import SidecarUnusable
from faceid_core.media.xmp import DEEPEST, LARGEST_BYTES, PADDING, WIDE_MARKS

_START_TAG = re.compile(rb"""<(?:[^<>"']|"[^"]*"|'[^']*')*>""")
_END_TAG = re.compile(rb"</[^<>]*>")
_XML = "http://www.w3.org/XML/1998/namespace"
_DECLARED = re.compile(rb"""^<\?xml[^>]*encoding\s*=\s*["']([\w.-]+)["']""")
_MARKS = ((codecs.BOM_UTF8, "utf-8"), *WIDE_MARKS)


@dataclass(slots=True, eq=False)
class Node:
    """An element. name, attributes: with the namespace in braces; prefixes: prefix -> namespace in scope.

    Its bytes are data[start:end], its content data[inner:inner_end]; an <empty/> element has inner == end.
    """

    name: str
    written: str
    attributes: dict[str, str]
    prefixes: dict[str, str]
    parent: Node | None
    start: int
    inner: int
    inner_end: int = 0
    end: int = 0
    text: str = ""
    children: list[Node] = field(default_factory=list)

    @property
    def is_empty_tag(self) -> bool:
        """Whether it is written as <empty/>."""
        return self.inner == self.end

    def iter(self, name: str | None = None) -> Iterator[Node]:
        """Yield this node and its descendants in document order, optionally only those with a name."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            if name is None or node.name == name:
                yield node
            waiting += reversed(node.children)

    def find(self, name: str) -> Node | None:
        """Return the first descendant with this name, or None."""
        return next((node for node in self.iter(name) if node is not self), None)


class Document:
    """An XML document and the pending edits to its bytes. Raises SidecarUnusable if it is not XML, has a document
    type declaration, or is too large."""

    def __init__(self, file: bytes) -> None:
        if len(file) > LARGEST_BYTES:
            raise SidecarUnusable(f"it is larger than {LARGEST_BYTES >> 20} MB")
        self._mark, self._encoding, self.data = _as_utf8(file)
        self.root = _Parser(self.data).root
        self._cuts: list[tuple[int, int]] = []
        self._added: dict[Node, list[str]] = {}

    def add(self, parent: Node, xml: str) -> None:
        """Insert an element after the last one in `parent`, with the same whitespace before it."""
        self._added.setdefault(parent, []).append(xml)

    def cut(self, node: Node) -> None:
        """Delete an element and the whitespace before it."""
        start = node.start
        while self.data[start - 1 : start].isspace():
            start -= 1
        self._cuts.append((start, node.end))

    @property
    def is_changed(self) -> bool:
        """Whether there are pending edits."""
        return bool(self._cuts or self._added)

    def changed(self) -> bytes:
        """Return the edited bytes, in the original encoding."""
        edits = [(start, end, b"") for start, end in self._cuts]
        edits += [self._insertion(parent, texts) for parent, texts in self._added.items()]
        data = self.data
        for start, end, new in sorted(edits, reverse=True):
            data = data[:start] + new + data[end:]
        return self._mark + (data if self._encoding == "utf-8" else data.decode().encode(self._encoding))

    def _insertion(self, parent: Node, texts: list[str]) -> tuple[int, int, bytes]:
        if parent.is_empty_tag:
            new = f">{''.join(texts)}</{parent.written}>".encode()
            return parent.inner - 2, parent.inner, new
        first = parent.children[0].start if parent.children else parent.inner_end
        before = self.data[parent.inner : first].decode()
        space = before if before.isspace() else ""
        if space and not parent.children:  # the existing whitespace belongs to the end tag
            space += " "
        at = parent.children[-1].end if parent.children else parent.inner
        return at, at, "".join(f"{space}{text}" for text in texts).encode()


def _as_utf8(file: bytes) -> tuple[bytes, str, bytes]:
    """Return the byte order mark, the encoding, and the text after the mark as UTF-8."""
    mark, encoding = next(((mark, name) for mark, name in _MARKS if file.startswith(mark)), (b"", "utf-8"))
    data = file[len(mark) :]
    declared = _DECLARED.match(data)
    if encoding == "utf-8" and declared and declared[1].lower() not in (b"utf-8", b"utf8", b"us-ascii", b"ascii"):
        raise SidecarUnusable(f"it is in {declared[1].decode()}; save it in UTF-8")
    try:
        return mark, encoding, data.decode(encoding).encode()
    except UnicodeError as error:
        raise SidecarUnusable("it is not XML (its text is not UTF-8)") from error


class _Parser:
    """Parses with Expat, recording byte offsets. Document type declarations, the only place for entities, are
    refused."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._lead = len(data) - len(data.lstrip(PADDING))
        self._open: list[Node] = []
        self.root: Node
        parser = self._expat = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._refuse
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler = self._text
        try:
            parser.Parse(data.strip(PADDING), True)
        except expat.ExpatError as error:
            raise SidecarUnusable(f"it is not XML ({error})") from error

    def _refuse(self, *_: object) -> None:
        raise SidecarUnusable("it declares a document type, which XMP never does")

    @property
    def _place(self) -> int:
        return self._lead + self._expat.CurrentByteIndex

    def _start(self, written: str, attributes: dict[str, str]) -> None:
        if len(self._open) >= DEEPEST:
            raise SidecarUnusable("it is nested too deeply for XMP")
        parent = self._open[-1] if self._open else None
        prefixes = dict(parent.prefixes) if parent else {"xml": _XML}
        for name, value in attributes.items():
            if name == "xmlns" or name.startswith("xmlns:"):
                prefixes[name.partition(":")[2]] = value
        tag = _START_TAG.match(self._data, self._place)
        assert tag  # expat has just read it
        plain = {
            _expanded(name, prefixes, is_attribute=True): value
            for name, value in attributes.items()
            if not (name == "xmlns" or name.startswith("xmlns:"))
        }
        node = Node(_expanded(written, prefixes), written, plain, prefixes, parent, tag.start(), tag.end())
        if parent:
            parent.children.append(node)
        else:
            self.root = node
        self._open.append(node)

    def _end(self, _: str) -> None:
        node = self._open.pop()
        if self._data[node.inner - 2 : node.inner] == b"/>":
            node.inner_end = node.end = node.inner
            return
        tag = _END_TAG.match(self._data, self._place)
        assert tag
        node.inner_end, node.end = tag.start(), tag.end()

    def _text(self, text: str) -> None:
        self._open[-1].text += text


def _expanded(written: str, prefixes: dict[str, str], *, is_attribute: bool = False) -> str:
    prefix, colon, local = written.rpartition(":")
    if colon and prefix not in prefixes:
        raise SidecarUnusable(f"it is not XML (the prefix {prefix} is not declared)")
    namespace = "" if is_attribute and not colon else prefixes.get(prefix, "")
    return f"{{{namespace}}}{local}" if namespace else local
