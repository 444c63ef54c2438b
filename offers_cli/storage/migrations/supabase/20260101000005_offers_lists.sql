-- Long lists, whole whatever is written while they are read: first the place of each matching offer, read by id, which
-- never changes; then the offers themselves, in that order.
select pg_advisory_xact_lock(16776741);

-- One page of places by id, after the last one of the page before (null: the first page).
-- Answer: [[id, key], …]; ordered by key, then id, they are in the order of `sort`. Unknown values come last.
create or replace function public.offers_places(wanted jsonb, sort text, after uuid, page_size integer)
returns jsonb language plpgsql stable set search_path = '' as $$
declare
  key text := case ltrim(sort, '-')
    when 'last_seen' then '(extract(epoch from o.last_seen_at) * 1000000)::bigint'
    when 'first_seen' then '(extract(epoch from o.first_seen_at) * 1000000)::bigint'
    when 'price' then 'o.price_cents'
    when 'title' then 'o.title_folded'
    when 'discount' then format('coalesce(o.discount_pct, %s)', case when sort like '-%' then -1 else 101 end)
  end;
  answer jsonb;
begin
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

-- The offers of these ids that still match, in this order.
create or replace function public.offers_at(ids uuid[], wanted jsonb)
returns jsonb language plpgsql stable set search_path = '' set plan_cache_mode = 'force_custom_plan' as $$
declare
  patterns text[] := public.offers_patterns(wanted);
begin
  return (
    select coalesce(jsonb_agg(to_jsonb(o) order by given.place), '[]')
    from unnest(ids) with ordinality as given (id, place) join public.offers o using (id)
    where public.offers_matches(o, wanted, patterns));
end $$;

do $$
declare
  name text;
begin
  foreach name in array array['places', 'at'] loop
    execute format('revoke all on function public.offers_%s from public, anon, authenticated', name);
    execute format('grant execute on function public.offers_%s to service_role', name);
  end loop;
end $$;

insert into public.offers_schema (version) values (5) on conflict do nothing;
notify pgrst, 'reload schema';
