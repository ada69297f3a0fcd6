# SPDX-License-Identifier: GPL-3.0-or-later
"""What Prometheus collects of the web side, and through it of core.

Core's own address asks for the password of REST, which is master of all lists.  These
pages ask for what is made of it (:mod:`qnet_mailman.core_credential`) and opens little
else, so that Prometheus need not have the other.
"""
