# SPDX-License-Identifier: GPL-3.0-or-later
"""A text of ours as HTML, for people whose mail program shows that first.

Whoever writes a text lays it out as those of ``templates/en``, and it says already
what is what: blank lines between paragraphs; indented lines for addresses, links and
values; ``1.`` and ``-`` for lists; two blanks between a label and its value; a line of
dashes under a title.  A link with a label before it, or in the line above (``Join the
list: https://...``) is shown by its label alone, as what is to be done.

Nothing here is fetched, and nothing tells who has read it.
"""

from __future__ import annotations

import re
from html import escape

MAX_DEPTH = 8
"""Of what is indented below each other; the rest is shown as it stands."""

LINK = re.compile(
    r'(?P<url>https?://[^\s<>"]*[^\s<>".,;:!?)])'
    r'|(?:mailto:)?(?P<address>[\w.+=%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+)'
)
"""A web or e-mail address in a text."""
_ACTION = re.compile(r'(?P<label>[^\s:][^:]{0,60}): (?P<url>https?://\S+)')
_LABEL = re.compile(r'(?<=\S):\n(?=https?://\S+$)', re.MULTILINE)
ITEM = re.compile(r'(?P<marker>\d{1,3}\.|[-*]) +(?=\S)')
_COLUMNS = re.compile(r'(?<=\S) {2,}(?=\S)')
_VALUE = re.compile(r'(?<=\S) {2,}(?=\S)|(?<=:) (?=\S)')


def as_html(text: str) -> str:
    """The paragraphs, lists and links of a text.

    :param text: Plain text, as it is sent.
    :return: HTML for the body of a page; what the text holds is escaped.
    """
    return '\n'.join(_blocks(text.expandtabs().split('\n'), 0, is_prose=True))


def indent(line: str) -> int:
    """How far a line is indented, in columns."""
    return len(line) - len(line.lstrip())


def _blocks(lines: list[str], depth: int, *, is_prose: bool) -> list[str]:
    """The HTML of lines, the first of which is not indented more than the others.

    :param is_prose: Whether the ends of lines are mere layout.
    """
    found: list[str] = []
    at = 0
    while at < len(lines):
        if not lines[at].strip():
            at += 1
            continue
        if indent(lines[at]):
            end = _end_of_indented(lines, at)
            found.append(_indented(lines[at:end], depth))
        elif 0 < depth < MAX_DEPTH and ITEM.match(lines[at]):
            end, items = _items(lines, at, depth)
            found.append(items)
        elif at + 1 < len(lines) and set(lines[at + 1].strip()) == {'-'}:
            end = at + 2
            found.append(f'<h2>{_inline(lines[at])}</h2>')
        else:
            end = _end_of_paragraph(lines, at, depth)
            found.append(_paragraph(lines[at:end], is_prose=is_prose))
        at = end
    return found


def _end_of_indented(lines: list[str], at: int) -> int:
    """Where what is indented ends, with blank lines within it."""
    end = at
    for number in range(at, len(lines)):
        if lines[number].strip():
            if not indent(lines[number]):
                break
            end = number + 1
    return end


def _end_of_paragraph(lines: list[str], at: int, depth: int) -> int:
    for end in range(at + 1, len(lines)):
        line = lines[end]
        if not line.strip() or (depth and ITEM.match(line)):
            return end
        if indent(line) and not (depth and is_columns(lines[at])):
            return end
    return len(lines)


def is_columns(line: str) -> bool:
    """Whether a line has a label and its value, or cells of a table."""
    return _COLUMNS.search(line.strip()) is not None


def _indented(lines: list[str], depth: int) -> str:
    least = min(indent(line) for line in lines if line.strip())
    inner = [line[least:] for line in lines]
    if depth >= MAX_DEPTH:
        return f'<pre>{escape(chr(10).join(inner))}</pre>'
    blocks = '\n'.join(_blocks(inner, depth + 1, is_prose=False))
    return f'<div class="own">\n{blocks}\n</div>'


