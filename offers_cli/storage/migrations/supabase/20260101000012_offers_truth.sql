-- By which payment a price holds, what a card pays, what the old price is; the facts beside it (unknown ones absent);
-- and what a listing last showed, so that its saying the same again is no news. From here on the functions that write
-- whole rows ask which columns there are.
select pg_advisory_xact_lock(16776741);

alter table public.offers
  add column if not exists price_condition text check (price_condition in ('any', 'pix', 'credit_line')),
  add column if not exists card_price_cents bigint check (card_price_cents > price_cents),
  add column if not exists discount_kind text check (discount_kind in ('price_cut', 'payment')),
  add column if not exists listing_price_cents bigint check (listing_price_cents > 0),
  add column if not exists listing_word jsonb not null default '{}' check (jsonb_typeof(listing_word) = 'object'),
  add column if not exists facts jsonb not null default '{}' check (jsonb_typeof(facts) = 'object');
alter table public.price_history
  add column if not exists price_condition text check (price_condition in ('any', 'pix', 'credit_line')),
  add column if not exists card_price_cents bigint;

-- The columns of a table that are written: none that Postgres fills by itself.
create or replace function public.offers_columns(written regclass)
returns text language sql stable set search_path = '' as $$
  select string_agg(quote_ident(attname), ', ' order by attnum) from pg_catalog.pg_attribute
  where attrelid = written and attnum > 0 and not attisdropped and attgenerated = '' and attidentity = ''
$$;

-- What a listing last showed, and beside the same price what it showed before.
create or replace function public.offers_with_word(stored public.offers, card public.offers)
returns public.offers language plpgsql immutable set search_path = '' as $$
declare
  word jsonb := jsonb_strip_nulls(jsonb_build_object(
    'old_price_cents', card.old_price_cents, 'discount_pct', card.discount_pct,
    'price_condition', card.price_condition, 'card_price_cents', card.card_price_cents,
    'discount_kind', card.discount_kind));
begin
  if stored.listing_price_cents = card.price_cents then
    word := stored.listing_word || word;
  end if;
  stored.listing_price_cents := card.price_cents;
  stored.listing_word := word;
  return stored;
end $$;

-- Of what may end any day only what a later card or page still says; one that shows neither shipping nor instalments
-- ends no free shipping.
create or replace function public.offers_with_facts(stored jsonb, newer jsonb)
returns jsonb language plpgsql immutable set search_path = '' as $$
declare
  instalments constant text[] := array['installments_count', 'installment_cents', 'interest_free'];
  shipping constant text[] := array['free_shipping', 'free_shipping_note', 'full'];
begin
  if newer ?| (shipping || instalments) then
    stored := stored - shipping;
  end if;
  return stored - instalments
    - array['badge', 'badge_until', 'coupon_label', 'coupon_cents', 'coupon_pct', 'coupon_min_cents'] || newer;
end $$;

-- What makes one row of history another one.
create or replace function public.offers_is_other_price(before public.offers, after public.offers)
returns boolean language plpgsql immutable set search_path = '' as $$
begin
  return (before.price_cents, before.old_price_cents, before.price_condition)
    is distinct from (after.price_cents, after.old_price_cents, after.price_condition);
end $$;

-- Another price replaces all that is shown with it; at the same price, what is not shown erases nothing. There another
-- old price brings its own discount along, and another condition its own card price.
drop function if exists public.offers_with_prices(public.offers, bigint, bigint, integer, timestamptz);
create or replace function public.offers_with_shown(
  stored public.offers, shown public.offers, observed_at timestamptz
) returns public.offers language plpgsql immutable set search_path = '' as $$
declare
  known public.offers := stored;
