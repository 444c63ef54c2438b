"""``python -m shop --port 0 --offers 40 [--controls]`` prints the shop's address and serves until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import signal
import sys
import threading

from offers_cli.demo.catalogue import TYPICAL, Catalogue
from shop.controls import ControlledShop
from shop.shop import Shop


def main() -> int:
    """Serve; the address is the only line on stdout."""
    options = read_options()
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    catalogue = Catalogue(options.offers, options.seed, () if options.calm else TYPICAL)
    shop = (ControlledShop if options.controls else Shop)(
        catalogue,
        page_size=options.page_size,
        page_bytes=options.page_bytes,
        port=options.port,
    )
    shop.set_latency(options.latency)
    with shop:
        sys.stdout.write(f"{shop.url}\n")
        sys.stdout.flush()
        stopped.wait()
    return 0


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m shop", description="Serve the tests' shop on loopback.")
    parser.add_argument("--port", type=int, default=0, help="0 for a free one")
    parser.add_argument("--offers", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--calm", action="store_true", help="no offer misbehaves")
    parser.add_argument("--page-size", type=int, default=16, help="cards on one listing page")
    parser.add_argument("--page-bytes", type=int, default=0, help="least size of a product page")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that every answer takes longer")
    parser.add_argument("--controls", action="store_true", help="allow changes over HTTP under /__control__/")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
