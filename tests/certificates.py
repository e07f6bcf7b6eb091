"""Certificates for servers under test: self-signed for 127.0.0.1, of today or of last year."""

import datetime as dt
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from msgspec import Struct


class Certificate(Struct, frozen=True):
    """Where certificate and key are, apart and (`both`) together. The certificate is its own authority."""

    certificate: Path
    key: Path
    both: Path


def certificate(folder: Path, name: str, *, expired: bool = False) -> Certificate:
    """Write one."""
    folder.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    begins = dt.datetime.now(dt.UTC) - dt.timedelta(days=400 if expired else 1)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + dt.timedelta(days=30))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    text = made.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    files = Certificate(folder / f"{name}.crt", folder / f"{name}.key", folder / f"{name}.pem")
    files.certificate.write_bytes(text)
    files.key.write_bytes(secret)
    files.both.write_bytes(secret + text)
    return files
