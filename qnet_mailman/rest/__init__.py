# SPDX-License-Identifier: GPL-3.0-or-later
"""Resources under /<api>/plugins/qnet/."""
