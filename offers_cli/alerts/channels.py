"""Channels: the operator's addresses, and what became of a message that was sent to one, as far as anybody can know.

Apprise knows some hundred and fifty services. Its addresses hold tokens: nothing here logs or returns one, nor a line
of Apprise's own, which may quote them.
"""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from offers_cli.config.values import Secret, split_addresses
from offers_cli.errors import ConfigError
from offers_cli.installation import extra_command
from offers_cli.language import translate

if TYPE_CHECKING:
    from offers_cli.alerts.store import Message, State

SAYS_NO = re.compile(r"error=([45][0-9]{2})\b")
"""How Apprise's services log that theirs answered, and with which status."""
NOT_LISTED = "OFFERS_ALERT_URLS no longer has this address"


class Channels:
    """The operator's addresses, each by its place and kind: ``1 tgram``.

    Raises:
        ConfigError: Apprise is not installed, or knows no such address.
    """

    def __init__(self, urls: Secret) -> None:
        apprise = _import_apprise()
        addresses = split_addresses(urls.reveal())
        self.names = name_channels(urls)
        self._services: dict[str, Any] = {}
        for name, address in zip(self.names, addresses, strict=True):
            service = apprise.Apprise()
            if not service.add(address):
                raise ConfigError(
                    f"OFFERS_ALERT_URLS: address {name} is none that Apprise can use",
                    hint="offers help environment; https://appriseit.com lists the addresses",
                )
            self._services[name] = service

    def send(self, channel: str, message: Message) -> tuple[State, str]:
        """Send a message to one address.

        Returns:
            ``sent``; ``refused``, where the service answered no; ``unknown``, where nobody knows whether it arrived;
            and why, without anything of the address.
        """
        service = self._services.get(channel)
        if service is None:
            return "refused", NOT_LISTED
        title = message.title if message.offer_id else translate(message.title)  # an offer's is its own
        result = service.notify(title=title, body=translate(message.text), body_format="text")
        if result:
            return "sent", ""
        lines = " ".join(entry.message for entry in result.logs())
        if found := SAYS_NO.search(lines):
            return "refused", f"the service answered {found[1]}"
        return "unknown", "the service did not answer, or not as Apprise expects"


def name_channels(urls: Secret) -> Sequence[str]:
    """The places and kinds of the addresses, which show nothing of them."""
    kinds = (address.partition("://")[0].lower() for address in split_addresses(urls.reveal()))
    return [f"{place} {kind}" for place, kind in enumerate(kinds, start=1)]


def is_installed() -> bool:
    """Whether Apprise is there; it is not imported for that."""
    from importlib.util import find_spec

    return find_spec("apprise") is not None


def _import_apprise() -> Any:
    logger = logging.getLogger("apprise")  # its lines may quote an address
    logger.propagate = False
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of what Python 3.13 has no more
            import apprise

            apprise.Apprise.instantiate("json://localhost")  # the services are imported with the first one
    except ImportError as exc:
        raise ConfigError(f"alerts cannot be sent: {exc.name} is missing", hint=extra_command("notify")) from exc
    return apprise
