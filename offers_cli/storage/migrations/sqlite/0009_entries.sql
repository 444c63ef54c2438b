-- Which entry of the schedule began a scrape; null: a person or another program did.
ALTER TABLE scrape_runs ADD COLUMN schedule_entry TEXT;
