"""Alerts: they can be sent, and arrive."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from offers_cli.alerts.channels import is_installed
from offers_cli.alerts.store import AlertStore
from offers_cli.config.values import Secret
from offers_cli.installation import extra_command
from offers_cli.services.doctor.examine import Finding

LATELY = timedelta(days=1)
LATE = timedelta(minutes=10)
"""An alert that waits for so long has nobody who sends it."""


def look_at_alerts(store: AlertStore, urls: Secret | None, *, now: datetime) -> Finding:
    """Whether alerts can be sent, and what became of those of the last day; for when Redis answers."""
    rules, unreadable = store.rules()
    counted = "1 rule" if len(rules) == 1 else f"{len(rules)} rules"
    if unreadable:
        evidence = f"what stands as the rule {unreadable[0]!r} cannot be read"
        return Finding("alerts", "warning", evidence, "offers alerts remove NAME, then add it again")
    if urls is None:
        evidence = f"{counted}, and no OFFERS_ALERT_URLS: nothing is told"
        return Finding(
            "alerts", "warning" if rules else "ok", evidence, "offers config set OFFERS_ALERT_URLS" if rules else ""
        )
    if not is_installed():
        return Finding("alerts", "warning", f"{counted}, and Apprise is not installed", extra_command("notify"))
    recent = [each for each in store.deliveries() if each.at is None or now - each.at < LATELY]
    states = Counter(each.state for each in recent)
    late = [each for each in store.deliveries() if each.state == "reserved" and each.at and now - each.at > LATE]
    wrong = [f"{states[state]} {state}" for state in ("unknown", "refused") if states[state]]
    wrong += [f"{len(late)} not yet sent"] if late else []
    if wrong:
        advice = "offers worker" if late and not store.has_leader() else "offers alerts list"
        return Finding("alerts", "warning", f"{counted}; alerts: {', '.join(wrong)}", advice)
    return Finding("alerts", "ok", f"{counted}; {states['sent']} sent in the last day")
