-- Offers are also chosen by their least price and their source, and a list shows the lowest price of each.
select pg_advisory_xact_lock(16776741);

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
    and (wanted ->> 'status' is null or offer.status = wanted ->> 'status')
    and (wanted -> 'missing' = '[]'
      or (wanted -> 'missing' ? 'old-price' and offer.old_price_cents is null)
      or (wanted -> 'missing' ? 'discount' and offer.discount_pct is null)
      or (wanted -> 'missing' ? 'affiliate-link' and offer.affiliate_link is null))
    and offer.title_folded like all (patterns)
$$;

-- Of those of these offers whose price by today's payment was seen to change, the lowest of it, by id.
create or replace function public.offers_lows(ids uuid[])
returns jsonb language sql stable set search_path = '' as $$
  select coalesce(jsonb_object_agg(low.id, low.price_cents), '{}') from (
    select o.id, min(h.price_cents) as price_cents
    from public.offers o join public.price_history h on h.offer_id = o.id
    where o.id = any (ids) and h.price_condition is not distinct from o.price_condition
    group by o.id having min(h.price_cents) < max(h.price_cents)) low
$$;

revoke all on function public.offers_lows from public, anon, authenticated;
grant execute on function public.offers_lows to service_role;

insert into public.offers_schema (version) values (15) on conflict do nothing;
notify pgrst, 'reload schema';
