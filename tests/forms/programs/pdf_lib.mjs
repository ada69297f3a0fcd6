// SPDX-License-Identifier: GPL-3.0-or-later
// Fills in a PDF with pdf-lib: FORM ANSWERS.json FILLED.
import { readFileSync, writeFileSync } from 'node:fs';
import { PDFDocument, PDFDropdown } from 'pdf-lib';

const [form, answers, filled] = process.argv.slice(2);
const document = await PDFDocument.load(readFileSync(form));
for (const [name, answer] of Object.entries(JSON.parse(readFileSync(answers)))) {
  const field = document.getForm().getField(name);
  if (field instanceof PDFDropdown) {
    field.select(answer);
  } else {
    field.setText(answer);
  }
}
writeFileSync(filled, await document.save());