begin
  if shown.price_cents <> known.price_cents then
    stored.price_changed_at := observed_at;
    stored.price_cents := shown.price_cents;
    stored.old_price_cents := shown.old_price_cents;
    stored.discount_pct := shown.discount_pct;
    stored.price_condition := shown.price_condition;
    stored.card_price_cents := shown.card_price_cents;
    stored.discount_kind := shown.discount_kind;
  else
    stored.old_price_cents := coalesce(shown.old_price_cents, known.old_price_cents);
    stored.price_condition := coalesce(shown.price_condition, known.price_condition);
    stored.card_price_cents := coalesce(shown.card_price_cents, known.card_price_cents);
    stored.discount_kind := coalesce(shown.discount_kind, known.discount_kind);
    if stored.old_price_cents is distinct from known.old_price_cents then
      stored.discount_pct := shown.discount_pct;
      stored.discount_kind := shown.discount_kind;
    elsif shown.old_price_cents is not null or known.old_price_cents is null or known.discount_pct is null then
      stored.discount_pct := coalesce(shown.discount_pct, known.discount_pct);
    end if;
    if stored.price_condition is distinct from known.price_condition then
      stored.card_price_cents := shown.card_price_cents;
      stored.discount_kind := shown.discount_kind;
    end if;
  end if;
  if public.offers_is_other_price(known, stored) then
    stored.suspect_old_price_cents := null;
    stored.strategies := '{}';
  end if;
  return stored;
end $$;

-- An older sight than the stored one changes nothing. Its prices count where they are news, which is what listings did
-- not show when they last showed the offer, and unless a page was read later.
create or replace function public.offers_with_card(
  stored public.offers, card public.offers, seen_at timestamptz
) returns public.offers language plpgsql immutable set search_path = '' as $$
declare
  before public.offers := stored;
begin
  if seen_at < stored.last_seen_at then
    return stored;
  end if;
  stored := jsonb_populate_record(stored, jsonb_strip_nulls(to_jsonb(card) - array[
    'title', 'facts', 'price_cents', 'old_price_cents', 'discount_pct', 'price_condition', 'card_price_cents',
    'discount_kind']));
  if not stored.strategies ? 'title' then
    stored.title := card.title;
  end if;
  stored := public.offers_with_word(stored, card);
  stored.last_seen_at := seen_at;
  if coalesce(stored.enrich_attempted_at <= seen_at, true) then
    stored.status := 'active';
  end if;
  if stored.enriched_at > seen_at then
    return stored;
  end if;
  stored.facts := public.offers_with_facts(stored.facts, card.facts);
  if (stored.listing_price_cents, stored.listing_word)
    is not distinct from (before.listing_price_cents, before.listing_word) then
    return stored;
  end if;
  return public.offers_with_shown(stored, card, seen_at);
end $$;

-- A page read at `observed_at`. Verdicts: applied, superseded (a newer page is stored), stale (a listing saw another
-- price since). An old price, or a card's, that is not above the price is none.
create or replace function public.offers_with_page(
  inout stored public.offers, page jsonb, observed_at timestamptz, out verdict text
) language plpgsql immutable set search_path = '' as $$
declare
  shown public.offers := jsonb_populate_record(null::public.offers, page);
begin
  shown.price_cents := coalesce(shown.price_cents, stored.price_cents);
  if stored.enriched_at > observed_at then
    verdict := 'superseded';
    return;
  elsif shown.price_cents <> stored.price_cents and stored.last_seen_at > observed_at then
    verdict := 'stale';
    return;
  end if;
  verdict := 'applied';
  shown.old_price_cents := case when shown.old_price_cents > shown.price_cents then shown.old_price_cents end;
  shown.card_price_cents := case when shown.card_price_cents > shown.price_cents then shown.card_price_cents end;
  shown.discount_kind := case when shown.old_price_cents is not null then shown.discount_kind end;
  stored := public.offers_with_shown(stored, shown, observed_at);
  stored.title := coalesce(shown.title, stored.title);
  stored.facts := public.offers_with_facts(stored.facts, shown.facts);
  stored.suspect_old_price_cents := shown.suspect_old_price_cents;
  stored.strategies := shown.strategies;
  stored.enriched_at := greatest(observed_at, stored.price_changed_at);
  if coalesce(stored.enrich_attempted_at <= observed_at, true) then
    stored.status := 'active';
  end if;
