-- How people call an offer: by its catalogue product, by the user product that its address names, by the beginning of
-- its id.
select pg_advisory_xact_lock(16776741);

create index if not exists offers_catalogue on public.offers (catalogue_id) where catalogue_id is not null;
create index if not exists offers_user_product on public.offers (substring(url from '/up/([A-Z]{3}U[0-9]+)'))
  where url like '%/up/%';

-- The offers of these ids at a marketplace and those whose own id lies between two, ordered by id; of each kind of id
-- `most` at the most. Name by name and by array, so that each step reads an index whatever the planner makes of `most`.
create or replace function public.offers_called(ids text[], first uuid, last uuid, most int)
returns jsonb language sql stable set search_path = '' as $$
  select coalesce(jsonb_agg(to_jsonb(o) order by o.id), '[]') from public.offers o where o.id = any (
    array(select id from public.offers where id between first and last order by id limit most)
    || array(
      select found.id from unnest(ids) as name
        cross join lateral (select id from public.offers where external_id = name limit most) as found)
    || array(
      select found.id from unnest(ids) as name
        cross join lateral (select id from public.offers where catalogue_id = name limit most) as found)
    || array(
      select found.id from unnest(ids) as name
        cross join lateral (
          select id from public.offers
          where url like '%/up/%' and substring(url from '/up/([A-Z]{3}U[0-9]+)') = name limit most) as found))
$$;

revoke all on function public.offers_called from public, anon, authenticated;
grant execute on function public.offers_called to service_role;

insert into public.offers_schema (version) values (13) on conflict do nothing;
notify pgrst, 'reload schema';
