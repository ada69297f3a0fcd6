# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of people who sign in through a provider, and their sessions."""

from __future__ import annotations

from typing import Any

from django.db import models

from qnet_mailman.web.harp.mapping import MAX_EMAIL, MAX_NAME, MAX_USER_ID


class ProviderPerson(models.Model):
    """A person as a provider knows them: one for each linked account.

    The account's ``uid`` is made of issuer and subject.  The user ID is how
    forms and core name the person: two subjects of a provider cannot have the
    same, or the second would have the rights of the first.
    """

    account = models.OneToOneField(
        'socialaccount.SocialAccount',
        on_delete=models.CASCADE,
        related_name='qnet_person',
    )
    provider = models.CharField(max_length=40)
    issuer = models.CharField(max_length=200)
    subject = models.CharField(max_length=255)
    user_id = models.CharField(max_length=MAX_USER_ID)
    #: The user ID as core compares it.
    user_id_key = models.CharField(max_length=3 * MAX_USER_ID)
    name = models.CharField(max_length=MAX_NAME, blank=True)
    #: The address that the provider vouched for last.
    email = models.CharField(max_length=MAX_EMAIL)
    #: Sealed (see :mod:`qnet_mailman.web.harp.sealing`), or empty.
    refresh_token = models.TextField(blank=True)
    #: When a process that refreshes the person gives up the right to do so.
    busy_until = models.DateTimeField(null=True, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    #: Whether the person is an operator: the superuser flag of the account counts
    #: only in sessions of such a person (see :mod:`qnet_mailman.web.harp.operators`).
    is_operator = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=['provider', 'user_id_key'], name='qnet_harp_user_id'
            ),
        ]
        indexes = [models.Index(fields=['issuer', 'subject'], name='qnet_harp_subject')]

    def __str__(self) -> str:
        return f'{self.provider}:{self.user_id}'

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keep the two forms of the user ID together."""
        self.user_id_key = self.user_id.lower()
        super().save(*args, **kwargs)


class ProviderSession(models.Model):
    """A session of ours that began with a sign-in at a provider.

    It is how a sign-out at the provider finds our sessions.  The session names
    its row: a session whose row is gone has ended, even where its own record
    was missed.
    """

    person = models.ForeignKey(
        ProviderPerson, on_delete=models.CASCADE, related_name='sessions'
    )
    session_key = models.CharField(max_length=40)
    #: The provider's name for its session, where it gives one.
    sid = models.CharField(max_length=255, blank=True, db_index=True)
    created = models.DateTimeField(auto_now_add=True, db_index=True)

    def __str__(self) -> str:
        return f'session of {self.person}'
