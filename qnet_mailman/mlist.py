# SPDX-License-Identifier: GPL-3.0-or-later
"""What Mailman calls an `mlist`: as much of a mailing list as is used here.

Mailman has no type hints, and its interfaces (`IMailingList`) are Zope's, which mypy
does not know.  This names what the model has, so that a misspelt attribute is found
before it is run.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Protocol


class Mlist(Protocol):
    """A mailing list; the names and their meaning are Mailman's."""

    # Its row, its names and addresses.
    id: int
    list_id: str
    list_name: str
    mail_host: str
    display_name: str
    description: str
    info: str
    subject_prefix: str
    preferred_language: Any
    data_path: str
    name: str
    fqdn_listname: str
    posting_address: str
    owner_address: str
    request_address: str
    bounces_address: str
    join_address: str
    leave_address: str

    # Its rosters (`IRoster`).
    members: Any
    owners: Any
    administrators: Any
    moderators: Any
    nonmembers: Any

    # What becomes of posts.
    posting_chain: str
    posting_pipeline: str
    post_id: int
    default_member_action: Any
    default_nonmember_action: Any
    allow_list_posts: bool
    anonymous_list: bool
    archive_policy: Any
    collapse_alternatives: bool
    convert_html_to_plaintext: bool
    filter_extensions: Any
    filter_types: Any
    pass_extensions: Any
    pass_types: Any
    dmarc_addresses: Any
    dmarc_mitigate_action: Any
    dmarc_mitigate_unconditionally: bool
    first_strip_reply_to: bool
    include_rfc2369_headers: bool
    max_message_size: int
    max_num_recipients: int
    personalize: Any
    reply_goes_to_list: Any
    reply_to_address: str
    require_explicit_destination: bool
    digests_enabled: bool
    digest_size_threshold: float
    last_digest_recipients: Any
    next_digest_number: int
    volume: int

    # Who may come, go and see whom.
    advertised: bool
    member_roster_visibility: Any
    subscription_policy: Any
    unsubscription_policy: Any
    send_goodbye_message: bool
    send_welcome_message: bool

    # Whom it tells what.
    admin_immed_notify: bool
    admin_notify_mchanges: bool
    autorespond_requests: Any
    respond_to_post_requests: bool

    # Bounces.
    process_bounces: bool
    bounce_info_stale_after: timedelta
    bounce_score_threshold: int
    bounce_notify_owner_on_bounce_increment: bool
    bounce_notify_owner_on_disable: bool
    bounce_notify_owner_on_removal: bool
    bounce_you_are_disabled_warnings: int
    bounce_you_are_disabled_warnings_interval: timedelta
    forward_unrecognized_bounces_to: Any

    def confirm_address(self, cookie: str) -> str:
        """Where an answer that confirms goes."""

    def is_subscribed(self, subscriber: Any, role: Any = ...) -> bool:
        """Whether somebody is subscribed in a role."""

    def subscribe(self, subscriber: Any, role: Any = ..., **how: Any) -> Any:
        """Make an address or a user a member."""

    def get_roster(self, role: Any) -> Any:
        """Those with a role."""
