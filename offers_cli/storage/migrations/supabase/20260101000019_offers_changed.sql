-- The offers whose price changed last, which deals are found among, and what was recorded of very many at once.
select pg_advisory_xact_lock(16776741);

create index if not exists offers_price_changed on public.offers (price_changed_at, (external_id collate "C"));

-- A condition on one offer, with `patterns` of offers_patterns. Without a search path of its own, and without a query
-- inside, for only then is it inlined: a call for each of a million rows would cost seconds. What is not said does not
-- match; numbers inside of facts are compared as jsonb, which compares whatever stands there.
create or replace function public.offers_matches(offer public.offers, wanted jsonb, patterns text[])
returns boolean language sql stable as $$
  select (wanted ->> 'min_discount' is null or offer.discount_pct >= (wanted ->> 'min_discount')::integer)
    and (wanted ->> 'min_commission' is null or offer.commission_pct >= (wanted ->> 'min_commission')::integer)
    and (wanted ->> 'min_price_cents' is null or offer.price_cents >= (wanted ->> 'min_price_cents')::bigint)
    and (wanted ->> 'max_price_cents' is null or offer.price_cents <= (wanted ->> 'max_price_cents')::bigint)
    and (wanted ->> 'source' is null or offer.source = wanted ->> 'source')
    and (wanted ->> 'condition' is null or offer.price_condition = wanted ->> 'condition')
    and (wanted ->> 'min_rating_hundredths' is null
      or offer.facts -> 'rating_hundredths' >= wanted -> 'min_rating_hundredths')
    and (wanted -> 'free_shipping' is distinct from 'true' or offer.facts -> 'free_shipping' = 'true')
    and (wanted -> 'official_store' is distinct from 'true' or offer.facts -> 'official_store' = 'true')
    and (wanted -> 'coupon' is distinct from 'true'
      or offer.facts ? 'coupon_label' or offer.facts ? 'coupon_cents' or offer.facts ? 'coupon_pct')
    and (wanted ->> 'since' is null or offer.last_seen_at >= (wanted ->> 'since')::timestamptz)
    and (wanted ->> 'changed_since' is null or offer.price_changed_at >= (wanted ->> 'changed_since')::timestamptz)
    and (wanted ->> 'changed' is null
      or (offer.price_changed_at > offer.first_seen_at) = (wanted ->> 'changed' = 'yes'))
    and (wanted ->> 'status' is null or offer.status = wanted ->> 'status')
    and (wanted -> 'missing' = '[]'
      or (wanted -> 'missing' ? 'old-price' and offer.old_price_cents is null)
      or (wanted -> 'missing' ? 'discount' and offer.discount_pct is null)
      or (wanted -> 'missing' ? 'affiliate-link' and offer.affiliate_link is null))
    and offer.title_folded like all (patterns)
$$;

-- What offers `o` are sorted by, with a value for those that have none: they come last in both directions.
create or replace function public.offers_sort_key(sort text)
returns text language sql immutable set search_path = '' as $$
  select case ltrim(sort, '-')
    when 'last_seen' then 'o.last_seen_at'
    when 'first_seen' then 'o.first_seen_at'
    when 'price_changed' then 'o.price_changed_at'
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

-- What offers `o` are sorted by, as their indexes have it.
create or replace function public.offers_sort_value(sort text)
returns text language sql immutable set search_path = '' as $$
  select case ltrim(sort, '-')
    when 'last_seen' then 'o.last_seen_at'
    when 'first_seen' then 'o.first_seen_at'
    when 'price_changed' then 'o.price_changed_at'
    when 'price' then 'o.price_cents'
    when 'title' then 'left(o.title_folded, 100)'
    when 'discount' then 'o.discount_pct'
    when 'commission' then 'o.commission_pct'
    when 'rating' then '(o.facts -> ''rating_hundredths'')'
    when 'reviews' then '(o.facts -> ''reviews'')'
    when 'sold' then '(o.facts -> ''sold_at_least'')'
  end
$$;

-- One page of places by id, after the last one of the page before (null: the first page).
-- Answer: [[id, key, tie], …]; ordered by key, tie and id they are in the order of `sort`. Unknown values come last.
create or replace function public.offers_places(wanted jsonb, sort text, after uuid, page_size integer)
returns jsonb language plpgsql stable set search_path = '' as $$
declare
  key text := public.offers_sort_key(sort);
  answer jsonb;
begin
  if key like '%\_at' then
    key := format('(extract(epoch from %s) * 1000000)::bigint', key);
  end if;
  execute format(
    'select coalesce(jsonb_agg(jsonb_build_array(id, key, tie) order by id), ''[]'')
      from (
        select o.id, %s as key, %s as tie from public.offers o
        where ($2 is null or o.id > $2) and public.offers_matches(o, $1, $4)
        order by o.id limit $3
      ) as page', key, public.offers_tie(sort))
    into answer using wanted, after, page_size, public.offers_patterns(wanted);
  return answer;
end $$;

-- The history of each of these offers, oldest first: its moments in seconds since 1970, prices, payments, what cards paid.
create or replace function public.offers_recorded(ids uuid[])
returns jsonb language sql stable set search_path = '' as $$
  select coalesce(jsonb_object_agg(offer_id, prices), '{}') from (
    select h.offer_id, jsonb_agg(
      jsonb_build_array(extract(epoch from h.observed_at), h.price_cents, h.price_condition, h.card_price_cents)
      order by h.observed_at, h.id) as prices
    from public.price_history h where h.offer_id = any (ids) group by h.offer_id) each_one
$$;

revoke all on function public.offers_recorded from public, anon, authenticated;
grant execute on function public.offers_recorded to service_role;

insert into public.offers_schema (version) values (19) on conflict do nothing;
notify pgrst, 'reload schema';
