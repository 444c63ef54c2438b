"""Alerts: they can be sent, and arrive."""

from __future__ import annotations

from offers_cli.alerts.channels import is_installed
from offers_cli.alerts.store import AlertStore
from offers_cli.config.values import Secret
from offers_cli.installation import extra_command
from offers_cli.services.alerts import ADDRESS_HINT, count_alerts, say_what_went_wrong
from offers_cli.services.doctor.examine import Finding


def look_at_alerts(store: AlertStore, urls: Secret | None) -> Finding:
    """Whether alerts can be sent, and what became of those of the last day; for when Redis answers."""
    _, unreadable = store.rules()
    if unreadable:
        evidence = f"what stands as the rule {unreadable[0]!r} cannot be read"
        return Finding("alerts", "warning", evidence, "offers alerts remove NAME, then add it again")
    counts = count_alerts(store)
    rules = "1 rule" if counts.rules == 1 else f"{counts.rules} rules"
    if urls is None:
        evidence = f"{rules}, and no OFFERS_ALERT_URLS: nothing is told"
        return Finding("alerts", "warning" if counts.rules else "ok", evidence, ADDRESS_HINT if counts.rules else "")
    if not is_installed():
        return Finding("alerts", "warning", f"{rules}, and Apprise is not installed", extra_command("notify"))
    if wrong := say_what_went_wrong(counts):
        advice = "offers worker" if counts.late and not store.has_leader() else "offers alerts list"
        return Finding("alerts", "warning", f"{rules}; alerts: {wrong}", advice)
    return Finding("alerts", "ok", f"{rules}; {counts.sent} sent in the last day")
