-- How many offers still need something, apart from those whose page or programme was asked and has no answer.
select pg_advisory_xact_lock(16776741);

create or replace function public.offers_count_needing(missing text[])
returns bigint language sql stable set search_path = '' as $$
  select count(*) from (
    select id from public.offers
    where status = 'active' and old_price_cents is null and page_looked_at is null and 'old-price' = any (missing)
    union
    select id from public.offers
    where status = 'active' and discount_pct is null and page_looked_at is null and 'discount' = any (missing)
    union
    select id from public.offers
    where status = 'active' and affiliate_link is null and link_looked_at is null and 'affiliate-link' = any (missing)) as needing
$$;

revoke all on function public.offers_count_needing from public, anon, authenticated;
grant execute on function public.offers_count_needing to service_role;

insert into public.offers_schema (version) values (14) on conflict do nothing;
notify pgrst, 'reload schema';
