# SPDX-License-Identifier: GPL-3.0-or-later
"""What a bounce report says, and what is counted (R16-R23)."""
