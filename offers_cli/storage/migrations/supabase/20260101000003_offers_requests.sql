-- What the program calls, one request each. Every answer is one json value, so that no row cap cuts it.
select pg_advisory_xact_lock(16776741);

create or replace function public.offers_schema_version()
returns integer language sql stable set search_path = '' as $$
  select max(version) from public.offers_schema
$$;

-- Writes the row, and a row of history when price or old price changed; returns whether they did.
create or replace function public.offers_write(
  before public.offers, after public.offers, observed_at timestamptz, source text
) returns boolean language plpgsql set search_path = '' as $$
declare
  is_changed boolean :=
    (before.price_cents, before.old_price_cents) is distinct from (after.price_cents, after.old_price_cents);
begin
  if before is distinct from after then
    insert into public.offers as o (
      id, marketplace, external_id, title, url, image_url, currency, price_cents, old_price_cents,
      suspect_old_price_cents, discount_pct, commission_pct, affiliate_link, affiliation_id, item_id, catalogue_id,
      source, status, first_seen_at, last_seen_at, price_changed_at, enriched_at, affiliate_checked_at,
      enrich_attempts, enrich_attempted_at, enrich_error, enrich_error_message, strategies
    ) values (
      after.id, after.marketplace, after.external_id, after.title, after.url, after.image_url, after.currency,
      after.price_cents, after.old_price_cents, after.suspect_old_price_cents, after.discount_pct,
      after.commission_pct, after.affiliate_link, after.affiliation_id, after.item_id, after.catalogue_id,
      after.source, after.status, after.first_seen_at, after.last_seen_at, after.price_changed_at, after.enriched_at,
      after.affiliate_checked_at, after.enrich_attempts, after.enrich_attempted_at, after.enrich_error,
      after.enrich_error_message, after.strategies
    ) on conflict (id) do update set
      title = excluded.title, url = excluded.url, image_url = excluded.image_url, currency = excluded.currency,
      price_cents = excluded.price_cents, old_price_cents = excluded.old_price_cents,
      suspect_old_price_cents = excluded.suspect_old_price_cents, discount_pct = excluded.discount_pct,
      commission_pct = excluded.commission_pct, affiliate_link = excluded.affiliate_link,
      affiliation_id = excluded.affiliation_id, item_id = excluded.item_id, catalogue_id = excluded.catalogue_id,
      source = excluded.source, status = excluded.status, last_seen_at = excluded.last_seen_at,
      price_changed_at = excluded.price_changed_at, enriched_at = excluded.enriched_at,
      affiliate_checked_at = excluded.affiliate_checked_at, enrich_attempts = excluded.enrich_attempts,
      enrich_attempted_at = excluded.enrich_attempted_at, enrich_error = excluded.enrich_error,
      enrich_error_message = excluded.enrich_error_message, strategies = excluded.strategies;
  end if;
  if is_changed then
    insert into public.price_history (offer_id, observed_at, price_cents, old_price_cents, source)
    values (after.id, observed_at, after.price_cents, after.old_price_cents, source);
  end if;
  return is_changed;
end $$;

-- A page of cards, each offer once. Answer, in the same order: [{external_id, offer: {…}, outcome} | {…, reason}].
-- Writers take turns, as they do in SQLite: what was read is still true when it is written, and nothing deadlocks.
create or replace function public.offers_save(cards jsonb, seen_at timestamptz, dry_run boolean default false)
returns jsonb language plpgsql set search_path = '' as $$
declare
  card public.offers;
  before public.offers;
  after public.offers;
  is_changed boolean;
  saved jsonb[] := '{}';
begin
  if not dry_run then
    perform pg_advisory_xact_lock(16776742);
  end if;
  for card in select * from jsonb_populate_recordset(null::public.offers, cards) loop
    select * into before from public.offers o
      where o.external_id = card.external_id and o.marketplace = card.marketplace;
    if before.id is null then
      after := card;
      after.id := gen_random_uuid();
      after.status := 'active';
      after.first_seen_at := seen_at;
      after.last_seen_at := seen_at;
      after.price_changed_at := seen_at;
      after.enrich_attempts := 0;
      after.strategies := '{}';
    else
      after := public.offers_with_card(before, card, seen_at);
    end if;
    begin
      if dry_run then
        is_changed :=
          (before.price_cents, before.old_price_cents) is distinct from (after.price_cents, after.old_price_cents);
      else
        is_changed := public.offers_write(before, after, seen_at, 'listing');
      end if;
      saved := array_append(saved, jsonb_build_object(
        'external_id', card.external_id, 'offer', to_jsonb(after),
        'outcome', case when before.id is null then 'new' when is_changed then 'changed' else 'unchanged' end));
    exception when integrity_constraint_violation or data_exception then
      saved := array_append(saved, jsonb_build_object('external_id', card.external_id, 'reason', sqlerrm));
    end;
  end loop;
  return to_jsonb(saved);
