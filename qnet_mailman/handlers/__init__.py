# SPDX-License-Identifier: GPL-3.0-or-later
"""Handlers of the posting pipeline: what happens to an accepted post (R8-R10).

One component a file, thin, found by Mailman by the name of this folder.  The order in
which they run is in `pipelines/`; what they do to a message is in `masking/` and
`mta/`.
"""
