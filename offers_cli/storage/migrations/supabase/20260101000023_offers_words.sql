-- Words are looked for by an index of the three-letter parts of titles, where the server has the extension for it.
select pg_advisory_xact_lock(16776741);

-- Without it, or the right to create it, a search goes through all titles as before. Its functions are no part of the
-- project's API: they stand where a hosted project has its extensions.
do $$
begin
  create schema if not exists extensions;
  create extension if not exists pg_trgm with schema extensions;
  execute format(
    'create index if not exists offers_title_words on public.offers using gin (title_folded %s.gin_trgm_ops)',
    (select extnamespace::regnamespace from pg_catalog.pg_extension where extname = 'pg_trgm'));
exception when insufficient_privilege or undefined_file or feature_not_supported then
  raise notice 'pg_trgm cannot be had: %', sqlerrm;
end $$;

-- The words of a filter as patterns that a title matches when the word stands in it, whatever its characters are. The one
-- that the fewest titles may have comes first: a number, or a long word, of three letters for the index to know it.
create or replace function public.offers_patterns(wanted jsonb)
returns text[] language sql immutable set search_path = '' as $$
  select array(
    select '%' || regexp_replace(word, '([\\%_])', '\\\1', 'g') || '%'
    from jsonb_array_elements_text(wanted -> 'words') word
    order by length(word) < 3, word ~ '^[a-z]*$', length(word) desc)
$$;

-- A condition on one offer, with `patterns` of offers_patterns. Without a search path of its own, and without a query
-- inside, for only then is it inlined: a call for each of a million rows would cost seconds. What is not said does not
-- match; numbers inside of facts are compared as jsonb, which compares whatever stands there. The first pattern is asked
-- for by itself too, for an index serves one, and not all of a list.
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
    and (patterns[1] is null or offer.title_folded like patterns[1])
    and offer.title_folded like all (patterns)
$$;

insert into public.offers_schema (version) values (23) on conflict do nothing;
notify pgrst, 'reload schema';
