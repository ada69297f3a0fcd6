# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms in YAML and JSON as plain data with line numbers, and files beside them.

A reader knows nothing of what a form should hold.  It takes any bytes, of anybody,
and either returns a `Document` or raises `Unreadable`, and nothing else.
"""

from __future__ import annotations

import codecs
import errno
import json
import os
import re
import stat
import unicodedata
from collections.abc import Callable, Iterable
from json.decoder import JSONArray, JSONDecoder, JSONObject  # type: ignore[attr-defined]
from json.scanner import py_make_scanner  # type: ignore[attr-defined]
from pathlib import Path
from typing import Any

import yaml

from qnet_mailman.forms.mistakes import Document

MAX_CSV_ROWS = 200_000
MAX_VALUES = 300_000
"""Values in one form, with what aliases repeat."""
MAX_DEPTH = 20

Where = tuple[str | int, ...]


class Unreadable(Exception):
    """A file that is not what its name says.

    :ivar message: What is wrong.
    :ivar line: The line, counted from 1; None for the file as a whole.
    :ivar column: The column, counted from 1.
    """

    def __init__(
        self, message: str, line: int | None = None, column: int | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column

    def __str__(self) -> str:
        place = (
            '' if self.column is None else f' (line {self.line}, column {self.column})'
        )
        return f'{self.message}{place}'


def content_of(path: Path, limit: int, setting: str) -> bytes:
    """The bytes of a file; no more of it is read than the limit.

    :param limit: The number of bytes that it may have.
    :param setting: The key of `qnet.cfg` that says so.
    :raises Unreadable: if it cannot be done.
    """
    try:
        # Opening a pipe that nobody writes to would not end.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), 'rb') as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise OSError(errno.EINVAL, 'Not a file')
            content = file.read(limit + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, 'strerror', None) or 'not a file name'
        raise Unreadable(f'cannot be read: {reason}') from None
    if len(content) > limit:
        raise too_large(limit, setting)
    return content


def too_large(limit: int, setting: str, what: str = '') -> Unreadable:
    """What is said of a file that is larger than a setting allows.

    :param what: Which part of the file is, or how.
    """
    size = f'{limit} bytes' if limit < 1024 else f'{limit // 1024} KB'
    about = f'{what}: ' if what else ''
    return Unreadable(f'{about}is larger than {size} ({setting} in qnet.cfg)')


def decoded(content: bytes) -> str:
    """Text of a file: UTF-8, or with a byte order mark UTF-16, as Excel writes it.

    :raises Unreadable: if it is something else.
    """
    try:
        if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return content.decode('utf-16')
        text = content.decode('utf-8-sig')
        nothing = content.find(b'\0')
    except UnicodeDecodeError as error:
        nothing = error.start
    if nothing >= 0:
        # Every second byte of UTF-16 is 0, which no text has.
        line = content.count(b'\n', 0, nothing) + 1
        raise Unreadable(
            'is not text in UTF-8; save it as UTF-8 (in Excel: "CSV UTF-8")', line
        )
    return text


class _Loader(yaml.SafeLoader):
    # Nothing is guessed by PyYAML (`no` is not False, 012 not 10, 2026-01-02 no date):
    # whatever has another tag than text was given one by hand.
    yaml_implicit_resolvers: dict[str, Any] = {}


_YAML_TEXT = 'tag:yaml.org,2002:str'
_YAML_TAGS = {_YAML_TEXT, 'tag:yaml.org,2002:map', 'tag:yaml.org,2002:seq'}
_YAML_HINTS = {
    'mapping values are not allowed here': 'a colon is where none can be; put a text '
    'that holds a colon and a space into quotes, and check that the lines begin in '
    'the same column',
    "found character '\\t' that cannot start any token": 'a tab stands at the '
    'beginning of a value or line; use spaces',
    "could not find expected ':'": 'a line without "key: value"',
    'found unexpected end of stream': 'the file ends within a quoted text or a bracket',
    "expected <block end>, but found '<block mapping start>'": 'this line begins in '
    'another column than those it belongs to',
    "expected <block end>, but found '<block sequence start>'": 'this line begins in '
    'another column than those it belongs to',
    'but found another document': 'only one form in a file; a second begins here',
}


def read_yaml(text: str) -> Document:
    """A form in YAML.

    Plain scalars are read as in YAML 1.2: `true`, `false`, `null` and whole numbers
    are what they say, everything else is text.

    :raises Unreadable: if it is not YAML, or more of it than a form needs.
    """
    try:
        root = yaml.compose(text, Loader=_Loader)
        if root is None:
            raise Unreadable('is empty; expected a form')
        return _YamlWalk().document(root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = str(error.problem or error.context or 'it cannot be read')
        problem = _YAML_HINTS.get(problem, problem)
        if mark is None:
            raise Unreadable(f'is not YAML: {problem}') from None
        raise Unreadable(
            f'is not YAML: {problem}', mark.line + 1, mark.column + 1
        ) from None
    except yaml.reader.ReaderError as error:
        line = text.count('\n', 0, error.position) + 1
        raise Unreadable('holds a control character', line) from None
    except RecursionError:
        raise Unreadable('is nested too deeply for a form') from None
    except (yaml.YAMLError, ValueError, LookupError, ArithmeticError):
        raise Unreadable('is not YAML') from None


class _YamlWalk:
    """Turns nodes into plain data, counting what aliases repeat."""

    def __init__(self) -> None:
        self._values = 0
        self._lines: dict[Where, int] = {}

    def document(self, root: Any) -> Document:
        data = self._value(root, ())
        if not isinstance(data, dict):
            raise Unreadable('is not a form; expected lines of "key: value"', 1)
        return Document(data, self._lines)

    def _value(self, node: Any, where: Where) -> Any:
        line = node.start_mark.line + 1
        self._values += 1
        if self._values > MAX_VALUES or len(where) > MAX_DEPTH:
            raise Unreadable('holds more than a form needs', line)
        if node.tag not in _YAML_TAGS:
            raise Unreadable(f'has the tag "{node.tag}", which forms do not have', line)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, where)
        if isinstance(node, yaml.SequenceNode):
            items = []
            for place, item in enumerate(node.value):
                self._lines[(*where, place)] = item.start_mark.line + 1
                items.append(self._value(item, (*where, place)))
            return items
        return _plain(node.value) if node.style is None else node.value

    def _mapping(self, node: yaml.MappingNode, where: Where) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            mark = key_node.start_mark
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag != _YAML_TEXT:
                raise Unreadable('has a key that is not a word', mark.line + 1)
            key = key_node.value
            if key in data:
                first = self._lines[(*where, key)]
                raise Unreadable(
                    f'has the key "{key[:60]}" twice; the first is in line {first}',
                    mark.line + 1,
                    mark.column + 1,
                )
            self._lines[(*where, key)] = mark.line + 1
            data[key] = self._value(value_node, (*where, key))
        return data


def _plain(text: str) -> Any:
    if text in ('true', 'True', 'TRUE', 'false', 'False', 'FALSE'):
        return text.lower() == 'true'
    if text in ('', '~', 'null', 'Null', 'NULL'):
        return None
    # Only what is written again in the same way, so that text may be read as a number
    # and taken for text after all.
    if re.fullmatch(r'0|-?[1-9][0-9]{0,17}', text):
        return int(text)
    return text


_JSON_HINTS = {
    'Expecting property name enclosed in double quotes': 'a key in double quotes is '
    'expected here (is there a comma too many before it?)',
    "Expecting ',' delimiter": 'a comma is missing before this',
    "Expecting ':' delimiter": 'a colon is missing before this',
    'Expecting value': 'a value is expected here',
    'Extra data': 'the form has ended before this',
    'Illegal trailing comma before end of object': 'a comma too many',
    'Illegal trailing comma before end of array': 'a comma too many',
}


class _Placed:
    """A JSON value and where it begins."""

    __slots__ = ('offset', 'value')

    def __init__(self, value: Any, offset: int) -> None:
        self.value = value
        self.offset = offset


class _PlacingDecoder(JSONDecoder):
    """The standard decoder, noting where each value begins."""

    def __init__(self) -> None:
        super().__init__(object_pairs_hook=list, parse_constant=self._no_constant)

        def parse_object(state: Any, strict: bool, scan: Any, *hooks: Any) -> Any:
            pairs, end = JSONObject(state, strict, self._placing(scan), *hooks)
            return _Pairs(pairs), end

        def parse_array(state: Any, scan: Any) -> Any:
            return JSONArray(state, self._placing(scan))

        self.parse_object = parse_object
        self.parse_array = parse_array
        # Only the scanner in Python calls these.
        self.scan_once = py_make_scanner(self)

    @staticmethod
    def _no_constant(word: str) -> Any:
        raise Unreadable(f'holds {word}, which is not a number')

    @staticmethod
    def _placing(scan: Callable[[str, int], Any]) -> Callable[[str, int], Any]:
        def placed(text: str, offset: int) -> Any:
            value, end = scan(text, offset)
            return _Placed(value, offset), end

        return placed


class _Pairs(list[tuple[str, _Placed]]):
    """A JSON object before duplicate keys are looked for."""


def read_json(text: str) -> Document:
    """A form in JSON (RFC 8259).

    :raises Unreadable: if it is not JSON, or more of it than a form needs.
    """
    try:
        value = _PlacingDecoder().decode(text)
        if not isinstance(value, _Pairs):
            raise Unreadable('is not a form; expected { "key": value ... }', 1)
        lines: dict[Where, int] = {}
        return Document(_json_value(value, (), _LineCounter(text), lines), lines)
    except json.JSONDecodeError as error:
        problem = _JSON_HINTS.get(error.msg, error.msg)
        raise Unreadable(f'is not JSON: {problem}', error.lineno, error.colno) from None
    except RecursionError:
        raise Unreadable('is nested too deeply for a form') from None
    except ValueError:
        raise Unreadable('holds a number that is too long') from None


class _LineCounter:
    """Line numbers of rising offsets, each newline counted once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._offset = 0
        self._line = 1

    def at(self, offset: int) -> int:
        self._line += self._text.count('\n', self._offset, offset)
        self._offset = offset
        return self._line


