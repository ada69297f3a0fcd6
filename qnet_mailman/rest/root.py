# SPDX-License-Identifier: GPL-3.0-or-later
"""The root of /<api>/plugins/qnet/."""

from __future__ import annotations

from typing import Any

from mailman.rest.helpers import NotFound, child

from qnet_mailman.rest.archives import Archives
from qnet_mailman.rest.confirmations import Confirmations
from qnet_mailman.rest.decisions import Decisions
from qnet_mailman.rest.forms import Forms
from qnet_mailman.rest.lists import Lists
from qnet_mailman.rest.mail_allowance import MailAllowance
from qnet_mailman.rest.metrics import Metrics
from qnet_mailman.rest.operating import AuditLog, Health
from qnet_mailman.rest.posts import Posts
from qnet_mailman.rest.roles import Roles
from qnet_mailman.rest.send_again import SendAgain
from qnet_mailman.rest.signup import SignUp
from qnet_mailman.rest.texts import Texts
from qnet_mailman.rest.unsubscribe import Unsubscribe


class Root:
    """Where the resources of this package hang."""

    @child()
    def archives(self, context: Any, segments: list[str]) -> Any:
        """/archives"""
        return Archives(), segments

    @child()
    def audit(self, context: Any, segments: list[str]) -> Any:
        """/audit"""
        return AuditLog(), segments

    @child()
    def health(self, context: Any, segments: list[str]) -> Any:
        """/health"""
        return Health(), segments

    @child()
    def metrics(self, context: Any, segments: list[str]) -> Any:
        """/metrics"""
        return Metrics(), segments

    @child()
    def posts(self, context: Any, segments: list[str]) -> Any:
        """/posts/..."""
        return Posts(), segments

    @child()
    def forms(self, context: Any, segments: list[str]) -> Any:
        """/forms/..."""
        return Forms(), segments

    @child()
    def lists(self, context: Any, segments: list[str]) -> Any:
        """/lists/..."""
        if not segments:
            return NotFound(), []
        return Lists(), segments

    @child()
    def roles(self, context: Any, segments: list[str]) -> Any:
        """/roles/..."""
        return Roles(), segments

    @child()
    def signup(self, context: Any, segments: list[str]) -> Any:
        """/signup"""
        return SignUp(), segments

    @child()
    def confirmations(self, context: Any, segments: list[str]) -> Any:
        """/confirmations/..."""
        return Confirmations(), segments

    @child()
    def decisions(self, context: Any, segments: list[str]) -> Any:
        """/decisions"""
        return Decisions(), segments

    @child('mail-allowance')
    def mail_allowance(self, context: Any, segments: list[str]) -> Any:
        """/mail-allowance"""
        return MailAllowance(), segments

    @child()
    def texts(self, context: Any, segments: list[str]) -> Any:
        """/texts"""
        return Texts(), segments

    @child()
    def unsubscribe(self, context: Any, segments: list[str]) -> Any:
        """/unsubscribe"""
        return Unsubscribe(), segments

    @child('send-again')
    def send_again(self, context: Any, segments: list[str]) -> Any:
        """/send-again"""
        return SendAgain(), segments
