# SPDX-License-Identifier: GPL-3.0-or-later
"""/archives: what the web side must know before it shows an archive."""

from __future__ import annotations

from typing import Any

from mailman.rest.helpers import etag, okay

from qnet_mailman.model.archives import public_archives


class Archives:
    """All archives."""

    def on_get(self, request: Any, response: Any) -> None:
        """The posting addresses of the lists whose archive is public, as `public`.

        Whatever is not among them is private: also a list that is not archived, or is
        not there any more.
        """
        okay(response, etag({'public': public_archives()}))
