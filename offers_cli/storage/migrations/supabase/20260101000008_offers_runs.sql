-- A scrape that is killed cannot say so: who runs it, and its last sign of life, tell it from one that goes on.
select pg_advisory_xact_lock(16776741);

alter table public.scrape_runs add column if not exists alive_at timestamptz;
alter table public.scrape_runs add column if not exists process text;

-- Written when a run begins, on its way and at its end; a request that arrives late does not bring a finished one back.
create or replace function public.offers_save_run(run jsonb)
returns void language sql set search_path = '' as $$
  insert into public.scrape_runs as stored select * from jsonb_populate_record(null::public.scrape_runs, run)
  on conflict (id) do update set
    source = excluded.source, status = excluded.status, started_at = excluded.started_at,
    finished_at = excluded.finished_at, pages = excluded.pages, seen = excluded.seen, new = excluded.new,
    changed = excluded.changed, unchanged = excluded.unchanged, filtered = excluded.filtered,
    enqueued = excluded.enqueued, error = excluded.error, alive_at = excluded.alive_at, process = excluded.process
  where stored.finished_at is null or excluded.finished_at is not null
$$;

insert into public.offers_schema (version) values (8) on conflict do nothing;
notify pgrst, 'reload schema';
