"""`python -m offers_cli` and the installed `offers`."""

from offers_cli.cli.main import run

if __name__ == "__main__":
    run()
