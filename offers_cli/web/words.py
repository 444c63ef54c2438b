"""What pages take from the command line, so that both say the same in the same words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from offers_cli.services.deals import Deal, DealsReport
    from offers_cli.services.explain import ExplainReport
    from offers_cli.services.offers import HistoryReport, ShowReport
    from offers_cli.storage.base import OfferFilter

Options = Mapping[str, Sequence[str]]
"""The values of a command's options, by their names without dashes; a flag is ``true``."""


class Words(Protocol):
    """The command line as pages use it; `offers_cli.cli.page_words`, of a room above this one."""

    formats: Mapping[str, Callable[..., Any]]
    """How figures are shown, by the name of the template's filter."""

    def choices(self, command: str, option: str) -> Sequence[str]:
        """What may be given for an option; nothing for one that takes any text."""
        ...

    def offer_filter(self, options: Options, *, limit: int) -> OfferFilter:
        """What these options of `offers list` mean; raises `UsageError` as `offers list` does."""
        ...

    def find_deals(self, options: Options) -> DealsReport:
        """What `offers deals` finds with these options; raises as it does."""
        ...

    def reasons(self, deal: Deal) -> Sequence[tuple[int, str]]:
        """The points of a deal, each with its reason."""
        ...

    def findings(self, history: HistoryReport) -> Sequence[str]:
        """What an offer's prices mean, in sentences."""
        ...

    def value_groups(self, shown: ShowReport) -> Mapping[str, Sequence[tuple[str, object, str | None]]]:
        """By group, the name of each known value, the value, and where it came from."""
        ...

    def explanation(self, report: ExplainReport) -> Sequence[Any]:
        """What a page says, as lines and tables."""
        ...
