# SPDX-License-Identifier: GPL-3.0-or-later
"""Types answers into a spreadsheet with LibreOffice: FORM ANSWERS.json FILLED.

Runs in the Python that has LibreOffice's `uno`, and needs nothing of this package.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import uno
from com.sun.star.beans import PropertyValue
from com.sun.star.connection import NoConnectException


def services(office: subprocess.Popen[bytes], pipe: str) -> Any:
    """Those of the program that was started, once it listens."""
    here = uno.getComponentContext()
    resolver = here.ServiceManager.createInstance('com.sun.star.bridge.UnoUrlResolver')
    while True:
        try:
            there = resolver.resolve(
                f'uno:pipe,name={pipe};urp;StarOffice.ComponentContext'
            )
        except NoConnectException:
            if office.poll() not in (None, 0):
                raise
            time.sleep(0.1)
        else:
            return there.ServiceManager


def value(name: str, content: Any) -> PropertyValue:
    """A named value, as LibreOffice takes them."""
    return PropertyValue(name, 0, content, 0)


def fill(there: Any, form: str, answers: dict[str, str], filled: str) -> None:
    """Type answers, by cell, and save."""
    program = there.createInstance('com.sun.star.frame.Desktop')
    keys = there.createInstance('com.sun.star.frame.DispatchHelper')
    document = program.loadComponentFromURL(
        Path(form).as_uri(), '_blank', 0, (value('Hidden', True),)
    )
    frame = document.CurrentController.Frame
    for place, answer in answers.items():
        sheet, cell = place.split('!')
        for command, name, content in (
            ('GoToCell', 'ToPoint', f'{sheet}.{cell}'),
            # What looks like a number becomes one, unless the cell has the format Text.
            ('EnterString', 'StringName', answer),
        ):
            keys.executeDispatch(
                frame, f'.uno:{command}', '', 0, (value(name, content),)
            )
    kind = value('FilterName', 'Calc MS Excel 2007 XML')
    document.storeToURL(Path(filled).as_uri(), (kind,))
    document.close(True)
    program.terminate()


def main() -> None:
    """Start LibreOffice with a profile of its own, and end it."""
    form, answers, filled = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        pipe = Path(folder).name
        office = subprocess.Popen(
            [
                *('soffice', '--headless', '--norestore'),
                f'-env:UserInstallation={Path(folder).as_uri()}',
                f'--accept=pipe,name={pipe};urp',
            ]
        )
        try:
            there = services(office, pipe)
            fill(there, form, json.loads(Path(answers).read_text('utf-8')), filled)
        finally:
            office.wait()


if __name__ == '__main__':
    main()
