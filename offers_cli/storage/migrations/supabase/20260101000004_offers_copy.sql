-- Moving whole offers, with their history, in and out: `offers db copy` and `offers db backup`.
select pg_advisory_xact_lock(16776741);

-- Everything that is stored about one offer as one checksum; the program computes the same (storage/bundles.py).
create or replace function public.offers_digest(offer public.offers)
returns text language sql stable set search_path = '' set timezone = 'UTC' as $$
  select md5(string_agg(key || '=' || coalesce(value, '~'), chr(31) order by key collate "C")) from (
    select key, value from jsonb_each_text(to_jsonb(offer))
      where key not in ('title_folded', 'page_looked_at', 'link_looked_at', 'strategies')
    union all
    select 'strategies.' || key, value from jsonb_each_text(offer.strategies)
    union all
    select 'history.' || to_char(row_number() over (order by observed_at, id), 'FM000000'),
      concat_ws(' ', to_jsonb(observed_at) #>> '{}', price_cents, coalesce(old_price_cents::text, '~'), source)
      from public.price_history where offer_id = offer.id
  ) parts
$$;

-- Answer: {id: checksum} of those that exist.
create or replace function public.offers_checksums(ids uuid[])
returns jsonb language sql stable set search_path = '' as $$
  select coalesce(jsonb_object_agg(o.id, public.offers_digest(o)), '{}') from public.offers o where o.id = any (ids)
$$;

-- Inserts what does not exist yet, an offer together with its history, and leaves alone what does.
create or replace function public.offers_import(offers jsonb, history jsonb, runs jsonb)
returns void language plpgsql set search_path = '' as $$
begin
  perform pg_advisory_xact_lock(16776742);
  with inserted as (
    insert into public.offers (
      id, marketplace, external_id, title, url, image_url, currency, price_cents, old_price_cents,
      suspect_old_price_cents, discount_pct, commission_pct, affiliate_link, affiliation_id, item_id, catalogue_id,
      source, status, first_seen_at, last_seen_at, price_changed_at, enriched_at, affiliate_checked_at,
      enrich_attempts, enrich_attempted_at, enrich_error, enrich_error_message, strategies)
    select
      id, marketplace, external_id, title, url, image_url, currency, price_cents, old_price_cents,
      suspect_old_price_cents, discount_pct, commission_pct, affiliate_link, affiliation_id, item_id, catalogue_id,
      source, status, first_seen_at, last_seen_at, price_changed_at, enriched_at, affiliate_checked_at,
      enrich_attempts, enrich_attempted_at, enrich_error, enrich_error_message, strategies
    from jsonb_populate_recordset(null::public.offers, offers)
    on conflict do nothing returning id
  )
  insert into public.price_history (offer_id, observed_at, price_cents, old_price_cents, source)
    select h.offer_id, h.observed_at, h.price_cents, h.old_price_cents, h.source
    from jsonb_array_elements(history) with ordinality as given (row, place),
      jsonb_populate_record(null::public.price_history, given.row) h
    where h.offer_id in (select id from inserted) order by given.place;
  insert into public.scrape_runs select * from jsonb_populate_recordset(null::public.scrape_runs, runs)
    on conflict do nothing;
end $$;

-- One page of offers by id, after the last one of the page before, and their history.
create or replace function public.offers_export(after uuid, page_size integer)
returns jsonb language sql stable set search_path = '' as $$
  with page as (
    select * from public.offers where after is null or id > after order by id limit page_size
  )
  select jsonb_build_object(
    'offers', coalesce((select jsonb_agg(to_jsonb(page) order by id) from page), '[]'),
    'history', coalesce((
      select jsonb_agg(to_jsonb(h) order by h.offer_id, h.observed_at, h.id)
      from public.price_history h where h.offer_id in (select id from page)), '[]'))
$$;

do $$
declare
  name text;
begin
  foreach name in array array['digest', 'checksums', 'import', 'export'] loop
    execute format('revoke all on function public.offers_%s from public, anon, authenticated', name);
    execute format('grant execute on function public.offers_%s to service_role', name);
  end loop;
end $$;

insert into public.offers_schema (version) values (4) on conflict do nothing;
notify pgrst, 'reload schema';
