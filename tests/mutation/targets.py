"""What is changed on purpose, and the tests that must notice it."""

from __future__ import annotations

from pathlib import Path

READING = Path("offers_cli/marketplaces")
BOX, AGREEMENT, PAGE, EVIDENCE = (
    f"tests/reading/test_{name}.py" for name in ("price_box", "price_agreement", "product_page", "product_evidence")
)
OWN, SHOWN = "tests/reading/test_own_product.py", "tests/reading/test_shown_amounts.py"
FOLDERS, ONE_ID = "tests/reading/test_page_folders.py", "tests/reading/test_one_offer_one_id.py"
AMOUNTS, GONE, WHICH, PAID, TOLD = (
    f"tests/reading/test_{name}.py"
    for name in ("amounts", "gone_means_gone", "which_product", "product_payment", "product_facts")
)
PAYMENT, FACTS, CARDS, LISTINGS = (
    f"tests/reading/test_{name}.py" for name in ("payment", "offer_facts", "card_conditions", "listing_cards")
)


def _queue(*names: str) -> tuple[str, ...]:
    return tuple(f"tests/queue/test_queue_{name}.py" for name in names)


# Of each script the files that concern it. Those that notice most come first: a change is done with at the first test
# that notices it, and one that nothing notices costs them all.
QUEUE = {
    "cancel": _queue("admin", "begun_anew"),
    "claim": _queue("claim", "scripts", "idle", "registration", "handmade", "hosts", "conformance"),
    "count": _queue("admin"),
    "delete": _queue("admin", "begun_anew"),
    "empty": _queue("admin", "begun_anew"),
    "enqueue": _queue("enqueue", "scripts", "begun_anew"),
    "expire_leases": _queue("registration", "recovery"),
    "failures": _queue("registries"),
    "find_entries": _queue("admin"),
    "find_failed": _queue("registries"),
    "forget": _queue("registries", "begun_anew"),
    "heartbeat": _queue("scripts", "registration", "recovery", "begun_anew"),
    "look": _queue("admin", "registries"),
    "prelude": _queue(
        "prelude",
        "times",
        "scripts",
        "enqueue",
        "dependents",
        "handmade",
        "registries",
        "admin",
        "recovery",
        "begun_anew",
        "memory",
        "refusals",
    ),
    "put_off": _queue("registries"),
    "recover": _queue("scripts", "recovery", "dependents", "begun_anew"),
    "register": _queue("registration"),
    "rehearse": _queue("rehearsal"),
    "requeue": _queue("scripts", "registries", "admin"),
    "schedule_enqueue": _queue("schedule"),
    "schedule_lead": _queue("schedule"),
    "schedule_look": _queue("schedule"),
    "schedule_put": _queue("schedule"),
    "settle": _queue("scripts", "totals", "handmade", "dependents", "memory", "conformance", "begun_anew"),
    "unregister": _queue("registration"),
}
ALERTS = ("tests/alerts/test_alert_store.py",)
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
        READING / "mercado_livre" / "listing_page.py": (LISTINGS, CARDS, ONE_ID, FOLDERS),
        Path("offers_cli/deals/record.py"): ("tests/deals/test_judge.py",),
        Path("offers_cli/deals/judge.py"): ("tests/deals/test_judge.py",),
        Path("offers_cli/alerts/rule.py"): ("tests/alerts/test_alert_rules.py",),
        Path("offers_cli/storage/rules.py"): ("tests/storage/test_storage_rules.py",),
        Path("offers_cli/fetch/guard.py"): ("tests/fetch/test_fetch_guard.py",),
        Path("offers_cli/fetch/pace.py"): ("tests/fetch/test_local_pace.py", *PACE),
        Path("offers_cli/redis/values.py"): ("tests/queue/test_redis_values.py",),
        Path("offers_cli/redis/type_guard.lua"): ("tests/queue/test_redis_type_guard.py", *_queue("foreign_values")),
        Path("offers_cli/queue/leases.py"): _queue("leases", "scripts", "registration", "recovery"),
        Path("offers_cli/queue/retry_policy.py"): _queue("retry_policy"),
    }
    | {path: QUEUE[path.stem] for path in sorted(Path("offers_cli/queue/lua").glob("*.lua"))}
    | dict.fromkeys(sorted(Path("offers_cli/fetch/lua").glob("*.lua")), PACE)
    | dict.fromkeys(sorted(Path("offers_cli/alerts/lua").glob("*.lua")), ALERTS)
)
