-- What was recorded of very many offers, told in columns: a hundred prices of each of a thousand offers take half the time.
select pg_advisory_xact_lock(16776741);

-- The history of each of these offers, oldest first: its moments in seconds since 1970, prices, payments, what cards paid,
-- a list of each. Answer: {offer id: [[…], […], […], […]]}, as text, for nobody looks into it here.
drop function if exists public.offers_recorded(uuid[]);
create or replace function public.offers_price_columns(ids uuid[])
returns json language sql stable set search_path = '' as $$
  select coalesce(json_object_agg(offer_id, json_build_array(moments, prices, conditions, card_prices)), '{}') from (
    select offer_id, array_agg(date_part('epoch', observed_at)) as moments, array_agg(price_cents) as prices,
      array_agg(price_condition) as conditions, array_agg(card_price_cents) as card_prices
    from (select * from public.price_history where offer_id = any (ids) order by offer_id, observed_at, id) in_order
    group by offer_id) each_one
$$;

revoke all on function public.offers_price_columns from public, anon, authenticated;
grant execute on function public.offers_price_columns to service_role;

insert into public.offers_schema (version) values (24) on conflict do nothing;
notify pgrst, 'reload schema';
