# SPDX-License-Identifier: GPL-3.0-or-later
"""The pipeline `qnet-posting-pipeline`: from an accepted post to its copies."""

from __future__ import annotations

from mailman.pipelines.base import BasePipeline
from public import public


@public
class PostingPipeline(BasePipeline):
    """Mailman's own order, with masking before archive and digest (R10).

    What looks at the true author comes before `qnet-mask`: who gets a copy,
    and the acknowledgement of the post.
    """

    name = 'qnet-posting-pipeline'
    description = 'Prepare a post of a notification or discussion list.'

    _default_handlers = (
        'qnet-refuse-closed',
        'validate-authenticity',
        'qnet-mime-delete',
        'tagger',
        'qnet-member-recipients',
        'qnet-avoid-duplicates',
        'qnet-acknowledge',
        'qnet-mask',
        'cleanse-dkim',
        'qnet-cook-headers',
        'qnet-subject-prefix',
        'qnet-rfc-2369',
        'to-archive',
        'qnet-to-digest',
        'to-usenet',
        'qnet-dmarc',
        'to-outgoing',
        # Writes to the database, and so comes when nothing is left to compute.
        'after-delivery',
    )
