# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that pages load: which there are, and what they are called.

A file's name has its content's hash, so that browsers may keep it for good: a changed
file is another one.  WhiteNoise makes the names and the compressed copies with
``django-admin collectstatic``, and serves them where no web server does.

Postorius's, HyperKitty's and REST framework's files are not among them: no page loads
one (jQuery, Bootstrap, Font Awesome).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import AppDirectoriesFinder, BaseFinder
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage

from qnet_mailman.web.frame.brand import STYLE, logo_name, style_of

#: The apps whose files pages load.
APPS = ['qnet_mailman.web.frame', 'qnet_mailman.web.signup', 'django.contrib.admin']


class AppFiles(AppDirectoriesFinder):
    """Finds the files of the apps named here alone."""

    def __init__(self) -> None:
        super().__init__(APPS)


class BrandFiles(BaseFinder):
    """Finds the agency's picture and colours, which the settings name."""

    def check(self, **_options: object) -> list[object]:
        """Nothing: the settings were checked when they were read."""
        return []

    def find(self, _path: str, **_options: object) -> list[str]:
        """Nothing: that is for development's server, which finds files on disk."""
        return []

    def list(
        self, _ignore_patterns: Iterable[str] | None
    ) -> Iterator[tuple[str, InMemoryStorage]]:
        """What is to be collected."""
        storage = InMemoryStorage()
        if settings.BRAND_COLORS:
            storage.save(STYLE, ContentFile(style_of(settings.BRAND_COLORS)))
            yield STYLE, storage
        name = logo_name(settings.BRAND_LOGO)
        if name:
            storage.save(name, ContentFile(Path(settings.BRAND_LOGO).read_bytes()))
            yield name, storage


class Storage(CompressedManifestStaticFilesStorage):
    """Files under names with a hash.

    A page whose file nobody has collected is shown without it: one without its style
    sheet says more than an error.
    """

    manifest_strict = False

    def stored_name(self, name: str) -> str:
        """What a file is called; its plain name where it was not collected.

        :param name: The file's plain name.
        """
        try:
            return str(super().stored_name(name))
        except ValueError:
            return name
