-- How many offers stand how, kept by triggers, so that no count reads the offers.
select pg_advisory_xact_lock(16776741);

-- How an offer stands, as the sum of
--   1  gone                    2  a page, or a card that is trusted, told its prices
--   4  no old price            8  no discount            16  no affiliate link
--  32  its page, and          64  the programme, were not asked since the price last changed.
-- An attempt that fails for good counts as looked for (`enriched_at` is its own moment then), but told nothing.
-- Without a search path of its own, for only then is it inlined: bulk writes and recounts call it for each row.
create or replace function public.offers_coverage(offer public.offers)
returns integer language sql immutable as $$
  select 1 * (offer.status = 'gone')::integer
    + 2 * (offer.enriched_at is not null
        and (offer.strategies <> '{}' or offer.enrich_error is null
          or offer.enriched_at is distinct from offer.enrich_attempted_at))::integer
    + 4 * (offer.old_price_cents is null)::integer + 8 * (offer.discount_pct is null)::integer
    + 16 * (offer.affiliate_link is null)::integer
    + 32 * (offer.page_looked_at is null)::integer + 64 * (offer.link_looked_at is null)::integer
$$;

-- The offers of each coverage are the sum of its rows. A write appends what it changed and waits for nobody.
create table if not exists public.offers_tally (
  coverage integer not null,
  offers bigint not null
);
alter table public.offers_tally enable row level security;
revoke all on public.offers_tally from public, anon, authenticated;
grant select, insert, update, delete on public.offers_tally to service_role;

-- Puts one row for each coverage in the place of those that nobody else holds.
create or replace function public.offers_fold_tally()
returns void language sql set search_path = '' as $$
  with held as materialized (
    select ctid as place from public.offers_tally for update skip locked
  ), taken as (
    delete from public.offers_tally t using held where t.ctid = held.place returning t.coverage, t.offers
  )
  insert into public.offers_tally select coverage, sum(offers) from taken group by coverage having sum(offers) <> 0
$$;

-- Of each statement that writes offers, whoever wrote it: what it changed. Now and then one folds what has gathered;
-- not under a snapshot of a whole transaction, where rows that another one folded meanwhile would be an error.
create or replace function public.offers_keep_tally()
returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'TRUNCATE' then
    truncate public.offers_tally;
    return null;
  elsif tg_op = 'INSERT' then
    insert into public.offers_tally
      select coverage, count(*) from (select public.offers_coverage(row(o.*)::public.offers) as coverage from written o) each_one
      group by coverage;
  elsif tg_op = 'DELETE' then
    insert into public.offers_tally
      select coverage, -count(*) from (select public.offers_coverage(row(o.*)::public.offers) as coverage from before o) each_one
      group by coverage;
  else
    insert into public.offers_tally
      select coverage, sum(offers) from (
        select public.offers_coverage(row(o.*)::public.offers) as coverage, 1 as offers from written o
        union all
        select public.offers_coverage(row(o.*)::public.offers), -1 from before o) each_one
      group by coverage having sum(offers) <> 0;
  end if;
  if found and random() < 0.02 and current_setting('transaction_isolation') = 'read committed' then
    perform public.offers_fold_tally();
  end if;
  return null;
end $$;

create or replace trigger offers_tally_inserted after insert on public.offers
  referencing new table as written for each statement execute function public.offers_keep_tally();
create or replace trigger offers_tally_deleted after delete on public.offers
  referencing old table as before for each statement execute function public.offers_keep_tally();
create or replace trigger offers_tally_updated after update on public.offers
  referencing old table as before new table as written for each statement execute function public.offers_keep_tally();
create or replace trigger offers_tally_truncated after truncate on public.offers
  for each statement execute function public.offers_keep_tally();

-- Counts anew, while nobody can write.
create or replace function public.offers_recount()
returns void language plpgsql set search_path = '' as $$
begin
  lock table public.offers in share row exclusive mode;
  delete from public.offers_tally;
  insert into public.offers_tally
    select coverage, count(*) from (select public.offers_coverage(o) as coverage from public.offers o) each_one
    group by coverage;
end $$;
select public.offers_recount();

create or replace function public.offers_counts()
returns jsonb language sql stable set search_path = '' as $$
  select jsonb_object_agg(name, counted) from (
    select name, coalesce(sum(offers) filter (where coverage & bits = wanted), 0)::bigint as counted
    from (values ('total', 0, 0), ('enriched', 2, 2), ('gone', 1, 1), ('missing_old_price', 1 + 4, 4),
        ('missing_discount', 1 + 8, 8), ('missing_affiliate_link', 1 + 16, 16)) asked (name, bits, wanted)
      left join public.offers_tally on true
    group by name) each_one
$$;

-- How many offers still need something, apart from those whose page or programme was asked and has no answer.
create or replace function public.offers_count_needing(missing text[])
returns bigint language sql stable set search_path = '' as $$
  select coalesce(sum(offers), 0)::bigint from public.offers_tally
  where coverage & 1 = 0
    and ('old-price' = any (missing) and coverage & (4 + 32) = 4 + 32
      or 'discount' = any (missing) and coverage & (8 + 32) = 8 + 32
      or 'affiliate-link' = any (missing) and coverage & (16 + 64) = 16 + 64)
