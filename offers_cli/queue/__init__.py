"""The queue: RQ's keys and registries on Redis, one job per offer, and the worker that runs them."""
