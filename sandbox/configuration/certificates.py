"""Makes the grid's own certificate authority: CA, host and user certificates, trusted nowhere else.

Keys are made once per state directory. Proxies carry DIRAC's group extension, which only DIRAC
can write; a separate driver makes them (see `sandbox.drivers.proxies`).
"""

from __future__ import annotations

import datetime
import ipaddress
import subprocess
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sandbox.configuration.community import HOST, ORGANISATION, USERS
from sandbox.errors import SandboxError
from sandbox.state import State

_YEARS = 10
_CLIENT = ExtendedKeyUsageOID.CLIENT_AUTH
_SERVER = ExtendedKeyUsageOID.SERVER_AUTH


def certificates_folder(state: State) -> Path:
    """Return the folder that X509_CERT_DIR must name."""
    return state.credentials / "certificates"


def ensure_certificates(state: State) -> bool:
    """Make the CA, the host's and the users' certificates unless they exist.

    :returns: whether they were made now.
    """
    folder = state.credentials
    done = folder / "complete"
    if done.exists():
        return False
    authority_key = _key()
    authority = _authority(authority_key)
    trusted = certificates_folder(state)
    trusted.mkdir(exist_ok=True)
    _write_certificate(trusted / "ca.pem", authority)
    _link_by_hash(trusted)
    for name, usages in (("host", [_SERVER, _CLIENT]), *((user, [_CLIENT]) for user in USERS)):
        key = _key()
        common_name = HOST if name == "host" else name
        certificate = _leaf(common_name, key, authority, authority_key, usages)
        _write_certificate(folder / f"{name}cert.pem", certificate)
        _write_key(folder / f"{name}key.pem", key)
    done.touch()
    return True


def _link_by_hash(trusted: Path) -> None:
    """Link the CA under the hash of its name, by which OpenSSL finds it.

    Only OpenSSL computes that hash.
    """
    try:
        subprocess.run(["openssl", "rehash", str(trusted)], check=True, capture_output=True)
    except FileNotFoundError:
        raise SandboxError(
            "openssl is not installed", "install the Debian package openssl"
        ) from None
    except subprocess.CalledProcessError as error:
        raise SandboxError(f"openssl rehash: {error.stderr.decode().strip()}") from error


def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANISATION),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: rsa.RSAPrivateKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=365 * _YEARS))
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=not authority,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _authority(key: rsa.RSAPrivateKey) -> x509.Certificate:
    name = _name("Sandbox CA")
    return (
        _builder(name, name, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_usage(authority=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _leaf(
    common_name: str,
    key: rsa.RSAPrivateKey,
    authority: x509.Certificate,
    authority_key: rsa.RSAPrivateKey,
    usages: list[x509.ObjectIdentifier],
) -> x509.Certificate:
    builder = (
        _builder(_name(common_name), authority.subject, key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=False)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()),
            critical=False,
        )
    )
    if _SERVER in usages:
        names = [x509.DNSName(HOST), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(authority_key, hashes.SHA256())


def _write_certificate(path: Path, certificate: x509.Certificate) -> None:
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _write_key(path: Path, key: rsa.RSAPrivateKey) -> None:
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
    path.chmod(0o400)
