-- Thinning what is old: `offers db prune`.
select pg_advisory_xact_lock(16776741);

-- One batch of offers by id, after the last one of the batch before (null: the first, which also drops old runs).
-- Of the prices seen before `older_than` each reader's lowest and last of each day (UTC) stay; offers gone and not
-- touched since are dropped. Answer: {prices, offers, runs: removed; last: where to go on, null at the end}.
create or replace function public.offers_prune(older_than timestamptz, after uuid, page_size integer, dry_run boolean)
returns jsonb language plpgsql set search_path = '' set plan_cache_mode = 'force_custom_plan' as $$
declare
  ids uuid[];
  dropped uuid[];
  thinned bigint[];
  runs uuid[] := '{}';
begin
  if not dry_run then
    perform pg_advisory_xact_lock(16776742);
  end if;
  ids := array(select id from public.offers where after is null or id > after order by id limit page_size);
  dropped := array(
    select id from public.offers where id = any (ids) and status = 'gone' and last_seen_at < older_than
      and coalesce(enrich_attempted_at < older_than, true));
  thinned := array(
    select id from public.price_history where offer_id = any (dropped)
    union all
    select id from (
      select id,
        row_number() over (partition by offer_id, source, (observed_at at time zone 'UTC')::date
          order by price_cents, observed_at desc, id desc) as place_by_price,
        row_number() over (partition by offer_id, source, (observed_at at time zone 'UTC')::date
          order by observed_at desc, id desc) as place_by_time
      from public.price_history
      where offer_id = any (ids) and offer_id <> all (dropped) and observed_at < older_than
    ) ranked where place_by_price > 1 and place_by_time > 1);
  if after is null then
    runs := array(select id from public.scrape_runs where started_at < older_than);
  end if;
  if not dry_run then
    delete from public.price_history where id = any (thinned);
    delete from public.offers where id = any (dropped);
    delete from public.scrape_runs where id = any (runs);
  end if;
  return jsonb_build_object(
    'prices', cardinality(thinned), 'offers', cardinality(dropped), 'runs', cardinality(runs),
    'last', case when cardinality(ids) = page_size then ids[page_size] end);
end $$;

revoke all on function public.offers_prune from public, anon, authenticated;
grant execute on function public.offers_prune to service_role;

insert into public.offers_schema (version) values (7) on conflict do nothing;
notify pgrst, 'reload schema';
