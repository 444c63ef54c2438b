-- Writing whole offers of a backup over what is there: `offers db restore`.
select pg_advisory_xact_lock(16776741);

-- Rows are updated in place, so that what refers to them stands; an offer that is here under another id is replaced.
-- Answer: {id: checksum} of the offers given.
create or replace function public.offers_restore(offers jsonb, history jsonb, runs jsonb)
returns jsonb language plpgsql set search_path = '' as $$
declare
  ids uuid[] := array(select (given.value ->> 'id')::uuid from jsonb_array_elements(offers) given);
  columns text;
  new_values text;
begin
  perform pg_advisory_xact_lock(16776742);
  delete from public.offers o using jsonb_populate_recordset(null::public.offers, offers) given
    where o.external_id = given.external_id and o.marketplace = given.marketplace and o.id <> given.id;
  if cardinality(ids) > 0 then
    select string_agg(quote_ident(key), ', '), string_agg('excluded.' || quote_ident(key), ', ')
      into columns, new_values from jsonb_object_keys(offers -> 0) key;
    execute format(
      'insert into public.offers (%1$s) select %1$s from jsonb_populate_recordset(null::public.offers, $1)
        on conflict (id) do update set (%1$s) = row(%2$s)', columns, new_values)
      using offers;
    delete from public.price_history where offer_id = any (ids);
    insert into public.price_history (offer_id, observed_at, price_cents, old_price_cents, source)
      select h.offer_id, h.observed_at, h.price_cents, h.old_price_cents, h.source
      from jsonb_array_elements(history) with ordinality as given (value, place),
        jsonb_populate_record(null::public.price_history, given.value) h
      order by given.place;
  end if;
  perform public.offers_save_run(run) from jsonb_array_elements(runs) run;
  return public.offers_checksums(ids);
end $$;

revoke all on function public.offers_restore from public, anon, authenticated;
grant execute on function public.offers_restore to service_role;

insert into public.offers_schema (version) values (6) on conflict do nothing;
notify pgrst, 'reload schema';
