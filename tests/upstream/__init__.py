# SPDX-License-Identifier: GPL-3.0-or-later
"""The suites of what is below us, without the plugin and with it (R40).

`./run upstream` runs Mailman's, Postorius', HyperKitty's, django-mailman3's and
mailmanclient's own tests twice, and compares them one by one.  Each that ends otherwise
with the plugin stands in ``differences.toml`` with the rule that explains it; one that
is not there fails, and so does a row that says what is not so (any more).
"""