end $$;

-- Makes the function that writes a row, and a row of history when price, old price or condition changed, and returns
-- whether they did. Its columns are those of today, for a statement that is put together for each row is planned for
-- each row: a later step that adds a column does this again.
create or replace function public.offers_make_write()
returns void language plpgsql set search_path = '' as $make$
declare
  columns text := public.offers_columns('public.offers');
begin
  execute format($write$
    create or replace function public.offers_write(
      before public.offers, after public.offers, observed_at timestamptz, source text
    ) returns boolean language plpgsql set search_path = '' as $$
    begin
      if before is distinct from after then
        insert into public.offers (%1$s) values (%2$s) on conflict (id) do update set (%1$s) = row(%3$s);
      end if;
      if not public.offers_is_other_price(before, after) then
        return false;
      end if;
      insert into public.price_history
          (offer_id, observed_at, price_cents, old_price_cents, price_condition, card_price_cents, source)
        values (after.id, observed_at, after.price_cents, after.old_price_cents, after.price_condition,
          after.card_price_cents, source);
      return true;
    end $$
    $write$, columns, 'after.' || replace(columns, ', ', ', after.'), 'excluded.' || replace(columns, ', ', ', excluded.'));
end $make$;
select public.offers_make_write();

-- A page of cards, each offer once. Answer, in the same order: [{external_id, offer: {…}, outcome} | {…, reason}].
-- Writers take turns, as they do in SQLite: what was read is still true when it is written, and nothing deadlocks.
-- With `trust_cards` a card without a struck price is an answer: its page counts as looked at.
drop function if exists public.offers_save(jsonb, timestamptz, boolean);
create or replace function public.offers_save_cards(
  cards jsonb, seen_at timestamptz, trust_cards boolean, dry_run boolean
) returns jsonb language plpgsql set search_path = '' as $$
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
      after := public.offers_with_word(card, card);
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
    if trust_cards and card.old_price_cents is null and seen_at >= after.last_seen_at
      and coalesce(after.enriched_at < after.price_changed_at, true) then
      after.enriched_at := seen_at;
      after.strategies := after.strategies || '{"old_price_cents": "card"}';
    end if;
    begin
      if dry_run then
        is_changed := public.offers_is_other_price(before, after);
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

-- Everything that is stored about one offer as one checksum; the program computes the same (checksum in transfer.py).
create or replace function public.offers_digest(offer public.offers)
returns text language sql stable set search_path = '' set timezone = 'UTC' as $$
  with columns as (
    select key, value from jsonb_each(to_jsonb(offer)) where key not in ('title_folded', 'page_looked_at', 'link_looked_at')
  )
  select md5(string_agg(key || '=' || coalesce(value, '~'), chr(31) order by key collate "C")) from (
    select key, value #>> '{}' as value from columns where jsonb_typeof(value) <> 'object'
    union all
    select columns.key || '.' || part.key, part.value
      from columns, jsonb_each_text(case jsonb_typeof(columns.value) when 'object' then columns.value else '{}' end) part
    union all
    select 'history.' || to_char(row_number() over (order by observed_at, id), 'FM000000'), (
        select string_agg(coalesce(value, '~'), ' ' order by key collate "C")
        from jsonb_each_text(to_jsonb(point) - 'id' - 'offer_id'))
      from public.price_history point where offer_id = offer.id
  ) parts
$$;

-- Writes the history of offers, in the order given.
create or replace function public.offers_write_history(history jsonb, ids uuid[])
returns void language plpgsql set search_path = '' as $$
begin
  execute format(
    'insert into public.price_history (%1$s) select %1$s
      from jsonb_array_elements($1) with ordinality as given (value, place),
        jsonb_populate_record(null::public.price_history, given.value)
      where offer_id = any ($2) order by given.place',
    public.offers_columns('public.price_history'))
    using history, ids;
