# SPDX-License-Identifier: GPL-3.0-or-later
"""Signs a PDF with pyHanko, as a PIV card would: FORM SIGNED.

Runs in a Python that has pyHanko, and needs nothing of this package.  The key is made
for this one signature, and its certificate says that of itself.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from asn1crypto import keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko_certvalidator.registry import SimpleCertificateStore

FIELD = 'Signature1'


def signer() -> signers.SimpleSigner:
    """Somebody with a key and a certificate."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, 'Pat Example')])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    der = serialization.Encoding.DER
    secret = key.private_bytes(
        der, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return signers.SimpleSigner(
        signing_cert=asn1_x509.Certificate.load(certificate.public_bytes(der)),
        signing_key=keys.PrivateKeyInfo.load(secret),
        cert_registry=SimpleCertificateStore(),
    )


def main() -> None:
    """Add a signature that is seen on the first page."""
    form, signed = map(Path, sys.argv[1:])
    with form.open('rb') as file:
        writer = IncrementalPdfFileWriter(file)
        fields.append_signature_field(
            writer, fields.SigFieldSpec(FIELD, on_page=0, box=(50, 10, 250, 40))
        )
        about = signers.PdfSignatureMetadata(field_name=FIELD)
        done = signers.sign_pdf(writer, about, signer=signer())
    signed.write_bytes(done.getbuffer())


if __name__ == '__main__':
    main()