def _json_value(
    value: Any, where: Where, lines_of: _LineCounter, lines: dict[Where, int]
) -> Any:
    if len(where) > MAX_DEPTH or len(lines) > MAX_VALUES:
        raise Unreadable('holds more than a form needs')
    if isinstance(value, _Pairs):
        data: dict[str, Any] = {}
        for key, placed in value:
            line = lines_of.at(placed.offset)
            if key in data:
                raise Unreadable(
                    f'has the key "{key[:60]}" twice; the first is in line '
                    f'{lines[(*where, key)]}',
                    line,
                )
            lines[(*where, key)] = line
            data[key] = _json_value(placed.value, (*where, key), lines_of, lines)
        return data
    if isinstance(value, list):
        items = []
        for place, placed in enumerate(value):
            lines[(*where, place)] = lines_of.at(placed.offset)
            items.append(_json_value(placed.value, (*where, place), lines_of, lines))
        return items
    return value


_BESIDE = 'expected the name of a .csv file beside the form'


def not_beside() -> Unreadable:
    """What is said of a file that a form names and that is not there."""
    return Unreadable(f'is not beside the form; {_BESIDE}')


def beside(folder: Path, name: str) -> Path:
    """The CSV file that a form names.

    :param folder: The form's folder; nothing outside is read.
    :param name: The file's name as the form gives it.
    :raises Unreadable: if it is elsewhere, or cannot be such a file.
    """
    relative = Path(name)
    if '\0' in name or relative.is_absolute() or '..' in relative.parts:
        raise not_beside()
    if relative.suffix.lower() != '.csv':
        raise Unreadable(f'does not end in .csv; {_BESIDE}')
    base = folder.resolve()
    try:
        path = _as_it_is_there(base / relative).resolve()
        is_there = path.is_relative_to(base) and path.exists()
        is_file = is_there and path.is_file()
    except RuntimeError:
        # A link to itself.  From Python 3.13 on it is one that leads nowhere.
        raise not_beside() from None
    except OSError:
        # A name that is too long, or a folder that nobody may look into.
        raise Unreadable(f'cannot be found; {_BESIDE}') from None
    if not is_there:
        raise not_beside()
    if not is_file:
        raise Unreadable(f'is not a file; {_BESIDE}')
    return path


def _as_it_is_there(path: Path) -> Path:
    """A file, or the one whose name is the same to people (`name_key()`)."""
    if not path.exists():
        key = name_key(path.name)
        for each in sorted(path.parent.iterdir()) if path.parent.is_dir() else ():
            if name_key(each.name) == key:
                return each
    return path


def name_key(name: str) -> str:
    """What the names of one file have in common on the systems that it went through.

    macOS takes letters with accents apart (NFD), and nobody sees whether a name is in
    capitals.
    """
    return unicodedata.normalize('NFC', unicodedata.normalize('NFC', name).casefold())


def named(files: Iterable[str], wanted: str) -> str:
    """The name of the file that is wanted, as it is among others; else as it is.

    :param files: The names that there are.
    """
    there = list(files)
    if wanted in there:
        return wanted
    key = name_key(wanted)
    return next((each for each in there if name_key(each) == key), wanted)
