"""SM2 and SM3 by the system's libcrypto (OpenSSL 3) through ctypes.

Long calls go through `CDLL`, which lets other Python threads run; the short ones around them go through `PyDLL`, which
does not hand the interpreter lock back and forth for nothing.
"""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Callable
from ctypes import byref, c_char_p, c_int, c_long, c_size_t, c_void_p, create_string_buffer
from types import SimpleNamespace
from typing import Any

from protocols import der
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.sm2_curve import SIGNER_ID

LIBRARY = "libcrypto.so.3"
_DER_SIGNATURE_BYTES_MAX = 72

_SHORT: dict[str, tuple[Any, list[Any]]] = {
    "OpenSSL_version": (c_char_p, [c_int]),
    "EVP_MD_fetch": (c_void_p, [c_void_p, c_char_p, c_char_p]),
    "EVP_CIPHER_fetch": (c_void_p, [c_void_p, c_char_p, c_char_p]),
    "d2i_PUBKEY": (c_void_p, [c_void_p, c_void_p, c_long]),
    "d2i_AutoPrivateKey": (c_void_p, [c_void_p, c_void_p, c_long]),
    "EVP_PKEY_free": (None, [c_void_p]),
    "EVP_PKEY_is_a": (c_int, [c_void_p, c_char_p]),
    "EVP_PKEY_get_bn_param": (c_int, [c_void_p, c_char_p, c_void_p]),
    "EVP_PKEY_CTX_new": (c_void_p, [c_void_p, c_void_p]),
    "EVP_PKEY_CTX_free": (None, [c_void_p]),
    "EVP_PKEY_CTX_set1_id": (c_int, [c_void_p, c_char_p, c_int]),
    "EVP_MD_CTX_new": (c_void_p, []),
    "EVP_MD_CTX_free": (None, [c_void_p]),
    "EVP_MD_CTX_set_pkey_ctx": (None, [c_void_p, c_void_p]),
    "EVP_DigestSignInit": (c_int, [c_void_p] * 5),
    "EVP_DigestVerifyInit": (c_int, [c_void_p] * 5),
    "BN_bn2binpad": (c_int, [c_void_p, c_char_p, c_int]),
    "BN_clear_free": (None, [c_void_p]),
    "BIO_new": (c_void_p, [c_void_p]),
    "BIO_s_mem": (c_void_p, []),
    "BIO_new_mem_buf": (c_void_p, [c_char_p, c_int]),
    "BIO_ctrl_pending": (c_size_t, [c_void_p]),
    "BIO_read": (c_int, [c_void_p, c_char_p, c_int]),
    "BIO_free": (c_int, [c_void_p]),
    "ERR_clear_error": (None, []),
}
_LONG: dict[str, tuple[Any, list[Any]]] = {
    "EVP_DigestSign": (c_int, [c_void_p, c_char_p, c_void_p, c_char_p, c_size_t]),
    "EVP_DigestVerify": (c_int, [c_void_p, c_char_p, c_size_t, c_char_p, c_size_t]),
    "EVP_Digest": (c_int, [c_char_p, c_size_t, c_char_p, c_void_p, c_void_p, c_void_p]),
    "PEM_read_bio_PrivateKey": (c_void_p, [c_void_p, c_void_p, c_void_p, c_char_p]),
    "PEM_write_bio_PKCS8PrivateKey": (c_int, [c_void_p, c_void_p, c_void_p, c_char_p, c_int, c_void_p, c_void_p]),
}


def _bind(name: str) -> Any:
    bound = SimpleNamespace()
    for library, table in ((ctypes.PyDLL(name), _SHORT), (ctypes.CDLL(name), _LONG)):
        for function, (result, arguments) in table.items():
            try:
                call = getattr(library, function)
            except AttributeError as missing:
                raise OSError(f"{name} has no {function}: OpenSSL 3 is needed") from missing
            call.restype, call.argtypes = result, arguments
            setattr(bound, function, call)
    return bound


class _Contexts:
    """Digest contexts of one key, made when two threads need one at the same time and then kept for reuse.

    Each holds its own EVP_PKEY_CTX with the signer's id, which OpenSSL applies again at every Init.
    """

    def __init__(self, lib: Any, key: int) -> None:
        self._lib, self._key = lib, key
        self._idle: list[int] = []
        self._all: list[tuple[int, int]] = []
        weakref.finalize(self, _free, lib, key, self._all)

    def take(self) -> int:
        """An idle context (list.pop is atomic), or a new one."""
        try:
            return self._idle.pop()
        except IndexError:
            pass
        lib = self._lib
        context, key_context = lib.EVP_MD_CTX_new(), lib.EVP_PKEY_CTX_new(self._key, None)
        self._all.append((context, key_context))
        lib.EVP_PKEY_CTX_set1_id(key_context, SIGNER_ID, len(SIGNER_ID))
        lib.EVP_MD_CTX_set_pkey_ctx(context, key_context)
        return int(context)

    def give_back(self, context: int) -> None:
        """The context may serve the next call."""
        self._idle.append(context)


def _free(lib: Any, key: int, contexts: list[tuple[int, int]]) -> None:
    for context, key_context in contexts:
        lib.EVP_MD_CTX_free(context)
        lib.EVP_PKEY_CTX_free(key_context)
    lib.EVP_PKEY_free(key)


