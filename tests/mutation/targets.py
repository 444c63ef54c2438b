"""What is changed on purpose, and the tests that must notice it."""

from __future__ import annotations

from pathlib import Path

READING = Path("offers_cli/marketplaces")
BOX, AGREEMENT, PAGE, EVIDENCE = (
    f"tests/reading/test_{name}.py" for name in ("price_box", "price_agreement", "product_page", "product_evidence")
)
OWN, SHOWN = "tests/reading/test_own_product.py", "tests/reading/test_shown_amounts.py"
FOLDERS = "tests/reading/test_page_folders.py"
AMOUNTS, GONE, WHICH, PAID, TOLD = (
    f"tests/reading/test_{name}.py"
    for name in ("amounts", "gone_means_gone", "which_product", "product_payment", "product_facts")
)
PAYMENT, FACTS, CARDS, LISTINGS = (
    f"tests/reading/test_{name}.py" for name in ("payment", "offer_facts", "card_conditions", "listing_cards")
)


def _queue(*names: str) -> tuple[str, ...]:
    return tuple(f"tests/queue/test_queue_{name}.py" for name in names)


# Those that notice most come first: a change is done with at the first test that notices it.
QUEUE = _queue(
    "conformance", "recovery", "enqueue", "handmade", "dependents", "hosts", "worker", "registries", "admin", "refusals"
)  # fmt: skip
ADMIN = _queue("admin", "handmade", "dependents", "registries")
ADMIN_SCRIPTS = ("cancel", "count", "delete", "empty", "failures", "find_entries", "forget", "look", "put_off")
PACE = ("tests/fetch/test_fetch_pace.py",)

TARGETS: dict[Path, tuple[str, ...]] = (
    {
        Path("offers_cli/money.py"): ("tests/reading/test_money.py",),
        READING / "json_ld.py": ("tests/reading/test_linked_data.py",),
        READING / "schema_org" / "addresses.py": (OWN, "tests/reading/test_any_shop.py"),
        READING / "schema_org" / "facts.py": ("tests/reading/test_schema_facts.py",),
        READING / "schema_org" / "listing_page.py": (OWN, "tests/reading/test_any_shop.py"),
        READING / "schema_org" / "microdata.py": (OWN, "tests/reading/test_schema_facts.py"),
        READING / "schema_org" / "own_product.py": (OWN,),
        READING / "schema_org" / "product_page.py": (OWN, SHOWN, "tests/reading/test_any_shop.py"),
        READING / "schema_org" / "shown.py": (SHOWN, "tests/reading/test_shop_layouts.py"),
        READING / "evidence.py": (AGREEMENT, PAID, TOLD),
        READING / "mercado_livre" / "amounts.py": (AMOUNTS, BOX),
        READING / "mercado_livre" / "price_box.py": (BOX, PAID, EVIDENCE, FOLDERS),
        READING / "mercado_livre" / "product_page.py": (PAGE, EVIDENCE, WHICH, GONE, FOLDERS),
        READING / "mercado_livre" / "product_state.py": (PAID, WHICH, GONE, EVIDENCE, FOLDERS),
        READING / "mercado_livre" / "product_facts.py": (TOLD,),
        READING / "mercado_livre" / "walls.py": (GONE, "tests/reading/test_error_pages.py", FOLDERS),
        READING / "mercado_livre" / "payment.py": (PAYMENT,),
        READING / "mercado_livre" / "facts.py": (FACTS,),
        READING / "mercado_livre" / "listing_facts.py": (LISTINGS, FOLDERS),
        READING / "mercado_livre" / "listing_cards.py": (CARDS, LISTINGS, FOLDERS),
        READING / "mercado_livre" / "listing_state.py": (CARDS, LISTINGS, FOLDERS),
        READING / "mercado_livre" / "listing_page.py": (CARDS, LISTINGS, FOLDERS),
        Path("offers_cli/storage/rules.py"): ("tests/storage/test_storage_rules.py",),
        Path("offers_cli/fetch/guard.py"): ("tests/fetch/test_fetch_guard.py",),
        Path("offers_cli/fetch/pace.py"): PACE,
        Path("offers_cli/redis/values.py"): ("tests/queue/test_redis_values.py",),
        Path("offers_cli/redis/type_guard.lua"): ("tests/queue/test_queue_foreign_values.py",),
        Path("offers_cli/queue/leases.py"): QUEUE,
        Path("offers_cli/queue/retry_policy.py"): _queue("retry_policy"),
    }
    | {
        path: ADMIN if path.stem in ADMIN_SCRIPTS else QUEUE
        for path in sorted(Path("offers_cli/queue/lua").glob("*.lua"))
    }
    | dict.fromkeys(sorted(Path("offers_cli/fetch/lua").glob("*.lua")), PACE)
)
