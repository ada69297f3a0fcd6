# SPDX-License-Identifier: GPL-3.0-or-later
"""A list of ours keeps our pipeline, whatever would change it.

Core's REST server, and so Postorius, sets it by a row's attribute and asks nobody.
Under another pipeline nothing is masked, while the list's setting still says so (R7).
"""

from __future__ import annotations

from mailman.model.mailinglist import MailingList
from sqlalchemy import event

from qnet_mailman.model.lists import row_of
from qnet_mailman.pipelines.posting import PostingPipeline

OURS = PostingPipeline.name


def refuse_others(
    mlist: MailingList, name: str, before: object, _initiator: object = None
) -> None:
    """Refuse to give a list of ours another pipeline for its posts.

    :param before: The pipeline until now; none where the list is new.
    :raises ValueError: for REST, which answers with 400 and these words.
    """
    if name != OURS and isinstance(before, str) and row_of(mlist) is not None:
        raise ValueError(
            f'a list with a style of QualityNet Mailer has {OURS}, which masks its '
            'posts; hand it back first (mailman qnet release)'
        )


def install() -> None:
    """Look at every pipeline that is set; again is harmless."""
    if not event.contains(MailingList.posting_pipeline, 'set', refuse_others):
        event.listen(
            MailingList.posting_pipeline, 'set', refuse_others, active_history=True
        )
