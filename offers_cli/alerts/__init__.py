"""Alerts: a low price of a stored offer, or trouble of the operator's, told once through Apprise."""