class Libcrypto:
    """The library, opened. Raises OSError where it is missing, older than 3 or built without SM3."""

    def __init__(self, name: str = LIBRARY) -> None:
        self._lib = lib = _bind(name)
        self._sm3 = lib.EVP_MD_fetch(None, b"SM3", None)
        if not self._sm3:
            lib.ERR_clear_error()
            raise OSError(f"{name} was built without SM3")
        self.name = "libcrypto, " + lib.OpenSSL_version(0).decode()

    def sm3(self, data: bytes) -> bytes:
        """GB/T 32905 digest, 32 bytes."""
        out = create_string_buffer(32)
        self._lib.EVP_Digest(data, len(data), out, None, self._sm3, None)
        return out.raw

    def verifier(self, public: bytes) -> Callable[[bytes, bytes], bool]:
        """A function (message, r ‖ s) -> valid. Raises OSError where the library knows no SM2."""
        lib, sm3 = self._lib, self._sm3
        key = self._load(lib.d2i_PUBKEY, der.public_key(public))
        contexts = _Contexts(lib, key)

        def verify(message: bytes, raw: bytes) -> bool:
            encoded = der.signature(raw)
            context = contexts.take()
            good = bool(
                lib.EVP_DigestVerifyInit(context, None, sm3, None, key) == 1
                and lib.EVP_DigestVerify(context, encoded, len(encoded), message, len(message)) == 1
            )
            contexts.give_back(context)
            if not good:
                lib.ERR_clear_error()
            return good

        return verify

    def signer(self, scalar: bytes, public: bytes) -> Callable[[bytes], bytes]:
        """A function message -> r ‖ s; the nonce is the library's own secret."""
        lib, sm3 = self._lib, self._sm3
        key = self._load(lib.d2i_AutoPrivateKey, der.pkcs8(scalar, public))
        contexts = _Contexts(lib, key)

        def sign(message: bytes) -> bytes:
            out, size = create_string_buffer(_DER_SIGNATURE_BYTES_MAX), c_size_t(_DER_SIGNATURE_BYTES_MAX)
            context = contexts.take()
            good = (
                lib.EVP_DigestSignInit(context, None, sm3, None, key) == 1
                and lib.EVP_DigestSign(context, out, byref(size), message, len(message)) == 1
            )
            contexts.give_back(context)
            if not good:
                lib.ERR_clear_error()
                raise LocalProtocolError("libcrypto refused to sign")
            return der.raw_signature(out.raw[: size.value])

        return sign

    def read_pkcs8(self, pem: bytes, passphrase: bytes | None) -> int:
        """The private number of a PEM file. Raises RemoteProtocolError("key")."""
        lib = self._lib
        bio = lib.BIO_new_mem_buf(pem, len(pem))
        # An empty passphrase, not NULL: with NULL the library would ask at the terminal.
        key = lib.PEM_read_bio_PrivateKey(bio, None, None, passphrase or b"")
        lib.BIO_free(bio)
        if not key:
            lib.ERR_clear_error()
            hint = "a wrong passphrase?" if passphrase else "is it encrypted? then give the passphrase"
            raise RemoteProtocolError("key", f"no private key can be read from this PEM text ({hint})")
        try:
            number = c_void_p()
            if not lib.EVP_PKEY_is_a(key, b"SM2") or lib.EVP_PKEY_get_bn_param(key, b"priv", byref(number)) != 1:
                raise RemoteProtocolError("key", "the private key is not on the SM2 curve")
            out = create_string_buffer(32)
            lib.BN_bn2binpad(number, out, 32)
            lib.BN_clear_free(number)
            return int.from_bytes(out.raw, "big")
        finally:
            lib.EVP_PKEY_free(key)

    def write_pkcs8(self, scalar: bytes, public: bytes, passphrase: bytes) -> bytes:
        """PEM text encrypted with AES-256-CBC under PBKDF2."""
        lib = self._lib
        key = self._load(lib.d2i_AutoPrivateKey, der.pkcs8(scalar, public))
        cipher = lib.EVP_CIPHER_fetch(None, b"AES-256-CBC", None)
        bio = lib.BIO_new(lib.BIO_s_mem())
        try:
            written = lib.PEM_write_bio_PKCS8PrivateKey(bio, key, cipher, passphrase, len(passphrase), None, None)
            if written != 1:
                lib.ERR_clear_error()
                raise LocalProtocolError("libcrypto could not encrypt the key")
            out = create_string_buffer(lib.BIO_ctrl_pending(bio))
            size = lib.BIO_read(bio, out, len(out))
            return out.raw[:size]
        finally:
            lib.BIO_free(bio)
            lib.EVP_PKEY_free(key)

    def _load(self, reader: Any, encoded: bytes) -> int:
        buffer = create_string_buffer(encoded, len(encoded))
        cursor = c_void_p(ctypes.addressof(buffer))
        key = reader(None, byref(cursor), len(encoded))
        if not key:
            self._lib.ERR_clear_error()
            raise OSError("libcrypto takes no SM2 key: it was built without SM2")
        return int(key)