end $$;

-- Inserts what does not exist yet, an offer together with its history, and leaves alone what does.
create or replace function public.offers_import(offers jsonb, history jsonb, runs jsonb)
returns void language plpgsql set search_path = '' as $$
declare
  ids uuid[];
begin
  perform pg_advisory_xact_lock(16776742);
  execute format(
    'with inserted as (
      insert into public.offers (%1$s) select %1$s from jsonb_populate_recordset(null::public.offers, $1)
        on conflict do nothing returning id
    ) select array(select id from inserted)',
    public.offers_columns('public.offers'))
    into ids using offers;
  perform public.offers_write_history(history, ids);
  insert into public.scrape_runs select * from jsonb_populate_recordset(null::public.scrape_runs, runs)
    on conflict do nothing;
end $$;

-- Rows are updated in place, so that what refers to them stands; an offer that is here under another id is replaced.
-- Answer: {id: checksum} of the offers given.
create or replace function public.offers_restore(offers jsonb, history jsonb, runs jsonb)
returns jsonb language plpgsql set search_path = '' as $$
declare
  ids uuid[] := array(select (given.value ->> 'id')::uuid from jsonb_array_elements(offers) given);
  columns text := public.offers_columns('public.offers');
begin
  perform pg_advisory_xact_lock(16776742);
  delete from public.offers o using jsonb_populate_recordset(null::public.offers, offers) given
    where o.external_id = given.external_id and o.marketplace = given.marketplace and o.id <> given.id;
  if cardinality(ids) > 0 then
    execute format(
      'insert into public.offers (%1$s) select %1$s from jsonb_populate_recordset(null::public.offers, $1)
        on conflict (id) do update set (%1$s) = row(%2$s)',
      columns, 'excluded.' || replace(columns, ', ', ', excluded.'))
      using offers;
    delete from public.price_history where offer_id = any (ids);
    perform public.offers_write_history(history, ids);
  end if;
  perform public.offers_save_run(run) from jsonb_array_elements(runs) run;
  return public.offers_checksums(ids);
end $$;

