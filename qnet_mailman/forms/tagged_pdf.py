# SPDX-License-Identifier: GPL-3.0-or-later
"""PDFs with a structure tree, which says to programs what is read in which order.

ReportLab draws and knows no structure.  So what is drawn is put into marked content
while it is drawn (ISO 32000-1 section 14.6), and the tree over it is made afterwards
(section 14.7), with the fields that people fill in as its leaves beside the texts.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pypdf import PdfReader, PdfWriter
from pypdf.generic import (
    ArrayObject,
    BooleanObject,
    DictionaryObject,
    NameObject,
    NumberObject,
    TextStringObject,
)
from reportlab.lib.pagesizes import letter
from reportlab.pdfgen.canvas import Canvas

LANGUAGE = 'en-US'


@dataclass
class Element:
    """A node of the tree.

    :ivar role: One of the standard structure types (section 14.8.4): `H1`, `P`.
    :ivar scope: What a heading of a table is for: `Column` or `Row`.
    :ivar children: The nodes below it.
    :ivar marks: The texts that it holds: page, counted from 0, and number there.
    :ivar name: The field that it holds.
    """

    role: str
    scope: str = ''
    children: list[Element] = field(default_factory=list)
    marks: list[tuple[int, int]] = field(default_factory=list)
    name: str = ''

    def add(self, role: str, scope: str = '') -> Element:
        """A new last node below this one."""
        self.children.append(Element(role, scope))
        return self.children[-1]


class TaggedCanvas:
    """A canvas whose texts and fields are nodes of a tree.

    :ivar canvas: What draws; only within `text()` and `artifact()`.
    :ivar root: The tree.
    """

    def __init__(self, title: str) -> None:
        self._file = io.BytesIO()
        self.canvas = Canvas(self._file, pagesize=letter, invariant=1)
        self.canvas.setTitle(title)
        self.root = Element('Document')
        self._page = 0
        self._mark = 0

    def next_page(self) -> None:
        """Go on with a new page."""
        self.canvas.showPage()
        self._page += 1
        self._mark = 0

    @contextmanager
    def text(self, element: Element) -> Iterator[Canvas]:
        """What is drawn within is a text of a node."""
        element.marks.append((self._page, self._mark))
        self.canvas.addLiteral(f'/{element.role} <</MCID {self._mark}>> BDC')
        self._mark += 1
        yield self.canvas
        self.canvas.addLiteral('EMC')

    @contextmanager
    def artifact(self) -> Iterator[Canvas]:
        """What is drawn within says nothing, and is not read."""
        self.canvas.addLiteral('/Artifact BMC')
        yield self.canvas
        self.canvas.addLiteral('EMC')

    def finished(self) -> bytes:
        """The file."""
        self.canvas.save()
        self._file.seek(0)
        writer = PdfWriter(clone_from=PdfReader(self._file))
        _Tree(writer).add(self.root)
        done = io.BytesIO()
        writer.write(done)
        return done.getvalue()


def _dictionary(**entries: Any) -> DictionaryObject:
    return DictionaryObject(
        {NameObject(f'/{key}'): value for key, value in entries.items()}
    )


class _Tree:
    """Makes the objects of a tree in a file."""

    def __init__(self, writer: PdfWriter) -> None:
        self._writer = writer
        self._root = writer.root_object
        self._parents: dict[int, Any] = {}
        self._fields: dict[str, tuple[int, Any]] = {}
        for number, page in enumerate(writer.pages):
            # Keys of pages, and behind them those of fields (section 14.7.4.4).
            page[NameObject('/StructParents')] = NumberObject(number)
            # The tab key follows the tree (section 12.5).
            page[NameObject('/Tabs')] = NameObject('/S')
            self._parents[number] = ArrayObject()
            for each in page.get('/Annots', ()):
                self._fields[each.get_object()['/T']] = (number, each)

    def add(self, document: Element) -> None:
        """Put the tree into the file."""
        tree = _dictionary(Type=NameObject('/StructTreeRoot'))
        reference = self._writer._add_object(tree)
        tree[NameObject('/K')] = self._node(document, reference)
        numbers = ArrayObject()
        for key, parent in sorted(self._parents.items()):
            numbers += [NumberObject(key), parent]
        tree[NameObject('/ParentTree')] = self._writer._add_object(
            _dictionary(Nums=numbers)
        )
        tree[NameObject('/ParentTreeNextKey')] = NumberObject(len(self._parents))
        self._root.update(
            _dictionary(
                StructTreeRoot=reference,
                MarkInfo=_dictionary(Marked=BooleanObject(True)),
                Lang=TextStringObject(LANGUAGE),
                ViewerPreferences=_dictionary(DisplayDocTitle=BooleanObject(True)),
            )
        )

    def _node(self, element: Element, parent: Any) -> Any:
        node = _dictionary(
            Type=NameObject('/StructElem'), S=NameObject(f'/{element.role}'), P=parent
        )
        reference = self._writer._add_object(node)
        kids = ArrayObject(self._text(mark, reference) for mark in element.marks)
        if element.name:
            kids.append(self._field(element.name, node, reference))
        kids += [self._node(child, reference) for child in element.children]
        node[NameObject('/K')] = kids
        if element.scope:
            node[NameObject('/A')] = _dictionary(
                O=NameObject('/Table'), Scope=NameObject(f'/{element.scope}')
            )
        return reference

    def _text(self, mark: tuple[int, int], reference: Any) -> Any:
        page, number = mark
        # In the order of their numbers, as they were drawn.
        self._parents[page].append(reference)
        return _dictionary(
            Type=NameObject('/MCR'),
            Pg=self._writer.pages[page].indirect_reference,
            MCID=NumberObject(number),
        )

    def _field(self, name: str, node: Any, reference: Any) -> Any:
        page, widget = self._fields[name]
        key = len(self._parents)
        self._parents[key] = reference
        about = widget.get_object()
        about[NameObject('/StructParent')] = NumberObject(key)
        # What is read where a program knows no fields.
        node[NameObject('/Alt')] = about['/TU']
        return _dictionary(
            Type=NameObject('/OBJR'),
            Pg=self._writer.pages[page].indirect_reference,
            Obj=widget,
        )
