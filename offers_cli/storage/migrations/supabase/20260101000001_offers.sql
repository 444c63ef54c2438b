-- The tables of `offers` on Supabase. Safe to apply again, and by several at once.
-- Usable as a file of `supabase/migrations` (supabase db push), or pasted into the SQL editor.
select pg_advisory_xact_lock(16776741);

-- Tables of these names that are another program's are left alone: ours are never without offers_schema.
do $$
declare
  foreign_tables text;
begin
  if to_regclass('public.offers_schema') is null then
    select string_agg('public.' || name, ', ') into foreign_tables
      from unnest(array['offers', 'price_history', 'scrape_runs']) name where to_regclass('public.' || name) is not null;
    if foreign_tables is not null then
      raise exception 'the project holds tables of another program: %; nothing was changed', foreign_tables
        using hint = 'rename them (alter table public.offers rename to my_offers), run this again, then: offers db adopt my_offers';
    end if;
  end if;
end $$;

create table if not exists public.offers_schema (
  version integer primary key,
  applied_at timestamptz not null default now()
);

-- Without case and accents, for searching and sorting; the same as folded() in offers_cli/storage/folding.py. Without a
-- search path of its own, for only then is it inlined.
create or replace function public.offers_folded(title text)
returns text language sql immutable as $$
  select lower(regexp_replace(normalize(title, nfkd), U&'[\0300-\036f]', '', 'g'))
$$;

-- Prices are hundredths of `currency`.
create table if not exists public.offers (
  id uuid primary key default gen_random_uuid(),
  marketplace text not null check (marketplace <> ''),
  external_id text not null check (external_id <> ''),
  title text not null,
  title_folded text collate "C" generated always as (public.offers_folded(title)) stored,
  url text not null,
  image_url text,
  currency text not null,
  price_cents bigint not null check (price_cents > 0),
  old_price_cents bigint check (old_price_cents > price_cents),
  suspect_old_price_cents bigint,
  discount_pct integer check (discount_pct between 0 and 100),
  commission_pct integer check (commission_pct between 0 and 100),
  affiliate_link text,
  affiliation_id text,
  item_id text,
  catalogue_id text,
  source text not null,
  status text not null default 'active' check (status in ('active', 'gone')),
  first_seen_at timestamptz not null,
  last_seen_at timestamptz not null,
  price_changed_at timestamptz not null,
  enriched_at timestamptz,
  affiliate_checked_at timestamptz,
  enrich_attempts integer not null default 0,
  enrich_attempted_at timestamptz,
  enrich_error text,
  enrich_error_message text,
  strategies jsonb not null default '{}',
  -- When the page, or the affiliate programme, was asked since the price last changed; null while it was not.
  page_looked_at timestamptz generated always as
    (case when enriched_at >= price_changed_at then enriched_at end) stored,
  link_looked_at timestamptz generated always as
    (case when affiliate_checked_at >= price_changed_at then affiliate_checked_at end) stored,
  unique (external_id, marketplace)
);

-- For each field that enrichment can fill: the offers to ask, never tried first, then oldest. An offer leaves it with
-- its answer, so that a million done offers cost the next question nothing.
create index if not exists offers_needing_old_price on public.offers
  (enrich_attempted_at nulls first, first_seen_at, id)
  where status = 'active' and old_price_cents is null and page_looked_at is null;
create index if not exists offers_needing_discount on public.offers
  (enrich_attempted_at nulls first, first_seen_at, id)
  where status = 'active' and discount_pct is null and page_looked_at is null;
create index if not exists offers_needing_affiliate_link on public.offers
  (enrich_attempted_at nulls first, first_seen_at, id)
  where status = 'active' and affiliate_link is null and link_looked_at is null;

-- And all offers without it, by when they were last asked: to ask again after some age, and to count.
create index if not exists offers_missing_old_price on public.offers (page_looked_at, id)
  where status = 'active' and old_price_cents is null;
create index if not exists offers_missing_discount on public.offers (page_looked_at, id)
  where status = 'active' and discount_pct is null;
create index if not exists offers_missing_affiliate_link on public.offers (link_looked_at, id)
  where status = 'active' and affiliate_link is null;

create index if not exists offers_not_enriched on public.offers (enriched_at) where enriched_at is null;
create index if not exists offers_gone on public.offers (status) where status = 'gone';
create index if not exists offers_last_seen_at on public.offers (last_seen_at, id);

create table if not exists public.price_history (
  id bigint generated always as identity primary key,
  offer_id uuid not null references public.offers (id) on delete cascade,
  observed_at timestamptz not null,
  price_cents bigint not null,
  old_price_cents bigint,
  source text not null check (source in ('listing', 'product'))
);
create index if not exists price_history_offer on public.price_history (offer_id, observed_at, id);

create table if not exists public.scrape_runs (
  id uuid primary key,
  source text not null,
  status text not null check (status in ('running', 'done', 'failed', 'interrupted')),
  started_at timestamptz not null,
  finished_at timestamptz,
  pages integer not null default 0,
  seen integer not null default 0,
  new integer not null default 0,
  changed integer not null default 0,
  unchanged integer not null default 0,
  filtered integer not null default 0,
  enqueued integer not null default 0,
  error text
);
create index if not exists scrape_runs_started_at on public.scrape_runs (started_at);

-- Only the service role, which bypasses row-level security, gets in: there is no policy for anybody else.
alter table public.offers_schema enable row level security;
alter table public.offers enable row level security;
alter table public.price_history enable row level security;
alter table public.scrape_runs enable row level security;
revoke all on public.offers_schema, public.offers, public.price_history, public.scrape_runs
  from public, anon, authenticated;
grant select, insert, update, delete on public.offers_schema, public.offers, public.price_history, public.scrape_runs
  to service_role;

insert into public.offers_schema (version) values (1) on conflict do nothing;
