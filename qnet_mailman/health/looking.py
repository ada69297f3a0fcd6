# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking at everything, for `mailman qnet check` and the operators' page."""

from __future__ import annotations

from qnet_mailman import site
from qnet_mailman.health import (
    audit_log,
    door,
    mailman,
    running,
    service,
    timers,
    website,
    zone,
)
from qnet_mailman.health.finding import Finding


def examine(*, web: bool = True, mail: bool = True) -> list[Finding]:
    """Look at everything that must be right.

    :param web: Whether to ask the web side, too.
    :param mail: Whether to send a message through the mail server, and ask the DNS.
    """
    findings = [*mailman.plugin(), mailman.database()]
    if site.reason_not_ready() is None:
        settings = site.settings()
        findings.extend(service.settings_file(settings))
        findings.extend(service.roles(settings))
        findings.extend(website.website(settings, ask=web))
        findings.extend(door.door(settings, try_it=mail))
        findings.extend(zone.signing(settings, ask=mail))
        findings.extend(service.forms(settings))
        findings.extend(service.ticket_system(settings))
        findings.extend(service.sign_ups(settings))
        findings.extend(audit_log.append_only())
        findings.extend(audit_log.retention(settings))
        findings.extend(audit_log.parted())
        findings.extend(audit_log.sealed())
        findings.extend(mailman.addresses())
        findings.extend(mailman.maps())
        findings.extend(mailman.verp())
        findings.extend(mailman.rest())
        findings.extend(running.queues(settings))
    findings.extend(mailman.unprocessed())
    findings.extend(running.held())
    findings.extend(running.processes())
    findings.extend(running.answers(rest=web))
    findings.extend(running.disk())
    findings.extend(timers.timers())
    return findings
