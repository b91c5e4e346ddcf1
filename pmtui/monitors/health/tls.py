"""TLS for probes and webhooks: what is trusted, and what went wrong in words."""

import re
import ssl
from functools import lru_cache

_CERTIFICATE_ERRORS = {
    9: "the certificate is not valid yet",
    10: "the certificate has expired",
    18: "the certificate is self-signed",
    19: "the certificate is signed by an unknown authority",
    20: "the certificate is signed by an unknown authority",
    21: "the certificate is signed by an unknown authority",
}
"""By OpenSSL's number of the verification error."""
_PROTOCOL_ERRORS = {
    "WRONG_VERSION_NUMBER|HTTP_REQUEST|PACKET_LENGTH_TOO_LONG|RECORD_LAYER": "the server does not speak TLS: use http",
    "UNSUPPORTED_PROTOCOL|PROTOCOL_VERSION|NO_PROTOCOLS": "no TLS version in common with the server",
    "CERTIFICATE_REQUIRED": "the server asks for a client certificate",
    "UNRECOGNIZED_NAME": "the server does not know the name that was asked for",
    "HANDSHAKE_FAILURE|NO_SHARED_CIPHER": "the server refused the TLS handshake",
    "UNEXPECTED_EOF": "the server closed the connection in the TLS handshake",
}
"""By a pattern for OpenSSL's reason."""


@lru_cache(maxsize=2)  # reading the certificates of the system takes as long as many probes
def tls_context(verify: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def tls_error_text(error: ssl.SSLError) -> str:
    """Say whether certificate, name or protocol is wrong, and how."""
    if isinstance(error, ssl.SSLCertVerificationError):
        known = _CERTIFICATE_ERRORS.get(error.verify_code)
        return known or f"the certificate is not accepted: {error.verify_message.rstrip('.')}"
    reason = error.reason or ""
    for pattern, text in _PROTOCOL_ERRORS.items():
        if re.search(pattern, reason):
            return text
    return f"TLS error: {reason.replace('_', ' ').lower() or error}"