end $$;

-- A batch of results, in the order of their claims. Answer: [{offer_id, verdict}]; unknown offers are left out.
create or replace function public.offers_enrich(results jsonb)
returns jsonb language plpgsql set search_path = '' as $$
declare
  result jsonb;
  before public.offers;
  part record;
  verdicts jsonb[] := '{}';
begin
  perform pg_advisory_xact_lock(16776742);
  for result in select value from jsonb_array_elements(results) loop
    select * into before from public.offers o where o.id = (result ->> 'offer_id')::uuid;
    continue when before.id is null;
    part := public.offers_with_result(before, result);
    perform public.offers_write(before, part.stored, (result ->> 'observed_at')::timestamptz, 'product');
    verdicts := array_append(verdicts, jsonb_build_object('offer_id', before.id, 'verdict', part.verdict));
  end loop;
  return to_jsonb(verdicts);
end $$;

-- Each wanted field's index is read from its front, and the fronts are merged: to be asked (never tried first, then
-- oldest) before to be asked again (longest ago first).
create or replace function public.offers_needing_enrichment(
  missing text[], max_offers integer, recheck_before timestamptz default null
) returns jsonb language plpgsql stable set search_path = '' set plan_cache_mode = 'force_custom_plan' as $$
begin
  return (
    with front as (
      (select id, null::timestamptz as looked_at, enrich_attempted_at as tried_at, first_seen_at as seen_at
        from public.offers
        where status = 'active' and old_price_cents is null and page_looked_at is null and 'old-price' = any (missing)
        order by enrich_attempted_at nulls first, first_seen_at, id limit max_offers)
      union all
      (select id, null, enrich_attempted_at, first_seen_at
        from public.offers
        where status = 'active' and discount_pct is null and page_looked_at is null and 'discount' = any (missing)
        order by enrich_attempted_at nulls first, first_seen_at, id limit max_offers)
      union all
      (select id, null, enrich_attempted_at, first_seen_at
        from public.offers
        where status = 'active' and affiliate_link is null and link_looked_at is null and 'affiliate-link' = any (missing)
        order by enrich_attempted_at nulls first, first_seen_at, id limit max_offers)
      union all
      (select id, page_looked_at, null, null from public.offers
        where status = 'active' and old_price_cents is null and page_looked_at < recheck_before and 'old-price' = any (missing)
        order by page_looked_at, id limit max_offers)
      union all
      (select id, page_looked_at, null, null from public.offers
        where status = 'active' and discount_pct is null and page_looked_at < recheck_before and 'discount' = any (missing)
        order by page_looked_at, id limit max_offers)
      union all
      (select id, link_looked_at, null, null from public.offers
        where status = 'active' and affiliate_link is null and link_looked_at < recheck_before and 'affiliate-link' = any (missing)
        order by link_looked_at, id limit max_offers)
    ), each_once as (
      select distinct on (id) * from front
      order by id, looked_at nulls first, tried_at nulls first, seen_at
    ), first as (
      select id, row_number() over (order by looked_at nulls first, tried_at nulls first, seen_at, id) as place
      from each_once
    )
    select coalesce(jsonb_agg(to_jsonb(o) order by place), '[]')
    from first join public.offers o using (id) where place <= max_offers
  );
end $$;

create or replace function public.offers_counts()
returns jsonb language sql stable set search_path = '' as $$
  select jsonb_build_object(
    'total', count(*),
    'enriched', count(*) - (select count(*) from public.offers where enriched_at is null),
    'gone', (select count(*) from public.offers where status = 'gone'),
    'missing_old_price',
      (select count(*) from public.offers where status = 'active' and old_price_cents is null),
    'missing_discount',
      (select count(*) from public.offers where status = 'active' and discount_pct is null),
    'missing_affiliate_link',
      (select count(*) from public.offers where status = 'active' and affiliate_link is null))
  from public.offers
$$;

-- The words of a filter as patterns that a title matches when the word stands in it, whatever its characters are.
create or replace function public.offers_patterns(wanted jsonb)
returns text[] language sql immutable set search_path = '' as $$
  select array(
    select '%' || regexp_replace(word, '([\\%_])', '\\\1', 'g') || '%' from jsonb_array_elements_text(wanted -> 'words') word)
$$;

