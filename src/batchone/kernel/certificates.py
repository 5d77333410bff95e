"""Certificates (X.509) as far as protocols need them that know no authorities: our own, kept in a folder, and fingerprints.

An application's own certificate is trusted by the far sides one by one, by hand. So its successor is made long before it is
used, for the far sides to be told of it, and the one in use stays in use until shortly before it ends.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from batchone.kernel.errors import Broken

_BITS = 2048
"""What every OPC UA policy in use takes; many small controllers take no more."""
_VALID = timedelta(days=5 * 365)
_FOLLOWED, _RENEWED = timedelta(days=180), timedelta(days=14)
_EARLIER = timedelta(days=1)


@dataclass(frozen=True)
class Identity:
    """A certificate and its private key; `application` is the URI that it is made out to."""

    certificate: x509.Certificate
    key: RSAPrivateKey

    @property
    def application(self) -> str:
        """The URI in the certificate."""
        return application_of(self.certificate)


def fingerprint(certificate: x509.Certificate) -> str:
    """The SHA-256 of a certificate as tools show it: `AB:CD:...`."""
    return hashlib.sha256(der_of(certificate)).digest().hex(":").upper()


def der_of(certificate: x509.Certificate) -> bytes:
    """A certificate in DER."""
    return certificate.public_bytes(serialization.Encoding.DER)


def pem_of(certificate: x509.Certificate) -> str:
    """A certificate as text, to be put among what a far side trusts."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def application_of(certificate: x509.Certificate) -> str:
    """The first URI that a certificate is made out to, empty without one."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return ""
    return next(iter(names.get_values_for_type(x509.UniformResourceIdentifier)), "")


class OwnCertificate:
    """Our own certificate in `folder`, made out to the application `name` on `host`; made when it is first asked for."""

    def __init__(self, folder: Path, name: str, host: str) -> None:
        self._folder = folder
        self._name = name
        self._host = host

    def now(self, at: datetime) -> Identity:
        """The one in use; its successor takes its place two weeks before it ends."""
        own = self._kept("own")
        if own is not None and at < own.certificate.not_valid_after_utc - _RENEWED:
            return own
        successor = self._kept("next")
        if successor is None or successor.certificate.not_valid_after_utc - _RENEWED <= at:
            return self._make("own", at)
        self._file("next").replace(self._file("own"))
        return successor

    def successor(self, at: datetime) -> Identity | None:
        """The one that will follow, made half a year before it is needed; none before, unless it was prepared."""
        if at < self.now(at).certificate.not_valid_after_utc - _FOLLOWED:
            return self._kept("next")
        return self.prepare(at)

    def prepare(self, at: datetime) -> Identity:
        """The one that will follow, made now if it is not there."""
        self.now(at)
        return self._kept("next") or self._make("next", at)

    def take_over(self, at: datetime) -> Identity:
        """Use the one that will follow from now on."""
        successor = self.prepare(at)
        self._file("next").replace(self._file("own"))
        return successor

    def _file(self, which: str) -> Path:
        return self._folder / f"{which}.pem"

    def _kept(self, which: str) -> Identity | None:
        file = self._file(which)
        try:
            pem = file.read_bytes()
        except FileNotFoundError:
            return None
        try:
            certificate = x509.load_pem_x509_certificate(pem)
            key = serialization.load_pem_private_key(pem, None)
        except ValueError as error:
            cure = "Restore it from a backup, or remove it and let the far sides trust the new one."
            raise Broken("certificate.spoilt", f"{file} cannot be read: {error}.", cure) from error
        if not isinstance(key, RSAPrivateKey):
            raise Broken("certificate.spoilt", f"{file} holds no RSA key.", "Remove it; another one is made.")
        return Identity(certificate, key)

    def _make(self, which: str, at: datetime) -> Identity:
        made = Identity(self._signed(key := generate_private_key(65537, _BITS), at), key)
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )  # fmt: skip
        self._folder.mkdir(parents=True, exist_ok=True)
        # Both in one file: a certificate without its key is worth nothing, and a file is there whole or not at all.
        part = self._folder / f"{which}.part"
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(secret + pem_of(made.certificate).encode())
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._file(which))
        return made

    def _signed(self, key: RSAPrivateKey, at: datetime) -> x509.Certificate:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{self._name}@{self._host}"[:64])])
        public = key.public_key()
        uses = x509.KeyUsage(
            digital_signature=True, content_commitment=True, key_encipherment=True, data_encipherment=True,
            key_agreement=False, key_cert_sign=True, crl_sign=False, encipher_only=False, decipher_only=False,
        )  # fmt: skip
        names = [x509.UniformResourceIdentifier(f"urn:{self._host}:{self._name}"), x509.DNSName(self._host)]
        roles = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            # Clocks of controllers are late.
            .not_valid_before(at - _EARLIER)
            .not_valid_after(at + _VALID)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(uses, critical=True)
            .add_extension(x509.ExtendedKeyUsage(roles), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
            .sign(key, hashes.SHA256())
        )
