-- Which entry of the schedule began a scrape; null: a person or another program did.
select pg_advisory_xact_lock(16776741);

alter table public.scrape_runs add column if not exists schedule_entry text;

-- Written when a run begins, on its way and at its end; a request that arrives late does not bring a finished one back.
create or replace function public.offers_save_run(run jsonb)
returns void language sql set search_path = '' as $$
  insert into public.scrape_runs as stored select * from jsonb_populate_record(null::public.scrape_runs, run)
  on conflict (id) do update set
    source = excluded.source, status = excluded.status, started_at = excluded.started_at,
    finished_at = excluded.finished_at, pages = excluded.pages, seen = excluded.seen, new = excluded.new,
    changed = excluded.changed, unchanged = excluded.unchanged, filtered = excluded.filtered,
    enqueued = excluded.enqueued, error = excluded.error, alive_at = excluded.alive_at, process = excluded.process,
    schedule_entry = excluded.schedule_entry
  where stored.finished_at is null or excluded.finished_at is not null
$$;

insert into public.offers_schema (version) values (21) on conflict do nothing;
notify pgrst, 'reload schema';
