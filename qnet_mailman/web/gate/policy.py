# SPDX-License-Identifier: GPL-3.0-or-later
"""What every page needs: one table, plain data, for stock pages and our own.

A page is named as Django names it: by the name of its URL, and where that has none, by
its view.  Never by its path: one view has several.

Many of these views check something themselves.  That goes on, and does not count: they
look at Mailman's rosters, which say nothing about the role (R24).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType


class Need(Enum):
    """What a person needs for a page to open; an operator may open all of them.

    A reader is anybody where the archive is public, otherwise the list's members,
    administrators and moderators.  On lists of other styles, owners are who administers
    (R40).  Core is who shows its credential.
    """

    PUBLIC = 'nothing'
    CORE = 'to be Mailman core'
    SIGNED_IN = 'to be signed in'
    READER = 'to be a reader of the archive'
    MODERATOR = 'to moderate the list'
    ADMINISTRATOR = 'to administer the list'
    OPERATOR = 'to be an operator'


#: Methods that change nothing (RFC 9110, section 9.2.1).
SAFE_METHODS = frozenset({'GET', 'HEAD', 'OPTIONS', 'TRACE'})

_PAGES: dict[Need, tuple[str, ...]] = {
    Need.PUBLIC: (
        # Ours.  Where a token is in the address, core looks at it.
        'qnet_home',
        'qnet_robots',
        'qnet_security',
        'qnet_backchannel_logout',
        'qnet_help',
        'qnet_help_about',
        'qnet_help_start',
        'qnet_help_questions',
        'qnet_help_bounces',
        'qnet_help_contact',
        'qnet_help_members',
        'qnet_help_administrators',
        'qnet_signup',
        'qnet_signup_done',
        'qnet_forms',
        'qnet_empty_form',
        'qnet_ask',
        'qnet_ask_step',
        'qnet_ask_check',
        'qnet_ask_discard',
        'qnet_ask_sent',
        'qnet_ask_confirm',
        'qnet_confirm',
        'qnet_unsubscribe',
        'qnet_send_again',
        'qnet_confirm_post',
        'qnet_decide',
        'qnet_mailman.web.lists.views.sign_up_instead',
        # Postorius.
        'postorius.views.list.list_index',
        'list_index',
        'list_summary',
        'list_anonymous_subscribe',
        # A stand-in answers (see `guards`).
        'confirm_token',
        # HyperKitty: what it has of several lists is of public ones, or of those
        # that the person may read (see `archives`).
        'hk_root',
        'hk_find_list',
        'hk_search',
        'hk_users_overview',
        'hk_public_user_profile',
        'hk_categories_overview',
        'hk_tags_overview',
        'hk_api_mailinglist_list',
        # These two ask for the key that core has.
        'hk_mailman_urls',
        'hk_mailman_archive',
        # The front page of its API, and redirections.
        'django.views.generic.base.TemplateView',
        'hyperkitty.views.compat.summary',
        'hyperkitty.views.compat.arch_month',
        'hyperkitty.views.compat.arch_month_mbox',
        'hyperkitty.views.compat.redirect_list_id',
        'hyperkitty.views.compat.redirect_lists',
        # Signing in and out, and getting an account.
        'account_login',
        'account_logout',
        'account_inactive',
        'account_signup',
        'account_email_verification_sent',
        'account_confirm_email',
        'account_confirm_login_code',
        'account_reset_password',
        'account_reset_password_done',
        'account_reset_password_from_key',
        'account_reset_password_from_key_done',
        'socialaccount_login_cancelled',
        'socialaccount_login_error',
        'socialaccount_signup',
        'openid_connect_login',
        'openid_connect_callback',
        'django.views.generic.base.RedirectView',
        # Only there while DEBUG is on.
        'django.contrib.staticfiles.views.serve',
    ),
    # Prometheus shows core's credential, too.
    Need.CORE: (
        'rest_template',
        'qnet_connections',
        'qnet_metrics',
        'qnet_core_metrics',
    ),
    Need.SIGNED_IN: (
        'qnet_start',
        'qnet_no_role',
        # Their own account and subscriptions.
        'account_reauthenticate',
        'account_request_reauthentication_code',
        'account_confirm_reauthentication_code',
        'account_email',
        'account_change_password',
        'account_set_password',
        'socialaccount_connections',
        'mm_user_profile',
        'mm_user_account_delete',
        'ps_user_profile',
        'user_address_preferences',
        'user_subscription_preferences',
        'user_mailmansettings',
        'user_list_options',
        'list_subscribe',
        'list_unsubscribe',
        'change_subscription',
        # It fails for people who are not signed in.
        'hk_user_posts',
        'hk_user_profile',
        'hk_user_favorites',
        'hk_user_last_views',
        'hk_user_votes',
        'hk_user_subscriptions',
        # Postorius asks who may see the members: that is a setting of the list.
        'list_members',
    ),
    Need.READER: (
        'hk_archives_with_day',
        'hk_archives_with_month',
        'hk_archives_latest',
        'hk_list_overview',
        'hk_list_recent_activity',
        'hk_list_overview_recent_threads',
        'hk_list_overview_pop_threads',
        'hk_list_overview_top_threads',
        'hk_list_overview_favorites',
        'hk_list_overview_posted_to',
        'hk_list_overview_top_posters',
        'hk_list_export_mbox',
        'hk_list_feed',
        'hk_message_index',
        'hk_message_attachment',
        'hk_message_vote',
        'hk_message_reply',
        'hk_message_new',
        'hk_thread',
        'hk_thread_replies',
        'hk_tags',
        'hk_suggest_tags',
        'hk_favorite',
        'hk_api_mailinglist_detail',
        'hk_api_thread_list',
        'hk_api_thread_detail',
        'hk_api_email_list',
        'hk_api_email_detail',
        'hk_api_thread_email_list',
    ),
    Need.MODERATOR: (
        'qnet_list',
        'qnet_list_bounces',
        'qnet_member_bounces',
        'qnet_held_message',
        'list_held_messages',
        'moderate_held_message',
        'rest_held_message',
        'rest_attachment_for_held_message',
        'list_subscription_requests',
        'list_unsubscription_requests',
        'list_pending_confirmation',
        'handle_subscription_request',
    ),
    Need.ADMINISTRATOR: (
        'qnet_list_change',
        'qnet_list_form',
        'qnet_list_audit',
        'qnet_list_audit_file',
        'qnet_list_bounces_csv',
        'qnet_list_bounces_act',
        'qnet_member_enable',
        'csv_view',
        'list_member_options',
        'mass_subscribe',
        'mass_removal',
        'unsubscribe_all',
        'list_delete',
        'list_bans',
        'list_header_matches',
        'remove_role',
        'list_settings',
        'list_template_list',
        'list_template_new',
        'list_template_update',
        'list_template_delete',
        # The archive is the list's record: a moderator decides what gets into it,
        # and does not take out of it.
        'hk_message_delete',
        'hk_thread_delete',
        'hk_thread_reattach',
        'hk_thread_reattach_suggest',
        'hk_thread_set_category',
    ),
    Need.OPERATOR: (
        'qnet_operators',
        'qnet_unattended',
        'qnet_audit',
        'qnet_audit_file',
        'qnet_requests',
        'qnet_request',
        'qnet_adoptable',
        'qnet_adoption',
        'list_new',
        'domain_index',
        'domain_new',
        'domain_edit',
        'domain_delete',
        'domain_owners',
        'remove_domain_owner',
        'domain_template_list',
        'domain_template_new',
        'domain_template_update',
        'domain_template_delete',
        'system_information',
        'global_bans',
        'list_users',
        'manage_user',
        'delete_user',
        'hk_list_delete',
        # They show what is said in archives that are not public: tags of threads
        # with who gave them, and posts to lists whose archiving was stopped.
        'hk_api_tag_list',
        'hk_api_sender_email_list',
    ),
}

NEEDS: Mapping[str, Need] = MappingProxyType(
    {name: need for need, names in _PAGES.items() for name in names}
)

#: Where changing something needs more than looking at it.
UNSAFE: Mapping[str, Need] = MappingProxyType({'list_members': Need.ADMINISTRATOR})

#: For what stock asks less on lists of other styles (R40).  Core fetches their texts as
#: it was told before there was a credential.
ELSEWHERE: Mapping[str, Need] = MappingProxyType(
    {'hk_thread_set_category': Need.READER, 'rest_template': Need.PUBLIC}
)

#: Pages that open without signing in, or before it, begin so where they are about one
#: person: some have the secret of a mail in their address.
_ACCOUNTS = ('account_', 'socialaccount_', 'openid_connect_')

#: Names that begin so are Django's own pages for what is in the database.
ADMIN = 'admin:'


def need_of(name: str, method: str = 'GET') -> Need | None:
    """What a page needs.

    :param name: The page's, as Django resolves it (`view_name`).
    :param method: The HTTP method.
    :return: None where the table has no such page: nobody but operators may open it.
    """
    if name.startswith(ADMIN):
        return Need.OPERATOR
    if method not in SAFE_METHODS and name in UNSAFE:
        return UNSAFE[name]
    return NEEDS.get(name)


def is_personal(name: str) -> bool:
    """Whether no copy of a page may be kept, even where nobody is signed in.

    :param name: The page's, as Django resolves it (`view_name`).
    """
    return name.startswith(_ACCOUNTS) or need_of(name) not in (
        Need.PUBLIC,
        Need.READER,
    )