-- One batch of offers by id, after the last one of the batch before (null: the first, which also drops old runs).
-- Of the prices seen before `older_than` each reader's lowest and last of each day (UTC) stay, those of each condition
-- apart; offers gone and not touched since are dropped. Answer: {prices, offers, runs: removed; last: where to go on, null at the end}.
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
        row_number() over (partition by offer_id, source, price_condition, (observed_at at time zone 'UTC')::date
          order by price_cents, observed_at desc, id desc) as place_by_price,
        row_number() over (partition by offer_id, source, price_condition, (observed_at at time zone 'UTC')::date
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

-- A condition on one offer, with `patterns` of offers_patterns. Without a search path of its own, and without a query
-- inside, for only then is it inlined: a call for each of a million rows would cost seconds. What is not said does not
-- match; numbers inside of facts are compared as jsonb, which compares whatever stands there.
create or replace function public.offers_matches(offer public.offers, wanted jsonb, patterns text[])
returns boolean language sql stable as $$
  select (wanted ->> 'min_discount' is null or offer.discount_pct >= (wanted ->> 'min_discount')::integer)
    and (wanted ->> 'min_commission' is null or offer.commission_pct >= (wanted ->> 'min_commission')::integer)
    and (wanted ->> 'max_price_cents' is null or offer.price_cents <= (wanted ->> 'max_price_cents')::bigint)
    and (wanted ->> 'condition' is null or offer.price_condition = wanted ->> 'condition')
    and (wanted ->> 'min_rating_hundredths' is null
      or offer.facts -> 'rating_hundredths' >= wanted -> 'min_rating_hundredths')
    and (wanted -> 'free_shipping' is distinct from 'true' or offer.facts -> 'free_shipping' = 'true')
    and (wanted -> 'official_store' is distinct from 'true' or offer.facts -> 'official_store' = 'true')
    and (wanted -> 'coupon' is distinct from 'true'
      or offer.facts ? 'coupon_label' or offer.facts ? 'coupon_cents' or offer.facts ? 'coupon_pct')
    and (wanted ->> 'since' is null or offer.last_seen_at >= (wanted ->> 'since')::timestamptz)
    and (wanted ->> 'status' is null or offer.status = wanted ->> 'status')
    and (wanted -> 'missing' = '[]'
      or (wanted -> 'missing' ? 'old-price' and offer.old_price_cents is null)
      or (wanted -> 'missing' ? 'discount' and offer.discount_pct is null)
      or (wanted -> 'missing' ? 'affiliate-link' and offer.affiliate_link is null))
    and offer.title_folded like all (patterns)
$$;

-- What offers `o` are sorted by; unknown numbers come last in both directions. 2^53 - 1 is the most that each JSON keeps.
create or replace function public.offers_sort_key(sort text)
returns text language sql immutable set search_path = '' as $$
  select case ltrim(sort, '-')
    when 'last_seen' then 'o.last_seen_at'
    when 'first_seen' then 'o.first_seen_at'
    when 'price' then 'o.price_cents'
    when 'title' then 'o.title_folded'
    else format('coalesce(%s, %s)',
      case ltrim(sort, '-')
        when 'discount' then 'o.discount_pct'
        when 'commission' then 'o.commission_pct'
        when 'rating' then '(o.facts ->> ''rating_hundredths'')::bigint'
        when 'reviews' then '(o.facts ->> ''reviews'')::bigint'
        when 'sold' then '(o.facts ->> ''sold_at_least'')::bigint'
      end,
      case when sort like '-%' then '-1' else '9007199254740991' end)
  end
$$;

-- One page of the matching offers after `after`, the `last` of the page before (null: the first page).
-- Answer: {"offers": […], "last": {"key", "id"}}. Unknown values come last, ties by id.
create or replace function public.offers_find(wanted jsonb, sort text, after jsonb, page_size integer)
returns jsonb language plpgsql stable set search_path = '' as $$
declare
  is_descending boolean := sort like '-%';
  key_type text := case ltrim(sort, '-') when 'title' then 'text' when 'last_seen' then 'timestamptz'
    when 'first_seen' then 'timestamptz' else 'bigint' end;
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
    public.offers_sort_key(sort), case when is_descending then 'desc' else 'asc' end, key_type,
    case when is_descending then '<' else '>' end)
    into answer using wanted, after, page_size, public.offers_patterns(wanted);
  return answer;
end $$;

-- One page of places by id, after the last one of the page before (null: the first page).
-- Answer: [[id, key], …]; ordered by key, then id, they are in the order of `sort`. Unknown values come last.
create or replace function public.offers_places(wanted jsonb, sort text, after uuid, page_size integer)
returns jsonb language plpgsql stable set search_path = '' as $$
declare
  key text := public.offers_sort_key(sort);
  answer jsonb;
begin
  if key like '%\_seen\_at' then
    key := format('(extract(epoch from %s) * 1000000)::bigint', key);
  end if;
  execute format(
    'select coalesce(jsonb_agg(jsonb_build_array(id, key) order by id), ''[]'')
      from (
        select o.id, %s as key from public.offers o
        where ($2 is null or o.id > $2) and public.offers_matches(o, $1, $4)
        order by o.id limit $3
      ) as page', key)
    into answer using wanted, after, page_size, public.offers_patterns(wanted);
  return answer;
end $$;

do $$
declare
  name text;
begin
  foreach name in array array[
    'columns', 'make_write', 'with_word', 'with_facts', 'is_other_price', 'with_shown', 'save_cards', 'sort_key',
    'write_history']
  loop
    execute format('revoke all on function public.offers_%s from public, anon, authenticated', name);
    execute format('grant execute on function public.offers_%s to service_role', name);
  end loop;
end $$;

insert into public.offers_schema (version) values (12) on conflict do nothing;
notify pgrst, 'reload schema';
