-- Offers that are alike in what a list is sorted by come in the order of the marketplace's ids, which are the same in
-- every database, and not in that of our own, which are drawn by lot.
select pg_advisory_xact_lock(16776741);

-- By what offers `o` of one key are sorted. Those seen at one moment go on as the index has them, by id alone.
create or replace function public.offers_tie(sort text)
returns text language sql immutable set search_path = '' as $$
  select case ltrim(sort, '-') when 'last_seen' then '''''::text' else 'o.external_id collate "C"' end
$$;

-- One page of the matching offers after `after`, the `last` of the page before (null: the first page).
-- Answer: {"offers": […], "last": {"key", "tie", "id"}}. Unknown values come last.
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
        ''offers'', coalesce(jsonb_agg(to_jsonb(offer) order by key %2$s, tie %2$s, id %2$s), ''[]''),
        ''last'', (array_agg(jsonb_build_object(''key'', key, ''tie'', tie, ''id'', id)
          order by key %2$s, tie %2$s, id %2$s))[count(*)])
      from (
        select o.id, %1$s as key, %5$s as tie from public.offers o
        where public.offers_matches(o, $1, $4)
          and ($2 is null
            or (%1$s, %5$s, o.id) %4$s (($2 ->> ''key'')::%3$s, $2 ->> ''tie'', ($2 ->> ''id'')::uuid))
        order by key %2$s, tie %2$s, id %2$s limit $3
      ) as page join public.offers offer using (id)',
    public.offers_sort_key(sort), case when is_descending then 'desc' else 'asc' end, key_type,
    case when is_descending then '<' else '>' end, public.offers_tie(sort))
    into answer using wanted, after, page_size, public.offers_patterns(wanted);
  return answer;
end $$;

-- One page of places by id, after the last one of the page before (null: the first page).
-- Answer: [[id, key, tie], …]; ordered by key, tie and id they are in the order of `sort`. Unknown values come last.
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
    'select coalesce(jsonb_agg(jsonb_build_array(id, key, tie) order by id), ''[]'')
      from (
        select o.id, %s as key, %s as tie from public.offers o
        where ($2 is null or o.id > $2) and public.offers_matches(o, $1, $4)
        order by o.id limit $3
      ) as page', key, public.offers_tie(sort))
    into answer using wanted, after, page_size, public.offers_patterns(wanted);
  return answer;
end $$;

revoke all on function public.offers_tie from public, anon, authenticated;
grant execute on function public.offers_tie to service_role;

insert into public.offers_schema (version) values (16) on conflict do nothing;
notify pgrst, 'reload schema';
