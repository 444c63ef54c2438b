-- A scrape that is killed cannot say so: who runs it, and its last sign of life, tell it from one that goes on.
ALTER TABLE scrape_runs ADD COLUMN alive_at TEXT;
ALTER TABLE scrape_runs ADD COLUMN process TEXT;