-- A condition on one offer, with `patterns` as above. Like offers_folded without a search path of its own, and without
-- a query inside, for only then is it inlined: a call for each of a million rows would cost seconds.
create or replace function public.offers_matches(offer public.offers, wanted jsonb, patterns text[])
returns boolean language sql stable as $$
  select (wanted ->> 'min_discount' is null or offer.discount_pct >= (wanted ->> 'min_discount')::integer)
    and (wanted ->> 'since' is null or offer.last_seen_at >= (wanted ->> 'since')::timestamptz)
    and (wanted ->> 'status' is null or offer.status = wanted ->> 'status')
    and (wanted -> 'missing' = '[]'
      or (wanted -> 'missing' ? 'old-price' and offer.old_price_cents is null)
      or (wanted -> 'missing' ? 'discount' and offer.discount_pct is null)
      or (wanted -> 'missing' ? 'affiliate-link' and offer.affiliate_link is null))
    and offer.title_folded like all (patterns)
$$;

create or replace function public.offers_count(wanted jsonb)
returns bigint language plpgsql stable set search_path = '' set plan_cache_mode = 'force_custom_plan' as $$
declare
  patterns text[] := public.offers_patterns(wanted);
begin
  return (select count(*) from public.offers o where public.offers_matches(o, wanted, patterns));
end $$;

-- One page of the matching offers after `after`, the `last` of the page before (null: the first page).
-- Answer: {"offers": […], "last": {"key", "id"}}. Unknown values come last, ties by id.
create or replace function public.offers_find(wanted jsonb, sort text, after jsonb, page_size integer)
returns jsonb language plpgsql stable set search_path = '' as $$
declare
  is_descending boolean := sort like '-%';
  direction text := case when is_descending then 'desc' else 'asc' end;
  key text := case ltrim(sort, '-')
    when 'last_seen' then 'o.last_seen_at'
    when 'first_seen' then 'o.first_seen_at'
    when 'price' then 'o.price_cents'
    when 'title' then 'o.title_folded'
    when 'discount' then format('coalesce(o.discount_pct, %s)', case when is_descending then -1 else 101 end)
  end;
  key_type text := case ltrim(sort, '-') when 'price' then 'bigint' when 'title' then 'text'
    when 'discount' then 'integer' else 'timestamptz' end;
  answer jsonb;
begin
  execute format(
    'select jsonb_build_object(
        ''offers'', coalesce(jsonb_agg(to_jsonb(offer) order by key %2$s, id %2$s), ''[]''),
        ''last'', (array_agg(jsonb_build_object(''key'', key, ''id'', id) order by key %2$s, id %2$s))[count(*)])
      from (
        select o.id, %1$s as key from public.offers o
        where public.offers_matches(o, $1, $4)
          and ($2 is null or (%1$s, o.id) %4$s (($2 ->> ''key'')::%3$s, ($2 ->> ''id'')::uuid))
        order by key %2$s, id %2$s limit $3
      ) as page join public.offers offer using (id)',
    key, direction, key_type, case when is_descending then '<' else '>' end)
    into answer using wanted, after, page_size, public.offers_patterns(wanted);
  return answer;
end $$;

create or replace function public.offers_get(wanted text)
returns jsonb language sql stable set search_path = '' as $$
  select to_jsonb(o) from public.offers o
  where o.external_id = wanted
    or o.id = case when wanted ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then wanted::uuid end
  order by o.id::text <> wanted, o.marketplace limit 1
$$;

create or replace function public.offers_price_history(wanted uuid)
returns jsonb language sql stable set search_path = '' as $$
  select coalesce(jsonb_agg(to_jsonb(h) order by h.observed_at, h.id), '[]')
  from public.price_history h where h.offer_id = wanted
$$;

create or replace function public.offers_save_run(run jsonb)
returns void language sql set search_path = '' as $$
  insert into public.scrape_runs select * from jsonb_populate_record(null::public.scrape_runs, run)
  on conflict (id) do update set
    source = excluded.source, status = excluded.status, started_at = excluded.started_at,
    finished_at = excluded.finished_at, pages = excluded.pages, seen = excluded.seen, new = excluded.new,
    changed = excluded.changed, unchanged = excluded.unchanged, filtered = excluded.filtered,
    enqueued = excluded.enqueued, error = excluded.error
$$;

create or replace function public.offers_runs(max_runs integer)
returns jsonb language sql stable set search_path = '' as $$
  select coalesce(jsonb_agg(to_jsonb(r) order by r.started_at desc, r.id), '[]')
  from (select * from public.scrape_runs order by started_at desc, id limit max_runs) r
$$;

-- Nobody but the service role may call any of them.
do $$
declare
  name text;
begin
  foreach name in array array[
    'with_prices', 'with_card', 'with_attempt', 'with_page', 'with_link', 'with_failure', 'with_result', 'write',
    'schema_version', 'save', 'enrich', 'needing_enrichment', 'counts', 'folded', 'patterns', 'matches', 'count', 'find',
    'get', 'price_history', 'save_run', 'runs']
  loop
    execute format('revoke all on function public.offers_%s from public, anon, authenticated', name);
    execute format('grant execute on function public.offers_%s to service_role', name);
  end loop;
end $$;

insert into public.offers_schema (version) values (3) on conflict do nothing;
