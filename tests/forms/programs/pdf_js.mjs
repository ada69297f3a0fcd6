// SPDX-License-Identifier: GPL-3.0-or-later
// Fills in a PDF with pdf.js, as Firefox does: FORM ANSWERS.json FILLED.
import { readFileSync, writeFileSync } from 'node:fs';
import { getDocument } from 'pdfjs-dist/legacy/build/pdf.mjs';

const [form, answers, filled] = process.argv.slice(2);
const wanted = new Map(Object.entries(JSON.parse(readFileSync(answers))));
const data = new Uint8Array(readFileSync(form));
const document = await getDocument({ data, verbosity: 0 }).promise;
for (let number = 1; number <= document.numPages; number += 1) {
  const page = await document.getPage(number);
  for (const { id, fieldName } of await page.getAnnotations()) {
    if (wanted.has(fieldName)) {
      document.annotationStorage.setValue(id, { value: wanted.get(fieldName) });
    }
  }
}
writeFileSync(filled, await document.saveDocument());
