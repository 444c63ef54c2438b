"""Development tools of the catalogue: what finds the texts for people in the code, and what keeps it up to date."""
