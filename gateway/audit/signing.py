"""The keys that checkpoints are signed with: Ed25519, made when first needed, turned over when the operator says so.

    DATA/audit-keys/<UTC time>-<key>.key     the private key (PKCS #8, PEM), readable by its owner alone
    DATA/audit-keys/<UTC time>-<key>.pub     the public key (PEM), for whoever shall check

`<key>` is the first 16 hex digits of the SHA-256 of the public key's 32 bytes. The newest signs. `GATEWAY_AUDIT_KEY_FILE` names a
private key that is kept elsewhere; then none is made here.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gateway.errors import SettingsError

__all__ = ["KEY_FILE", "Signer", "key_name", "keys_folder", "make_key", "public_pem"]

KEY_FILE = "GATEWAY_AUDIT_KEY_FILE"


def keys_folder(data: Path) -> Path:
    """The folder of the log's keys under `--data`."""
    return data / "audit-keys"


def key_name(public: Ed25519PublicKey) -> str:
    """The name of a key: 16 hex digits."""
    raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return hashlib.sha256(raw).hexdigest()[:16]


def public_pem(public: Ed25519PublicKey) -> bytes:
    """A public key as PEM."""
    return public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def make_key(data: Path, now_us: int) -> str:
    """Make a fresh key, which signs from now on, and say its name. OSError where it cannot be written."""
    folder = keys_folder(data)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    private = Ed25519PrivateKey.generate()
    name = key_name(private.public_key())
    stem = f"{datetime.fromtimestamp(now_us / 1e6, UTC):%Y%m%dT%H%M%S.%fZ}-{name}"
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )  # fmt: skip
    (folder / f"{stem}.pub").write_bytes(public_pem(private.public_key()))
    # Whole or not at all: a gateway may be looking for the newest key just now.
    part = folder / f"{stem}.part"
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(descriptor)
    part.rename(folder / f"{stem}.key")
    return name


class Signer:
    """Signs with the newest key of a folder, and notices a newer one; or with the one key of a file."""

    def __init__(self, data: Path, now_us: int, environment: Mapping[str, str] = os.environ) -> None:
        """SettingsError where the key cannot be read, OSError where none can be made."""
        self._folder = keys_folder(data)
        self._stamp = 0
        self._name = ""
        named = environment.get(KEY_FILE)
        self._fixed = named is not None and named != ""
        if named:
            self._take(Path(named))
        else:
            if not self._newest():
                make_key(data, now_us)
            self._look()

    @property
    def name(self) -> str:
        """The key that signs now."""
        return self._name

    def sign(self, text: bytes) -> bytes:
        """The 64 bytes of a signature."""
        return self._private.sign(text)

    def refresh(self) -> None:
        """Take a newer key where there is one. A folder that cannot be read leaves the key that there is."""
        if self._fixed:
            return
        try:
            if self._folder.stat().st_mtime_ns != self._stamp:
                self._look()
        except (OSError, SettingsError):
            return

    def _newest(self) -> Path | None:
        found = sorted(self._folder.glob("*.key")) if self._folder.is_dir() else []
        return found[-1] if found else None

    def _look(self) -> None:
        stamp = self._folder.stat().st_mtime_ns
        newest = self._newest()
        if newest is not None:
            self._take(newest)
        self._stamp = stamp

    def _take(self, path: Path) -> None:
        try:
            private = serialization.load_pem_private_key(path.read_bytes(), None)
        except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise SettingsError(f"the audit key {path} cannot be read ({type(error).__name__}): it must be a PEM of PKCS #8") from error
        if not isinstance(private, Ed25519PrivateKey):
            raise SettingsError(f"the audit key {path} is no Ed25519 key: `openssl genpkey -algorithm ed25519` makes one")
        self._private, self._name = private, key_name(private.public_key())
