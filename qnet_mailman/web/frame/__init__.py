# SPDX-License-Identifier: GPL-3.0-or-later
"""What every page of the site has around it: header, navigation, footer, style sheet,
titles, and what a browser is told it may load.

``qnet/frame.html`` is the one frame; the base templates of Postorius, HyperKitty,
django-mailman3 and allauth are stood in for by templates that extend it.
"""
