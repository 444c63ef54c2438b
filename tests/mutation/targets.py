"""What is changed on purpose, and the tests that must notice it."""

from __future__ import annotations

from pathlib import Path

READING = Path("offers_cli/marketplaces")
BOX, AGREEMENT, PAGE, EVIDENCE = (
    f"tests/reading/test_{name}.py" for name in ("price_box", "price_agreement", "product_page", "product_evidence")
)
FOLDERS = "tests/reading/test_page_folders.py"
QUEUE = (
    "tests/queue/test_queue_conformance.py",
    "tests/queue/test_queue_enqueue.py",
    "tests/queue/test_queue_recovery.py",
    "tests/queue/test_queue_registries.py",
    "tests/queue/test_queue_hosts.py",
    "tests/queue/test_queue_begun_anew.py",
)
PACE = ("tests/fetch/test_fetch_pace.py",)

TARGETS: dict[Path, tuple[str, ...]] = (
    {
        Path("offers_cli/money.py"): ("tests/reading/test_money.py",),
        READING / "json_ld.py": ("tests/reading/test_linked_data.py",),
        READING / "evidence.py": (AGREEMENT,),
        READING / "mercado_livre" / "price_box.py": (BOX, EVIDENCE, FOLDERS),
        READING / "mercado_livre" / "product_page.py": (PAGE, EVIDENCE, FOLDERS),
        Path("offers_cli/storage/rules.py"): ("tests/storage/test_storage_rules.py",),
        Path("offers_cli/fetch/guard.py"): ("tests/fetch/test_fetch_guard.py",),
        Path("offers_cli/fetch/pace.py"): PACE,
        Path("offers_cli/redis/values.py"): ("tests/queue/test_redis_values.py",),
        Path("offers_cli/redis/type_guard.lua"): ("tests/queue/test_queue_foreign_values.py",),
        Path("offers_cli/queue/leases.py"): QUEUE,
        Path("offers_cli/queue/retry_policy.py"): QUEUE,
    }
    | dict.fromkeys(sorted(Path("offers_cli/queue/lua").glob("*.lua")), QUEUE)
    | dict.fromkeys(sorted(Path("offers_cli/fetch/lua").glob("*.lua")), PACE)
)
