"""Links: whether offers can get affiliate links now, and the way to one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from offers_cli.affiliate.account import Account
from offers_cli.affiliate.link_builder import CREATE_CALL, Link, create_body, read_links
from offers_cli.affiliate.link_stage import LinkBatcher
from offers_cli.affiliate.login import Login
from offers_cli.errors import ConfigError, SessionExpired, WorkError


def ask_for_links(
    urls: Sequence[str], *, account: Account, label: str, link_host: str
) -> Mapping[str, Link | WorkError]:
    """The links of some product addresses, asked for in one call; of each that has none, why.

    Raises:
        SessionExpired, WorkError: what `Account.call` and `read_links` raise.
    """
    return read_links(account.call(CREATE_CALL, create_body(urls, label)), urls, label, link_host=link_host)


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """The links of offers, as the label and the session allow them.

    Attributes:
        label: whom the links credit; None where none are wanted.
        batches: gathers what is asked for and asks for it.
        link_url: a product's address as links are asked for; None for what the programme does not sell.
    """

    label: str | None
    login: Login
    batches: LinkBatcher
    link_url: Callable[[str], str | None]

    @property
    def are_wanted(self) -> bool:
        """Whether there is a label and a session, be it one that has ended: what is wrong with it `get` says."""
        if self.label is None:
            return False
        try:
            return self.login.find() is not None
        except ConfigError:
            return True

    def address(self, product_url: str) -> str | None:
        """The address to ask for the link of a product by; None where no link is to be made."""
        return self.link_url(product_url) if self.are_wanted else None

    def present(self) -> AbstractContextManager[None]:
        """See `LinkBatcher.present`."""
        return self.batches.present()

    def get(self, address: str) -> Link:
        """The link of one `address`; waits for its batch.

        Raises:
            SessionExpired: no session that can be used, or it was refused lately.
            LinkRefused: the programme says no.
            WorkError: what became of the call, or of this address in its answer.
        """
        try:
            self.login.get()
        except ConfigError as error:
            raise SessionExpired(error.message, hint=error.hint) from error
        return self.batches.get(address)
