# SPDX-License-Identifier: GPL-3.0-or-later
"""The page behind the link in every list message with which its reader leaves."""
