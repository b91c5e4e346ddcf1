"""Superusers of a PocketBase as users of the manager's API: that PocketBase is asked whether a token is theirs."""

import asyncio
import base64
import binascii
import hashlib
import json
import time
from collections import OrderedDict
from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx

PATH = "/api/collections/_superusers/auth-refresh"
REMEMBERED = 60.0
MAX_REMEMBERED = 256
MAX_CHECKS = 4
CHECK_TIMEOUT = 5.0
SHORT = 1.0


class Verdict(Enum):
    """What PocketBase says of a token."""

    SUPERUSER = auto()
    OTHER = auto()
    UNREACHABLE = auto()


class Superusers:
    """Checks tokens; remembers the answer, by a digest of the token, for a minute."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._verdicts: OrderedDict[bytes, tuple[float, Verdict]] = OrderedDict()
        self._slots = asyncio.Semaphore(MAX_CHECKS)
        self._client: httpx.AsyncClient | None = None

    async def __call__(self, token: bytes) -> str:
        """Why the token is refused; empty if it is a superuser's."""
        match await self.check(token.decode("latin-1")):
            case Verdict.SUPERUSER:
                return ""
            case Verdict.UNREACHABLE:
                return f"The token cannot be checked: PocketBase at {self.url} does not answer."
            case _:
                return "A valid token is needed: the manager's own, or that of a superuser of PocketBase."

    async def check(self, token: str) -> Verdict:
        if not is_auth_token(token):  # PocketBase is not asked about every wrong password
            return Verdict.OTHER
        digest = hashlib.sha256(token.encode()).digest()
        async with self._slots:
            known = self._verdicts.get(digest)
            if known and time.monotonic() < known[0]:
                return known[1]
            verdict = await self._ask(token)
            lifetime = SHORT if verdict is Verdict.UNREACHABLE else REMEMBERED
            self._verdicts[digest] = time.monotonic() + lifetime, verdict
            while len(self._verdicts) > MAX_REMEMBERED:
                self._verdicts.popitem(last=False)
            return verdict

    async def close(self) -> None:
        if self._client:
            await self._client.aclose()

    async def _ask(self, token: str) -> Verdict:
        import httpx  # late: only a token that is not the manager's own needs it

        if self._client is None:
            self._client = httpx.AsyncClient(timeout=CHECK_TIMEOUT, trust_env=False)
        try:
            response = await self._client.post(self.url + PATH, headers={"Authorization": token})
        except httpx.HTTPError:
            return Verdict.UNREACHABLE
        if response.status_code == 200:
            return Verdict.SUPERUSER
        return Verdict.UNREACHABLE if response.status_code >= 500 else Verdict.OTHER


def is_auth_token(token: str) -> bool:
    """Whether it looks like a token of PocketBase: three parts, the second with the claims of a sign-in."""
    parts = token.split(".")
    if len(parts) != 3 or len(token) > 4096:
        return False
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError):
        return False
    return isinstance(claims, dict) and claims.get("type") == "auth" and isinstance(claims.get("exp"), int)
