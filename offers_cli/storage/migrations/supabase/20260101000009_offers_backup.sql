-- A backup that costs the same for its last page as for its first, and what strangers and the security advisor see.
select pg_advisory_xact_lock(16776741);

-- One page of offers by id, after the last one of the page before (null: the first page), and their history. Planned
-- for each call, for only then is the key used: a plan for any `after` reads all offers before it.
create or replace function public.offers_export(after uuid, page_size integer)
returns jsonb language plpgsql stable set search_path = '' set plan_cache_mode = 'force_custom_plan' as $$
declare
  ids uuid[] := array(select id from public.offers where after is null or id > after order by id limit page_size);
begin
  return jsonb_build_object(
    'offers', coalesce((
      select jsonb_agg(to_jsonb(o) order by o.id) from public.offers o where o.id = any (ids)), '[]'),
    'history', coalesce((
      select jsonb_agg(to_jsonb(h) order by h.offer_id, h.observed_at, h.id)
      from public.price_history h where h.offer_id = any (ids)), '[]'));
end $$;

-- A project grants the sequences that are made in it to everybody, as it does tables.
revoke all on sequence public.price_history_id_seq from public, anon, authenticated;
grant usage, select on sequence public.price_history_id_seq to service_role;

-- It is called once for each row that is written, so that it need not be inlined. offers_matches must be.
alter function public.offers_folded(text) set search_path = '';

insert into public.offers_schema (version) values (9) on conflict do nothing;
notify pgrst, 'reload schema';
