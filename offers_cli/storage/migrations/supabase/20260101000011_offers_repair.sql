-- Addresses that an older version stored and no offer may have: `offers db repair`.
select pg_advisory_xact_lock(16776741);

-- Each repair: {offer_id, url, new_url}; without a new address the offer is removed, with its prices. An offer that has
-- another address than `url` by now is left alone. What was recorded as failed for its address is asked for again.
-- Answer: the ids of the offers that are now as their repair says, also when the same call is repeated.
create or replace function public.offers_repair(repairs jsonb)
returns jsonb language plpgsql set search_path = '' as $$
begin
  perform pg_advisory_xact_lock(16776742);
  delete from public.offers o
    using jsonb_to_recordset(repairs) as given (offer_id uuid, url text, new_url text)
    where o.id = given.offer_id and o.url = given.url and given.new_url is null;
  update public.offers o set
      url = given.new_url,
      enriched_at = case when o.enrich_error = 'forbidden_url' then null else o.enriched_at end,
      affiliate_checked_at = case when o.enrich_error = 'forbidden_url' then null else o.affiliate_checked_at end,
      enrich_error_message = case when o.enrich_error = 'forbidden_url' then null else o.enrich_error_message end,
      enrich_error = nullif(o.enrich_error, 'forbidden_url')
    from jsonb_to_recordset(repairs) as given (offer_id uuid, url text, new_url text)
    where o.id = given.offer_id and o.url = given.url and given.new_url is not null;
  return to_jsonb(array(
    select given.offer_id from jsonb_to_recordset(repairs) as given (offer_id uuid, new_url text)
      left join public.offers o on o.id = given.offer_id
    where o.url is not distinct from given.new_url));
end $$;

revoke all on function public.offers_repair from public, anon, authenticated;
grant execute on function public.offers_repair to service_role;

insert into public.offers_schema (version) values (11) on conflict do nothing;
notify pgrst, 'reload schema';
