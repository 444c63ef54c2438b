-- The offers whose price was ever seen to change, the last ones first: deals are looked for among them, however many
-- others there are.
select pg_advisory_xact_lock(16776741);

create index if not exists offers_repriced on public.offers (price_changed_at, (external_id collate "C"))
  where price_changed_at > first_seen_at;

-- The first of the matching offers behind a place in their order (null: from the first on), of those that have what is
-- sorted by, along its index, and where they are too few of the others, which come last in both directions.
-- `after`: {"value": what the last offer has of what is sorted by, "tie": its id at its marketplace, "id"}.
-- What only the index of repriced offers holds is asked for in its words. Answer: {"offers": […]}.
create or replace function public.offers_page(wanted jsonb, sort text, most integer, after jsonb default null)
returns jsonb language plpgsql stable set search_path = '' as $$
declare
  patterns text[] := public.offers_patterns(wanted);
  name text := ltrim(sort, '-');
  direction text := case when sort like '-%' then 'desc' else 'asc' end;
  sign text := case when sort like '-%' then '<' else '>' end;
  value text := public.offers_sort_value(sort);
  rest text := case name when 'title' then format('o.title_folded %s, ', direction) else '' end
    || format('%1$s %2$s, o.id %2$s', public.offers_tie(sort), direction);
  ties text := case name when 'last_seen' then 'o.id' else public.offers_tie(sort) || ', o.id' end;
  ties_after text := case name when 'last_seen' then '' else '$4 ->> ''tie'', ' end || '($4 ->> ''id'')::uuid';
  changed text := case when wanted ->> 'changed' = 'yes' then ' and o.price_changed_at > o.first_seen_at' else '' end;
  behind text := '';
  is_without_value boolean := coalesce(after -> 'value' = 'null', false);
  first uuid[] := '{}';
  others uuid[] := '{}';
begin
  if not is_without_value then
    if after <> 'null' then
      behind := format(' and (%s, %s) %s (%s, %s)',
        case name when 'title' then value || ', o.title_folded' else value end, ties, sign,
        case
          when name = 'title' then 'left($4 ->> ''value'', 100), $4 ->> ''value'''
          when name in ('last_seen', 'first_seen', 'price_changed') then '($4 ->> ''value'')::timestamptz'
          when name in ('rating', 'reviews', 'sold') then '$4 -> ''value'''
          else '($4 ->> ''value'')::bigint'
        end, ties_after);
    end if;
    execute format(
      'select array(select o.id from public.offers o where %1$s is not null and public.offers_matches(o, $1, $2)%4$s
        order by %1$s %2$s, %3$s limit $3)', value, direction, rest, changed || behind)
      into first using wanted, patterns, most, after;
  end if;
  if cardinality(first) < most then
    behind := case when is_without_value then format(' and (%s) %s (%s)', ties, sign, ties_after) else '' end;
    execute format(
      'select array(select o.id from public.offers o where %1$s is null and public.offers_matches(o, $1, $2)%3$s
        order by %2$s limit $3)', value, rest, behind)
      into others using wanted, patterns, most - cardinality(first), after;
  end if;
  return (
    select jsonb_build_object('offers', coalesce(jsonb_agg(to_jsonb(o) order by place), '[]'))
    from unnest(first || others) with ordinality as given (id, place) join public.offers o using (id));
end $$;

insert into public.offers_schema (version) values (22) on conflict do nothing;
notify pgrst, 'reload schema';