$$;

-- Where nothing is asked but the status and what is missing, the tally knows.
create or replace function public.offers_count(wanted jsonb)
returns bigint language plpgsql stable set search_path = '' set plan_cache_mode = 'force_custom_plan' as $$
declare
  patterns text[] := public.offers_patterns(wanted);
  is_tallied boolean := patterns = '{}' and not exists (
    select from jsonb_each(wanted - array['status', 'missing', 'words']) where value not in ('null', 'false'));
begin
  if is_tallied then
    return (
      select coalesce(sum(offers), 0)::bigint from public.offers_tally
      where (wanted ->> 'status' is null or coverage & 1 = (wanted ->> 'status' = 'gone')::integer)
        and (wanted -> 'missing' = '[]'
          or wanted -> 'missing' ? 'old-price' and coverage & 4 > 0
          or wanted -> 'missing' ? 'discount' and coverage & 8 > 0
          or wanted -> 'missing' ? 'affiliate-link' and coverage & 16 > 0));
  end if;
  return (select count(*) from public.offers o where public.offers_matches(o, wanted, patterns));
end $$;

-- Makes the function that writes a row, as it was, but by one statement or the other: an upsert is both to a trigger.
-- A row that somebody deleted meanwhile is written again.
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
        if before.id is not null then
          update public.offers set (%1$s) = row(%2$s) where id = after.id;
        end if;
        if not found then
          insert into public.offers (%1$s) values (%2$s);
        end if;
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
    $write$, columns, 'after.' || replace(columns, ', ', ', after.'));
end $make$;
select public.offers_make_write();

-- They served counts alone.
drop index if exists public.offers_not_enriched;
drop index if exists public.offers_gone;

-- What needs enrichment, page by page for a catalogue of any size: of each offer what its job holds, and its place.
-- One page after `after`, the last row of the page before (null: the first page). An offer stands where it comes first:
-- never asked (never tried first, then oldest) before to be asked again (longest ago first). Each part of each wanted
-- field is read along its index, from where the page before ended.
-- Answer: [[id, url, price_cents, looked_at, tried_at, seen_at], …]
create or replace function public.offers_needing(
  missing text[], recheck_before timestamptz, after jsonb, page_size integer
) returns jsonb language plpgsql stable set search_path = '' as $$
declare
  columns text[][] := array[
    ['old-price', 'old_price_cents', 'page_looked_at'],
    ['discount', 'discount_pct', 'page_looked_at'],
    ['affiliate-link', 'affiliate_link', 'link_looked_at']];
  field text[];
  earlier text[];
  parts text[];
  answer jsonb;
begin
  foreach field slice 1 in array columns loop
    continue when field[1] <> all (missing);
    earlier := earlier || format('%I is null and coalesce(%I, ''-infinity'') < ', field[2], field[3]);
  end loop;
  foreach field slice 1 in array columns loop
    continue when field[1] <> all (missing);
    parts := parts || array[
      format(
        '(select null::timestamptz as looked_at, enrich_attempted_at as tried_at, first_seen_at as seen_at, id
          from public.offers
          where status = ''active'' and %I is null and %I is null and enrich_attempted_at is null
            and ($1 is null or $2 is null and $3 is null and (first_seen_at, id) > ($4, $1))
          order by enrich_attempted_at nulls first, first_seen_at, id limit $6)', field[2], field[3]),
      format(
        '(select null, enrich_attempted_at, first_seen_at, id from public.offers
          where status = ''active'' and %I is null and %I is null and enrich_attempted_at is not null
            and ($1 is null or $2 is null and ($3 is null or (enrich_attempted_at, first_seen_at, id) > ($3, $4, $1)))
          order by enrich_attempted_at nulls first, first_seen_at, id limit $6)', field[2], field[3]),
      format(
        '(select %2$I, null, null, id from public.offers
          where status = ''active'' and %1$I is null and %2$I < $5 and ($2 is null or (%2$I, id) > ($2, $1))
            and not (%3$s %2$I)
          order by %2$I, id limit $6)', field[2], field[3], array_to_string(earlier, format('%I or ', field[3])))];
  end loop;
  execute format(
    'select coalesce(jsonb_agg(
        jsonb_build_array(id, url, price_cents, looked_at, tried_at, seen_at)
        order by looked_at nulls first, tried_at nulls first, seen_at, id), ''[]'')
      from (
        select * from (%s) as parts order by looked_at nulls first, tried_at nulls first, seen_at, id limit $6
      ) as page join public.offers using (id)', array_to_string(parts, ' union '))
    into answer
    using (after ->> 0)::uuid, (after ->> 3)::timestamptz, (after ->> 4)::timestamptz, (after ->> 5)::timestamptz,
      recheck_before, page_size;
  return answer;
end $$;

do $$
declare
  name text;
begin
  foreach name in array array['coverage', 'fold_tally', 'keep_tally', 'recount', 'needing'] loop
    execute format('revoke all on function public.offers_%s from public, anon, authenticated', name);
    execute format('grant execute on function public.offers_%s to service_role', name);
  end loop;
end $$;

insert into public.offers_schema (version) values (17) on conflict do nothing;
notify pgrst, 'reload schema';
