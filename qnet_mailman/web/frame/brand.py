# SPDX-License-Identifier: GPL-3.0-or-later
"""An agency's look: its picture and its colours.

They are files like the style sheet's, made where files are collected (see
:mod:`qnet_mailman.web.frame.files`), so that a page says nothing of colours itself
and a browser keeps them for good.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

#: The brand's style sheet, below the static files.
STYLE = 'qnet/brand.css'
#: Its colours, as the U.S. Web Design System calls them, and the variable of each.
VARIABLES = {
    'primary': '--brand',
    'primary-dark': '--brand-dark',
    'primary-darker': '--brand-darker',
}
#: Octets; a page shall stay light.
LARGEST_LOGO = 30_000
#: How a picture begins, by its kind; what an SVG begins with says nothing.
_BEGINNINGS = {'.png': b'\x89PNG\r\n', '.svg': b''}
#: The darkest paper that a link or a button's name stands on: grey of our pages.
_PAPER = '#f0f0f0'
#: WCAG 2.1, success criterion 1.4.3.
_CONTRAST = 4.5


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours (WCAG 2.1): 1 to 21.

    :param one: A colour, as ``#005ea2``.
    :param other: Another.
    """
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: str) -> float:
    """How light a colour is: 0 to 1."""
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def check_brand(site: Mapping[str, Any]) -> None:
    """Look at what a site file says of the look.

    :param site: The site file's settings.
    :raises ImproperlyConfigured: where something cannot be shown, or not be read.
    """
    colors = site.get('BRAND_COLORS') or {}
    if not isinstance(colors, dict) or (colors and set(colors) != set(VARIABLES)):
        raise ImproperlyConfigured(
            f'BRAND_COLORS is {colors!r}; expected all of {", ".join(VARIABLES)}'
        )
    for name, color in colors.items():
        if not re.fullmatch('#[0-9a-fA-F]{6}', str(color)):
            raise ImproperlyConfigured(
                f'BRAND_COLORS: {name} is {color!r}; expected a colour as #005ea2'
            )
        found = contrast(color, _PAPER)
        if found < _CONTRAST:
            raise ImproperlyConfigured(
                f'BRAND_COLORS: {name} is {color}, whose contrast with the pages is '
                f'{found:.1f} to 1; text needs {_CONTRAST} (WCAG 2.1 AA): take a '
                'darker one'
            )
    _check_logo(str(site.get('BRAND_LOGO') or ''))


def _check_logo(path: str) -> None:
    """Look at the picture.

    :raises ImproperlyConfigured: where it is none that browsers show.
    """
    if not path:
        return
    logo = Path(path)
    beginning = _BEGINNINGS.get(logo.suffix.lower())
    try:
        content = logo.read_bytes()
    except OSError as error:
        raise ImproperlyConfigured(f'BRAND_LOGO: {error}') from error
    if beginning is None or not content.startswith(beginning):
        raise ImproperlyConfigured(
            f'BRAND_LOGO is {path!r}; expected a picture, .svg or .png'
        )
    if len(content) > LARGEST_LOGO:
        raise ImproperlyConfigured(
            f'BRAND_LOGO: {path} has {len(content)} octets; at most {LARGEST_LOGO}'
        )


def logo_name(path: str) -> str:
    """What the picture is called below the static files; empty where there is none.

    :param path: Where it is on this host.
    """
    return f'qnet/logo{Path(path).suffix.lower()}' if path else ''


def style_of(colors: Mapping[str, str]) -> str:
    """The brand's style sheet.

    :param colors: The colours, which were checked.
    """
    rules = ' '.join(f'{VARIABLES[name]}: {color};' for name, color in colors.items())
    return f':root {{ {rules} }}\n'
