"""What Redis and redis-py say, in our words: the same wherever Redis is used.

Two errors come out: `QueueUnavailable` (Redis does not answer) and `QueueRefused` (it answers no).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from offers_cli.errors import OffersError, QueueRefused, QueueUnavailable

REFUSALS = {
    "OOM": ("Redis is out of memory", "free memory or raise its maxmemory"),
    "READONLY": ("Redis is a read-only replica", "set REDIS_URL to the primary"),
    "MISCONF": ("Redis cannot write to its disk", "free disk space on its machine"),
    "NOAUTH": ("Redis wants a password", "put it in REDIS_URL"),
    "WRONGPASS": ("Redis refuses the user name or password", "check REDIS_URL"),
    "NOPERM": ("this Redis user may not do that", "grant it the rights that docs/redis.md lists, or use another user"),
    "WRONGTYPE": ("another program uses one of the queue's keys", "use another database number in REDIS_URL"),
    "MASTERDOWN": ("Redis is a replica without its primary", "set REDIS_URL to the primary"),
    "NOREPLICAS": ("Redis has too few replicas to write", "bring its replicas back or lower min-replicas-to-write"),
    "BUSY": ("Redis is busy with a long script", "redis-cli SCRIPT KILL"),
    "NOSCRIPT": ("Redis has dropped our scripts", "try again in a moment"),
    "SENTINEL": ("the Sentinels refuse us", "name their password in REDIS_URL: …/service?sentinel_password=…"),
    "CLUSTER": ("this is a Redis Cluster, which RQ cannot use", "set REDIS_URL to a Redis that is no cluster"),
    "DATABASE": ("Redis has no database of that number", "use a smaller number at the end of REDIS_URL"),
    "FOREIGN": ("what answers is no Redis", "check host and port in REDIS_URL; rediss:// where it speaks TLS"),
    "CERTIFICATE": (
        "the certificate of Redis is not trusted",
        "name its authority in REDIS_URL: rediss://…?ssl_ca_certs=/path/ca.pem",
    ),
    "HOSTNAME": ("the certificate of Redis is for another host", "name it in REDIS_URL as its certificate does"),
    "CLIENT_CERTIFICATE": (
        "Redis wants a certificate from us",
        "name it in REDIS_URL: rediss://…?ssl_certfile=/path/cert.pem&ssl_keyfile=/path/key.pem",
    ),
    "TLS": ("Redis does not speak TLS there", "use redis:// in REDIS_URL, or the port at which it speaks TLS"),
}
TEMPORARY = frozenset({"OOM", "READONLY", "MISCONF", "MASTERDOWN", "NOREPLICAS", "BUSY", "NOSCRIPT"})
"""Refusals that pass without a change of settings or rights: a worker waits for the end of these."""

_BY_CLASS = {
    "AuthorizationError": "NOPERM",
    "OutOfMemoryError": "OOM",
    "ReadOnlyError": "READONLY",
    "NoPermissionError": "NOPERM",
    "NoScriptError": "NOSCRIPT",
    "MasterDownError": "MASTERDOWN",
    "AskError": "CLUSTER",
    "MovedError": "CLUSTER",
    "TryAgainError": "CLUSTER",
    "ClusterDownError": "CLUSTER",
    "ClusterCrossSlotError": "CLUSTER",
    "InvalidResponse": "FOREIGN",
}
"""redis-py cuts the code off the answers that it has a class for."""
_BY_TEXT = (
    (r"^No master found.*AuthenticationError", "SENTINEL"),
    (r"CERTIFICATE_VERIFY_FAILED.*(?:mismatch|is not valid for)", "HOSTNAME"),
    (r"CERTIFICATE_VERIFY_FAILED", "CERTIFICATE"),
    (r"ALERT_CERTIFICATE_REQUIRED|ALERT_HANDSHAKE_FAILURE", "CLIENT_CERTIFICATE"),
    (r"WRONG_VERSION_NUMBER|RECORD_LAYER_FAILURE|PACKET_LENGTH_TOO_LONG|UNEXPECTED_MESSAGE", "TLS"),
    (r"The user executing the script can't|ACL failure in script", "NOPERM"),
    (r"cluster mode|cluster support|ttempted to access (?:a non local key|keys)", "CLUSTER"),
    (r"DB index is out of range", "DATABASE"),
    (r"read only replica", "READONLY"),
    (r"used memory > 'maxmemory'", "OOM"),
    (r"\b(OOM|READONLY|MISCONF|NOAUTH|WRONGPASS|NOPERM|WRONGTYPE|MASTERDOWN|NOREPLICAS|BUSY|NOSCRIPT)\b", None),
)
_NOISE = re.compile(
    r"^Command # \d+ \(.*?\) of pipeline caused error: |^Error running script \(call to \w+\): "
    r"|^Transaction discarded because of: |^ACL failure in script: |@user_script: ?\d+: "
    r"|[. ]+script: (?:\w*, )?on @user_script:\d+\.?",
    re.DOTALL,
)
"""What redis-py or a script put around the words of Redis: keys, hashes, line numbers."""


@contextmanager
def translate() -> Iterator[None]:
    """Turn the errors of redis-py into ours; their texts name no password.

    Raises:
        QueueUnavailable: no connection, no answer in time, still loading.
        QueueRefused: an answer that says no; `temporary` where it may be yes later.
    """
    import redis

    try:
        yield
    except (redis.RedisError, OSError) as exc:
        raise as_ours(exc) from exc


def as_ours(exc: Exception) -> OffersError:
    """The error that stands for one of redis-py's."""
    import redis

    text = _words_of(str(exc))
    if isinstance(exc, redis.BusyLoadingError):
        return QueueUnavailable("Redis is loading its data", hint="try again in a moment")
    code = _code_of(exc)
    if code is None and isinstance(exc, redis.ConnectionError | redis.TimeoutError | OSError):
        hint = "start it, correct REDIS_URL, or unset REDIS_URL to use the embedded one"
        return QueueUnavailable(f"Redis does not answer: {text}", hint=hint)
    what, hint = REFUSALS.get(code or "", ("Redis refuses", "run `offers doctor`"))
    return QueueRefused(f"{what}: {text}", hint=hint, temporary=code in TEMPORARY)


def _words_of(text: str) -> str:
    if found := re.match(r"No master found for (.+?)(?: : |$)", text):
        asked = re.findall(r"host=([^,]+),port=(\d+).*?> - \S*?(\w*Error)", text)
        answers = ", ".join(f"{host}:{port} {error}" for host, port, error in asked)
        return f"no Sentinel knows a primary named {found[1]}" + (f" ({answers})" if answers else "")
    return _NOISE.sub("", text).strip(" :")


def _code_of(exc: Exception) -> str | None:
    import redis

    text = str(exc)
    if isinstance(exc, redis.AuthenticationError):
        return "WRONGPASS" if "invalid" in text or "without any password" in text else "NOAUTH"
    if code := _BY_CLASS.get(type(exc).__name__):
        return code
    for pattern, meaning in _BY_TEXT:
        if found := re.search(pattern, text):
            return meaning or found[1]
    return None