def _items(lines: list[str], at: int, depth: int) -> tuple[int, str]:
    """A list that begins at a line, and where it ends."""
    items: list[str] = []
    first = lines[at]
    while at < len(lines):
        match = ITEM.match(lines[at])
        if match is None:
            break
        end = at + 1
        for number in range(at + 1, len(lines)):
            if lines[number].strip():
                if not indent(lines[number]):
                    break
                end = number + 1
        width = match.end()
        own = [lines[at][width:]]
        own += [line[min(width, indent(line)) :] for line in lines[at + 1 : end]]
        items.append('\n'.join(_blocks(own, depth + 1, is_prose=True)))
        at = end
        while at < len(lines) and not lines[at].strip():
            at += 1
    marker = first[:1]
    kind = f'ol start="{int(first.split(".")[0])}"' if marker.isdecimal() else 'ul'
    entries = '\n'.join(f'<li>{item}</li>' for item in items)
    return at, f'<{kind}>\n{entries}\n</{kind[:2]}>'


def _paragraph(lines: list[str], *, is_prose: bool) -> str:
    if any(is_columns(line) for line in lines):
        starts = [0, *(match.end() for match in _COLUMNS.finditer(lines[0]))]
        return _values(lines) if len(starts) < 3 else _table(lines, starts)
    text = _LABEL.sub(': ', '\n'.join(line.strip() for line in lines))
    lines = [text.replace('\n', ' ')] if is_prose else text.split('\n')
    return f'<p>{"<br>".join(_action(line) for line in lines)}</p>'


def _values(lines: list[str]) -> str:
    """Labels with their values, each of which may go on in the next lines."""
    rows: list[list[str]] = []
    for line in lines:
        parts = [] if indent(line) else _VALUE.split(line.strip(), maxsplit=1)
        if len(parts) == 2 or not rows:
            rows.append([*parts, ''][:2])
        else:
            rows[-1][1] += f' {line.strip()}'
    entries = '\n'.join(
        f'<dt>{_inline(label)}</dt><dd>{_inline(value.strip())}</dd>'
        for label, value in rows
    )
    return f'<dl>\n{entries}\n</dl>'


def _table(lines: list[str], starts: list[int]) -> str:
    """A table, whose first line has the titles; a first cell may take several lines.

    :param starts: Where the columns begin.
    """
    bounds = list(zip(starts, [*starts[1:], None], strict=True))
    cells = [f'<th scope="col">{escape(lines[0][a:b].strip())}</th>' for a, b in bounds]
    rows = [cells]
    before = ''
    for line in lines[1:]:
        if line[starts[1] - 1 : starts[1]].strip() or len(line) <= starts[1]:
            before += line.strip()
            continue
        texts = [line[a:b].strip() for a, b in bounds]
        texts[0] = before + texts[0]
        before = ''
        rows.append([f'<td>{_inline(text)}</td>' for text in texts])
    if before:
        rows.append([f'<td colspan="{len(starts)}">{_inline(before)}</td>'])
    body = '\n'.join(f'<tr>{"".join(row)}</tr>' for row in rows)
    return f'<table>\n{body}\n</table>'


def _action(line: str) -> str:
    match = _ACTION.fullmatch(line.strip())
    if match is None:
        return _inline(line.strip())
    url = escape(match['url'])
    return f'<a class="do" href="{url}">{escape(match["label"])}</a>'


def _inline(text: str) -> str:
    """A text with its web and e-mail addresses as links."""
    found: list[str] = []
    end = 0
    for match in LINK.finditer(text):
        found.append(escape(text[end : match.start()]))
        shown = escape(match['url'] or match['address'])
        scheme = '' if match['url'] else 'mailto:'
        found.append(f'<a href="{scheme}{shown}">{shown}</a>')
        end = match.end()
    found.append(escape(text[end:]))
    return ''.join(found)
