# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole service on loopback, for ./run demo and the end-to-end tests."""
