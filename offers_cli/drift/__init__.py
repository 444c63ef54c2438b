"""Drift: notice within fifty pages that a shop has changed its pages."""
