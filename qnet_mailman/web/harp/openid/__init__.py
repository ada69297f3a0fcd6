# SPDX-License-Identifier: GPL-3.0-or-later
"""The way to the provider and back, on allauth's classes."""
