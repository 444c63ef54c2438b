-- What `offers list` sorts by, each by an index of the offers that have it; those that are alike go on by the marketplace's id.
select pg_advisory_xact_lock(16776741);

-- Facts are compared as jsonb, which compares whatever stands there; of titles, which may be longer than an index takes,
-- it holds the beginning.
create index if not exists offers_price on public.offers (price_cents, (external_id collate "C"));
create index if not exists offers_discount on public.offers (discount_pct, (external_id collate "C"))
  where discount_pct is not null;
create index if not exists offers_commission on public.offers (commission_pct, (external_id collate "C"))
  where commission_pct is not null;
create index if not exists offers_first_seen on public.offers (first_seen_at, (external_id collate "C"));
create index if not exists offers_title on public.offers (left(title_folded, 100));
create index if not exists offers_rating on public.offers ((facts -> 'rating_hundredths'), (external_id collate "C"))
  where facts -> 'rating_hundredths' is not null;
create index if not exists offers_reviews on public.offers ((facts -> 'reviews'), (external_id collate "C"))
  where facts -> 'reviews' is not null;
create index if not exists offers_sold on public.offers ((facts -> 'sold_at_least'), (external_id collate "C"))
  where facts -> 'sold_at_least' is not null;

-- What offers `o` are sorted by, as their indexes have it.
create or replace function public.offers_sort_value(sort text)
returns text language sql immutable set search_path = '' as $$
  select case ltrim(sort, '-')
    when 'last_seen' then 'o.last_seen_at'
    when 'first_seen' then 'o.first_seen_at'
    when 'price' then 'o.price_cents'
    when 'title' then 'left(o.title_folded, 100)'
    when 'discount' then 'o.discount_pct'
    when 'commission' then 'o.commission_pct'
    when 'rating' then '(o.facts -> ''rating_hundredths'')'
    when 'reviews' then '(o.facts -> ''reviews'')'
    when 'sold' then '(o.facts -> ''sold_at_least'')'
  end
$$;

-- The first of the matching offers: of those that have what is sorted by, along its index, and where they are too few of
-- the others, which come last in both directions. Answer: {"offers": […]}.
drop function if exists public.offers_find(jsonb, text, jsonb, integer);
create or replace function public.offers_first(wanted jsonb, sort text, most integer)
returns jsonb language plpgsql stable set search_path = '' as $$
declare
  patterns text[] := public.offers_patterns(wanted);
  direction text := case when sort like '-%' then 'desc' else 'asc' end;
  value text := public.offers_sort_value(sort);
  rest text := case ltrim(sort, '-') when 'title' then format('o.title_folded %s, ', direction) else '' end
    || format('%1$s %2$s, o.id %2$s', public.offers_tie(sort), direction);
  first uuid[];
  others uuid[] := '{}';
begin
  execute format(
    'select array(select o.id from public.offers o where %1$s is not null and public.offers_matches(o, $1, $2)
      order by %1$s %2$s, %3$s limit $3)', value, direction, rest)
    into first using wanted, patterns, most;
  if cardinality(first) < most then
    execute format(
      'select array(select o.id from public.offers o where %1$s is null and public.offers_matches(o, $1, $2)
        order by %2$s limit $3)', value, rest)
      into others using wanted, patterns, most - cardinality(first);
  end if;
  return (
    select jsonb_build_object('offers', coalesce(jsonb_agg(to_jsonb(o) order by place), '[]'))
    from unnest(first || others) with ordinality as given (id, place) join public.offers o using (id));
end $$;

do $$
declare
  name text;
begin
  foreach name in array array['sort_value', 'first'] loop
    execute format('revoke all on function public.offers_%s from public, anon, authenticated', name);
    execute format('grant execute on function public.offers_%s to service_role', name);
  end loop;
end $$;

insert into public.offers_schema (version) values (18) on conflict do nothing;
notify pgrst, 'reload schema';
